-- LAPACK and convolution (spec 3.7): definitions checked, not only shapes.
torch.manualSeed(7)
local function near(a, b, text) assert((a - b):abs():max() < 1e-10, text) end
local A, B = torch.randn(4, 4), torch.randn(4, 2)
local x, lu = torch.gesv(B, A)
near(A * x, B, 'gesv')
assert(lu:size(1) == 4)
local rx, rlu = torch.Tensor(), torch.Tensor()
local gx = torch.gesv(rx, rlu, B, A)
assert(gx == rx)
near(A * rx, B, 'gesv into results')
assert(not pcall(torch.gesv, B, torch.zeros(4, 4)))
near(A * torch.inverse(A), torch.eye(4), 'inverse')
assert(torch.inverse(A):stride(1) == 1 and torch.inverse(A):stride(2) == 4, 'columns')
assert(not pcall(torch.inverse, torch.zeros(2, 2)) and not pcall(torch.inverse, torch.ones(2, 3)))

local tall = torch.randn(6, 3)
local b = torch.randn(6, 1)
local ls = torch.gels(b, tall)
near(tall:t() * (tall * ls:narrow(1, 1, 3)), tall:t() * b, 'gels: normal equations')
local u, s, v = torch.svd(tall)
assert(u:size(2) == 3 and s:dim() == 1 and v:size(1) == 3)
near(u * torch.diag(s) * v:t(), tall, 'svd')
assert(torch.svd(tall, 'A'):size(2) == 6)
local q, r = torch.qr(tall)
near(q * r, tall, 'qr')
near(q:t() * q, torch.eye(3), 'q is orthogonal')
local packed, tau = torch.geqrf(tall)
local sign = torch.diag(torch.sign(torch.diag(r)))
near(torch.orgqr(packed, tau) * torch.triu(packed:narrow(1, 1, 3)), tall, 'geqrf and orgqr')
near(torch.ormqr(packed, tau, tall, 'L', 'T'):narrow(1, 1, 3), torch.triu(packed:narrow(1, 1, 3)), 'ormqr')

local sym = A + A:t()
local e, ev = torch.symeig(sym, 'V')
near(sym * ev, ev * torch.diag(e), 'symeig')
assert(e[1] <= e[2] and torch.symeig(sym):dim() == 1)
local rot = torch.Tensor{{0, -1}, {1, 0}}
local ew, vectors = torch.eig(rot, 'V')
assert(ew:size(2) == 2 and math.abs(ew[1][1]) < 1e-12 and math.abs(math.abs(ew[1][2]) - 1) < 1e-12)
-- a column pair holds the real and imaginary part: A re = -w im and A im = w re for an eigenvalue i w
local re, im, w = vectors:narrow(2, 1, 1), vectors:narrow(2, 2, 1), ew[1][2]
near(rot * re, im * -w, 'eig, real part')
near(rot * im, re * w, 'eig, imaginary part')

local pd = tall:t() * tall
local chol = torch.potrf(pd)
near(chol:t() * chol, pd, 'potrf')
near(torch.potrf(pd, 'L') * torch.potrf(pd, 'L'):t(), pd, 'potrf L')
near(pd * torch.potrs(torch.eye(3), chol), torch.eye(3), 'potrs')
near(pd * torch.potri(chol), torch.eye(3), 'potri')
near(chol * torch.trtrs(torch.eye(3), chol), torch.eye(3), 'trtrs')
near(chol:t() * torch.trtrs(torch.eye(3), chol, 'U', 'T'), torch.eye(3), 'trtrs transposed')
assert(not pcall(torch.potrf, torch.Tensor{{1, 2}, {2, 1}}))
local fu, piv = torch.pstrf(pd)
local P = torch.zeros(3, 3)
for i = 1, 3 do P[piv[i]][i] = 1 end
near(P:t() * pd * P, fu:t() * fu, 'pstrf')

local img, ker = torch.range(1, 9):view(3, 3), torch.Tensor{{1, 2}, {3, 4}}
local function values(t) return table.concat(t:contiguous():view(t:nElement()):totable(), ' ') end
assert(values(torch.xcorr2(img, ker)) == '37 47 67 77' and values(torch.conv2(img, ker)) == '23 33 53 63')
assert(torch.conv2(img, ker, 'F'):size(1) == 4 and torch.conv2(img, ker, 'F')[1][1] == 1 and torch.conv2(img, ker, 'F')[4][4] == 36)
local planes, kernels = torch.randn(2, 5, 5), torch.randn(3, 2, 2, 2)
local sum = torch.conv2(planes, kernels)
near(sum[2], torch.conv2(planes[1], kernels[2][1]) + torch.conv2(planes[2], kernels[2][2]), 'conv2 sums planes')
near(torch.xcorr2(planes, kernels[1])[2], torch.xcorr2(planes[2], kernels[1][2]), 'plane i with kernel i')
local volume, cube = torch.randn(3, 4, 5), torch.randn(2, 2, 2)
near(torch.xcorr3(volume, cube)[1][1], torch.xcorr2(volume[1], cube[1])[1] + torch.xcorr2(volume[2], cube[2])[1], 'xcorr3')
assert(torch.conv3(volume, cube, 'F'):size(1) == 4 and not pcall(torch.conv2, img, torch.ones(4, 4)))
