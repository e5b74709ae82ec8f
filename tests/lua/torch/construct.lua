-- Construction, types, storages, conversion (spec 3.1 and 3.3).
local function values(t) return table.concat(t:totable(), ' ') end

assert(torch.getdefaulttensortype() == 'torch.DoubleTensor')
assert(torch.Tensor(2, 3):type() == 'torch.DoubleTensor')
assert(torch.Tensor():dim() == 0 and torch.Tensor(0):dim() == 0 and torch.Tensor(3, 0):size(1) == 3)
torch.setdefaulttensortype('torch.FloatTensor')
assert(torch.Tensor(1):type() == 'torch.FloatTensor' and torch.Storage(1):type() == 'torch.FloatStorage')
assert(torch.zeros(2):type() == 'torch.FloatTensor')
torch.setdefaulttensortype('torch.DoubleTensor')
assert(not pcall(torch.setdefaulttensortype, 'torch.NoTensor'))

local t = torch.Tensor{{1, 2, 3}, {4, 5, 6}}
assert(t:dim() == 2 and t:size(1) == 2 and t:size(2) == 3 and t:nElement() == 6)
assert(t:stride(1) == 3 and t:stride(2) == 1 and t:storageOffset() == 1)
assert(#t:size() == 2 and t:size()[2] == 3 and (#t)[1] == 2)
assert(not pcall(function() return t:size(3) end))
assert(not pcall(torch.Tensor, {{1, 2}, {3}}) and not pcall(torch.Tensor, {1, 'x'}))
local ok, err = pcall(torch.Tensor, {1, 'x'})
assert(tostring(err):find('invalid element %(not a number%)'))

-- shared construction
local s = torch.Tensor(t)
s[1][1] = 10
assert(t[1][1] == 10 and s ~= t and s:storage() == t:storage() and t == t)
local on = torch.Tensor(t:storage(), 2, 2, 2)
assert(on:nElement() == 2 and on[1] == 2 and on[2] == 4)
on = torch.Tensor(t:storage(), 1, torch.LongStorage{3, 2})
assert(on:size(1) == 3 and on[2][1] == 3)
on = torch.Tensor(t:storage(), 1, torch.LongStorage{3, 2}, torch.LongStorage{1, 3})
assert(on[2][1] == 2 and on[2][2] == 5)
assert(torch.Tensor(torch.LongStorage{2, 2}):nElement() == 4)

-- storages
local st = torch.LongStorage{4, 5, 6}
assert(#st == 3 and st[2] == 5 and st:size() == 3)
st[2] = 50
assert(values(st) == '4 50 6')
assert(not pcall(function() return st[4] end) and not pcall(function() return st[0] end))
st:resize(5):fill(1)
assert(#st == 5 and st[5] == 1)
local part = torch.LongStorage(st, 2, 2)
part[1] = 9
assert(st[2] == 9 and #part == 2)
assert(torch.ByteStorage(3):string('abcd'):size() == 4)
assert(torch.ByteStorage():string('abc'):string() == 'abc')
assert(values(torch.DoubleStorage(3):copy(torch.LongStorage{1, 2, 3})) == '1 2 3')

-- builders
assert(values(torch.range(1, 5)) == '1 2 3 4 5' and values(torch.range(0, 1, 0.5)) == '0 0.5 1')
assert(values(torch.range(5, 1, -2)) == '5 3 1' and not pcall(torch.range, 1, 0))
assert(values(torch.linspace(0, 1, 3)) == '0 0.5 1' and torch.linspace(1, 2):nElement() == 100)
assert(values(torch.logspace(0, 2, 3)) == '1 10 100')
assert(torch.eye(3):sum() == 3 and torch.eye(2, 3):size(2) == 3)
assert(torch.ones(2, 2):sum() == 4 and torch.zeros(torch.LongStorage{2, 3}):nElement() == 6)
assert(torch.ones(3, 'torch.LongTensor'):type() == 'torch.LongTensor')
local r = torch.Tensor()
assert(torch.zeros(r, 2, 2) == r and r:nElement() == 4)
assert(values(torch.cat(torch.Tensor{1, 2}, torch.Tensor{3})) == '1 2 3')
local c = torch.cat(torch.ones(2, 2), torch.zeros(2, 1))
assert(c:size(2) == 3 and c[2][3] == 0)
assert(torch.cat({torch.ones(2), torch.Tensor(), torch.zeros(2)}, 2):size(2) == 2)
assert(torch.cat(torch.ones(1, 3), torch.zeros(2, 3), 1):size(1) == 3)
assert(not pcall(torch.cat, {}) and not pcall(torch.cat, torch.ones(2, 2), torch.ones(3, 3), 1))

-- resize, set, copy, conversion
local a = torch.range(1, 6)
local b = torch.Tensor(a)
b:resize(2, 2)
assert(b:storage() == a:storage() and b[2][2] == 4 and a:nElement() == 6)
b:resize(10):fill(7)
assert(a[6] == 7)
b:resizeAs(torch.Tensor(2, 5))
assert(b:size(2) == 5)
local e = torch.Tensor():set(a)
assert(e:isSetTo(a) and e ~= a)
e:set(a:storage(), 2, 2, 1)
assert(e:nElement() == 2 and e:storageOffset() == 2)
e:set(a:storage(), 1, torch.LongStorage{2, 3})
assert(e:size(2) == 3)
e:set()
assert(e:dim() == 0 and not e:storage())
local k = a:clone()
k[1] = 100
assert(a[1] == 7 and not a:isSetTo(k))
assert(a:contiguous() == a and a:type('torch.DoubleTensor') == a and a:double() == a)
assert(torch.Tensor{1.9, -1.9, 300}:int():sum() == 300)
local bytes = torch.Tensor{300, -1, 2.7}:byte()
assert(values(bytes) == '44 255 2')
assert(a:float():type() == 'torch.FloatTensor' and a:typeAs(bytes):type() == 'torch.ByteTensor')
assert(a:cuda():type() == 'torch.CudaTensor' and a:cuda() ~= a and a:half():double()[1] == 7)
assert(values(torch.IntTensor(2, 2):copy(torch.Tensor{1, 2, 3, 4}):view(4)) == '1 2 3 4')
assert(not pcall(function() torch.Tensor(2):copy(torch.Tensor(3)) end))
assert(torch.Tensor(2, 3):isSameSizeAs(torch.FloatTensor(2, 3)) and torch.Tensor(2, 3):isSize(torch.LongStorage{2, 3}))
assert(torch.isTensor(a) and not torch.isTensor(1) and torch.isStorage(a:storage()))

-- the class is an open table
function torch.DoubleTensor:twice() return self * 2 end
assert(a:twice()[1] == 14 and a.__typename == 'torch.DoubleTensor' and not torch.FloatTensor().twice)
assert(torch.DoubleTensor.add == a.add and a.new(2):nElement() == 2 and a.nothing == nil)
assert(getmetatable(torch.DoubleTensor).__typename == 'torch.DoubleTensor')

-- absurd sizes name themselves
ok, err = pcall(torch.Tensor, 1e12)
assert(not ok and tostring(err):find('1000000000000'), tostring(err))
assert(not pcall(torch.Tensor, 1e9, 1e9) and not pcall(function() torch.Tensor():resize(1e12) end))
assert(not pcall(torch.zeros, 1e12) and not pcall(torch.rand, 1e6, 1e6) and not pcall(torch.DoubleStorage, 1e12))
for _ = 1, 100 do torch.DoubleTensor(1e6) end -- 800 MB in all under a limit of 512 MiB: the collector must keep up
