-- t[key] and t[key] = value, views, picking (spec 3.4).
local function values(t) return table.concat(t:contiguous():view(t:nElement()):totable(), ' ') end
local t = torch.range(1, 12):view(3, 4)

assert(t[2][3] == 7 and t[-1][-1] == 12 and t[{2, 3}] == 7)
assert(not pcall(function() return t[4] end) and not pcall(function() return t[1][5] end))
assert(not pcall(function() return t[0] end))
local ok, err = pcall(function() return t[4] end)
assert(tostring(err):find('out of range'))
assert(values(t[{2, {}}]) == '5 6 7 8' and values(t[{{}, 2}]) == '2 6 10')
assert(values(t[{{2, 3}, {1, 2}}]) == '5 6 9 10' and t[{{2}, {}}]:dim() == 2)
assert(values(t[{{-2, -1}, {-1}}]) == '8 12' and values(t[{2}]) == '5 6 7 8')
ok, err = pcall(function() return t[{1, 1, 1}] end)
assert(not ok and tostring(err):find('too many indices provided'))
assert(t[torch.LongStorage{2, 3}] == 7)
assert(values(t[t:gt(9)]) == '10 11 12')

local c = t:clone()
c[1] = 0
c[{2, 2}] = 60
c[{{}, 4}] = torch.IntTensor{1, 2, 3}
assert(values(c) == '0 0 0 1 5 60 7 2 9 10 11 3')
c[c:gt(8)] = -1
assert(values(c) == '0 0 0 1 5 -1 7 2 -1 -1 -1 3')
c[c:eq(-1)] = torch.Tensor{21, 22, 23, 24}
assert(values(c) == '0 0 0 1 5 21 7 2 22 23 24 3')
assert(not pcall(function() c[c:eq(0)] = torch.Tensor{1} end) and not pcall(function() c[1] = 'x' end))
c[2] = torch.range(1, 4)
c[torch.LongStorage{1, 1}] = 5
assert(c[2][4] == 4 and c[1][1] == 5)
local v = torch.ByteTensor(3)
v[1], v[2], v[3] = 256, -1, 2.9
assert(v[1] == 0 and v[2] == 255 and v[3] == 2)

-- views share memory
local n = t:narrow(1, 2, 2)
n:fill(0)
assert(t[2][1] == 0 and t[1][1] == 1)
t:copy(torch.range(1, 12))
assert(values(t:sub(2, -1, 1, 2)) == '5 6 9 10' and values(t:select(2, 1)) == '1 5 9' and t[1]:select(1, 2) == 2)
assert(values(t:t()) == '1 5 9 2 6 10 3 7 11 4 8 12' and not t:t():isContiguous())
assert(t:transpose(1, 2):size(1) == 4 and torch.Tensor(2, 3, 4):permute(3, 1, 2):size(1) == 4)
assert(values(torch.range(1, 5):unfold(1, 2, 2)) == '1 2 3 4')
assert(t:view(-1):size(1) == 12 and t:view(torch.LongStorage{2, 6}):size(2) == 6 and t:viewAs(torch.Tensor(6, 2)):size(1) == 6)
assert(not pcall(function() return t:t():view(12) end) and t:t():reshape(12)[2] == 5)
assert(torch.Tensor{1, 2}:view(1, 2):expand(3, 2):size(1) == 3 and torch.ones(1, 2):expandAs(torch.Tensor(4, 2)):sum() == 8)
ok, err = pcall(function() return t:expand(6, 4) end)
assert(not ok and tostring(err):find('singleton expansion'))
assert(values(torch.Tensor{1, 2}:repeatTensor(2, 2)) == '1 2 1 2 1 2 1 2')
assert(torch.Tensor(2, 1, 3):squeeze():dim() == 2 and torch.Tensor(1, 1):fill(4):squeeze() == 4)
assert(torch.Tensor(2, 1, 3):squeeze(1):dim() == 3 and torch.Tensor(2, 1, 3):squeeze(2):dim() == 2)
local pieces = torch.split(torch.range(1, 5), 2)
assert(#pieces == 3 and pieces[3][1] == 5 and #torch.Tensor(6, 2):chunk(3) == 3)
local into = {}
torch.split(into, torch.range(1, 4), 2)
assert(#into == 2)

-- pick and place
local L = torch.LongTensor
assert(values(t:index(1, L{3, 1})) == '9 10 11 12 1 2 3 4' and values(t:index(2, L{4})) == '4 8 12')
assert(not pcall(function() t:index(1, L{4}) end) and not pcall(function() t:index(1, L{0}) end))
local z = torch.zeros(3, 2)
z:indexCopy(1, L{3, 1}, torch.Tensor{{1, 2}, {3, 4}})
assert(values(z) == '3 4 0 0 1 2')
z:indexAdd(1, L{1, 1}, torch.ones(2, 2))
assert(values(z) == '5 6 0 0 1 2')
z:indexFill(2, L{1}, 9)
assert(values(z) == '9 6 9 0 9 2')
assert(values(t:gather(2, L{{1}, {2}, {4}})) == '1 6 12')
local one = torch.zeros(3, 4):scatter(2, L{{1}, {2}, {4}}, 1)
assert(one[1][1] == 1 and one[2][2] == 1 and one[3][4] == 1 and one:sum() == 3)
local src = torch.zeros(2, 3):scatter(1, L{{1, 2, 1}}, torch.Tensor{{7, 8, 9}})
assert(values(src) == '7 0 9 0 8 0' and not pcall(function() torch.zeros(2, 3):scatter(1, L{{3, 1, 1}}, 1) end))
local m = torch.ByteTensor{1, 0, 1}
assert(values(torch.range(1, 3):maskedSelect(m)) == '1 3' and values(torch.range(1, 3):maskedFill(m, 0)) == '0 2 0')
assert(values(torch.range(1, 3):maskedCopy(m, torch.Tensor{8, 9})) == '8 2 9')
assert(values(torch.nonzero(torch.Tensor{{0, 1}, {2, 0}})) == '1 2 2 1' and torch.nonzero(t):type() == 'torch.LongTensor')

-- results go where they are told
local r = torch.Tensor()
assert(torch.index(r, t, 1, L{1}) == r and values(r) == '1 2 3 4')
local view = torch.Tensor()
assert(torch.view(view, t, 12) == view and view:storage() == t:storage())
-- a result without one is never the argument's own memory
local same = torch.Tensor{1, 2}:reshape(2)
local base = torch.Tensor{1, 2}
base:reshape(2):fill(0)
assert(base[1] == 1)
