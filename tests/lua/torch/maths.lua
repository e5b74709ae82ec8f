-- Arithmetic, pointwise functions, reductions, comparison, sorting, products (spec 3.2, 3.7).
local function values(t) return table.concat(t:contiguous():view(t:nElement()):totable(), ' ') end
local function T(...) return torch.Tensor{...} end
local function close(a, b) assert(math.abs(a - b) < 1e-12, a .. ' is not ' .. b) end

-- call forms
local a, b, r = T(1, 2, 3), T(4, 5, 6), torch.Tensor()
assert(values(torch.add(a, 1)) == '2 3 4' and values(a) == '1 2 3')
assert(torch.add(r, a, b) == r and values(r) == '5 7 9' and values(torch.add(a, 2, b)) == '9 12 15')
local x = a:clone()
assert(x:add(1) == x and values(x) == '2 3 4' and values(x:add(b)) == '6 8 10')
assert(values(x:add(a, b)) == '5 7 9' and values(x:add(-1, a)) == '4 5 6' and values(x:add(a, 10, b)) == '41 52 63')
assert(values(torch.csub(b, a)) == '3 3 3' and values(torch.mul(a, 2)) == '2 4 6' and values(torch.div(b, 2)) == '2 2.5 3')
assert(values(torch.cmul(a, b)) == '4 10 18' and values(torch.cdiv(b, a)) == '4 2.5 2' and values(torch.cpow(a, b)) == '1 32 729')
assert(values(torch.cmax(T(1, 5), T(3, 2))) == '3 5' and values(torch.cmin(T(1, 5), 2)) == '1 2')
assert(values(a:clone():addcmul(2, a, b)) == '9 22 39' and values(torch.addcdiv(a, 1, b, a)) == '5 4.5 5')
assert(values(torch.clamp(T(-5, 0, 5), -1, 1)) == '-1 0 1' and torch.clamp(7, 0, 3) == 3)
assert(values(torch.lerp(T(0, 10), T(10, 20), 0.5)) == '5 15' and values(torch.neg(a)) == '-1 -2 -3')
assert(values(torch.fmod(T(-5, 5), 3)) == '-2 2' and values(torch.remainder(T(-5, 5), 3)) == '1 2')
assert(values(torch.Tensor(2, 2):fill(1):add(T(1, 2, 3, 4))) == '2 3 4 5')
local ok, err = pcall(torch.add, a, T(1, 2))
assert(not ok and tostring(err):find('inconsistent tensor size'))
ok, err = pcall(torch.add, a, 'x')
assert(tostring(err):find('invalid arguments: DoubleTensor string') and tostring(err):find('expected arguments:'), tostring(err))
assert(not pcall(torch.add, a, torch.FloatTensor(3)))
-- integers truncate and wrap
assert(values(torch.IntTensor{-7, 7}:div(2)) == '-3 3' and values(torch.ByteTensor{200}:add(100)) == '44')
assert(values(torch.IntTensor{7, 8}:mul(1.9)) == '7 8' and not pcall(function() torch.IntTensor{1}:div(0) end))
assert(values(torch.LongTensor{5}:lshift(2)) == '20' and values(torch.IntTensor{6}:bitand(3)) == '2' and values(torch.Tensor{3}:lshift(2)) == '12')

-- pointwise
close(torch.exp(T(1))[1], math.exp(1))
close(torch.sqrt(4), 2)
close(torch.sigmoid(T(0))[1], 0.5)
assert(values(torch.round(T(0.5, 1.5, 2.5, -0.5, -2.5, 0.49999999999999994))) == '1 2 3 -1 -3 0')
assert(torch.abs(-3) == 3 and values(torch.abs(torch.IntTensor{-2})) == '2' and values(torch.sign(T(-2, 0, 3))) == '-1 0 1')
assert(values(torch.pow(a, 2)) == '1 4 9' and values(torch.pow(2, a)) == '2 4 8' and torch.pow(2, 3) == 8)
assert(values(T(4, 9):sqrt()) == '2 3' and values(T(1.5, -1.5):frac()) == '0.5 -0.5' and values(T(2):cinv()) == '0.5')
assert(not pcall(function() torch.IntTensor{1}:exp() end))

-- reductions
local m = torch.Tensor{{1, 5, 3}, {4, 2, 6}}
assert(m:sum() == 21 and m:prod() == 720 and m:max() == 6 and m:min() == 1 and m:mean() == 3.5)
local s = m:sum(1)
assert(s:dim() == 2 and s:size(1) == 1 and values(s) == '5 7 9' and values(m:mean(2)) == '3 4' and values(m:prod(2)) == '15 48')
local v, i = m:max(2)
assert(values(v) == '5 6' and values(i) == '2 3' and i:type() == 'torch.LongTensor' and v:size(2) == 1)
v, i = torch.min(m, 1)
assert(values(v) == '1 2 3' and values(i) == '1 2 1')
local rv, ri = torch.Tensor(), torch.LongTensor()
local gv, gi = torch.max(rv, ri, m, 2)
assert(gv == rv and gi == ri and values(ri) == '2 3')
close(T(1, 2, 3, 4):var(), 5 / 3)
close(T(1, 2, 3, 4):std(true), math.sqrt(1.25))
close(m:std(2)[1][1], 2)
close(m:var(2, true)[1][1], 8 / 3)
close(T(3, 4):norm(), 5)
assert(T(3, -4):norm(1) == 7 and T(3, 0, 4):norm(0) == 2 and values(m:norm(1, 2)) == '9 12' and T(1, 2):dist(T(4, 6)) == 5)
assert(torch.dot(a, b) == 32 and torch.Tensor{{1, 2}, {3, 4}}:trace() == 5)
assert(values(m:cumsum(2)) == '1 6 9 4 6 12' and values(torch.cumsum(a)) == '1 3 6' and values(torch.cumprod(a)) == '1 2 6')
assert(torch.ByteTensor(300):fill(1):sum() == 300 and not pcall(function() torch.IntTensor{1}:mean() end))
local rn = torch.Tensor{{3, 4}, {0.3, 0.4}}:renorm(2, 1, 1)
assert(math.abs(rn[1][1] - 0.6) < 1e-7 and rn[2][1] == 0.3) -- Torch7 divides by the norm plus 1e-7
assert(not pcall(function() torch.Tensor():max() end) and torch.Tensor():sum() == 0)

-- comparison
assert(values(a:lt(2)) == '1 0 0' and a:lt(2):type() == 'torch.ByteTensor' and values(torch.eq(a, T(1, 0, 3))) == '1 0 1')
local mask = torch.Tensor(3)
assert(torch.ge(mask, a, 2) == mask and values(mask) == '0 1 1' and values(torch.ne(a, 2)) == '1 0 1')
assert(a:gt(0):all() and a:gt(2):any() and not a:gt(9):any() and not pcall(function() return a:all() end))
assert(torch.equal(a, T(1, 2, 3)) and not a:equal(b) and a ~= T(1, 2, 3))

-- order
v, i = torch.sort(T(3, 1, 2))
assert(values(v) == '1 2 3' and values(i) == '2 3 1')
v, i = m:sort(2, true)
assert(values(v) == '5 3 1 6 4 2' and values(i) == '2 3 1 3 1 2' and values((m:sort(1, true))) == '4 5 6 1 2 3')
v, i = T(3, 1, 2):topk(2, 1, false, true)
assert(values(v) == '1 2' and values(i) == '2 3' and values((T(3, 1, 2):topk(1))) == '1')
assert(values((T(3, 1, 2):topk(2, true, true))) == '3 2')
v, i = T(3, 1, 2):kthvalue(2)
assert(values(v) == '2' and values(i) == '3' and values((m:median())) == '3 4' and values((T(4, 1, 2, 3):median())) == '2')
assert(values((T(1, 2, 2, 3):mode())) == '2')

-- products
local A, B = torch.Tensor{{1, 2}, {3, 4}}, torch.Tensor{{5, 6}, {7, 8}}
assert(values(torch.mm(A, B)) == '19 22 43 50' and values(A * B) == '19 22 43 50' and values(A * T(1, 1)) == '3 7')
assert(T(1, 2) * T(3, 4) == 11 and values(torch.mv(A, T(1, 1))) == '3 7' and values(torch.ger(T(1, 2), T(3, 4))) == '3 4 6 8')
assert(values(torch.Tensor(2, 2):mm(A, B)) == '19 22 43 50' and values(torch.Tensor():resize(2, 2):mm(A, B)) == '19 22 43 50')
assert(values(torch.addmm(torch.ones(2, 2), A, B)) == '20 23 44 51' and values(torch.ones(2, 2):addmm(A, B)) == '20 23 44 51')
assert(values(torch.ones(2, 2):addmm(2, A, B)) == '39 45 87 101' and values(torch.ones(2, 2):addmm(0, 2, A, B)) == '38 44 86 100')
assert(values(torch.ones(2):addmv(A, T(1, 1))) == '4 8' and values(torch.zeros(2, 2):addr(2, T(1, 2), T(3, 4))) == '6 8 12 16')
assert(values(torch.addmm(2, torch.ones(2, 2), 1, A, B)) == '21 24 45 52')
local batch = torch.cat(A:view(1, 2, 2), B:view(1, 2, 2), 1)
assert(values(torch.bmm(batch, batch)) == '7 10 15 22 67 78 91 106' and values(torch.zeros(2, 2):addbmm(batch, batch)) == '74 88 106 128')
assert(values(torch.zeros(2, 2, 2):baddbmm(batch, batch)) == '7 10 15 22 67 78 91 106')
ok, err = pcall(torch.mm, A, torch.Tensor(3, 2))
assert(not ok and tostring(err):find('size mismatch'))
assert(values(torch.match(T(0, 0, 1, 1):view(2, 2), T(3, 4):view(1, 2))) == '25 13')

-- operators
assert(values(a + 1) == '2 3 4' and values(1 + a) == '2 3 4' and values(a - b) == '-3 -3 -3' and values(1 - a) == '0 -1 -2')
assert(values(-a) == '-1 -2 -3' and values(a * 2) == '2 4 6' and values(2 * a) == '2 4 6' and values(b / 2) == '2 2.5 3' and values(b % 4) == '0 1 2')
assert(not pcall(function() return a * torch.Tensor(2, 2, 2) end) and not pcall(function() return a + torch.Tensor(4) end))

-- builders on tensors, apply
assert(values(torch.diag(T(1, 2))) == '1 0 0 2' and values(torch.diag(A)) == '1 4' and values(torch.tril(A)) == '1 0 3 4')
assert(values(torch.triu(A, 1)) == '0 2 0 0' and values(torch.cross(T(1, 0, 0), T(0, 1, 0))) == '0 0 1')
assert(values(torch.histc(T(1, 2, 2, 3), 3)) == '1 2 1' and values(torch.histc(T(0, 5, 9, 10, 11), 2, 0, 10)) == '1 3')
assert(values(T(1, 2, 3):apply(function(e) if e > 1 then return e * 10 end end)) == '1 20 30')
assert(values(T(1, 2):map(T(3, 4), function(p, q) return p * q end)) == '3 8')
assert(values(T(1, 2):map2(T(3, 4), T(5, 6), function(p, q, w) return p + q + w end)) == '9 12')
