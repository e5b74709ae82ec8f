-- What is done in the memory of the result gives what a new result gives, however the arguments lie.
torch.manualSeed(1)

local function close(a, b, what)
   assert(a:isSameSizeAs(b), what .. ': sizes')
   assert((a - b):abs():max() < 1e-12, what)
end

local function numbers(...) return torch.rand(...):add(0.5) end

local calls = {
   {'add', 2}, {'add', 'other'}, {'add', 0.5, 'other'}, {'csub', 2}, {'csub', 'other'}, {'csub', 0.5, 'other'}, {'mul', 3}, {'div', 3},
   {'cmul', 'other'}, {'cdiv', 'other'}, {'cpow', 'other'}, {'pow', 2}, {'clamp', 0.7, 1.1}, {'addcmul', 'other', 'third'},
   {'addcmul', -0.5, 'other', 'third'}, {'addcdiv', 'other', 'third'}, {'addcdiv', 2, 'third', 'other'},
   {'fmod', 0.3}, {'cmax', 'other'}, {'lerp', 'other', 0.3},
}
for _, name in ipairs{'log', 'log1p', 'exp', 'cos', 'sin', 'tan', 'atan', 'tanh', 'sqrt', 'rsqrt', 'sigmoid', 'ceil', 'floor', 'trunc',
   'frac', 'round', 'cinv', 'abs', 'neg', 'sign'} do
   calls[#calls + 1] = {name}
end

-- Where the arguments lie; each gives first, other and third.
local places = {
   apart = function() return numbers(3, 4), numbers(3, 4), numbers(3, 4) end,
   ['one tensor'] = function() local x = numbers(3, 4) return x, x, x end,
   ['another handle'] = function() local x = numbers(3, 4) return x, x:view(3, 4), x:narrow(1, 1, 3) end,
   ['another shape of it'] = function() local x = numbers(3, 4) return x, x:view(12), x:view(4, 3) end,
   transposed = function() local x = numbers(4, 4) return x, x:t(), numbers(4, 4) end,
   ['a row further down'] = function() local x = numbers(4, 4) return x:narrow(1, 1, 3), x:narrow(1, 2, 3), numbers(3, 4) end,
   ['a column of others'] = function() local x = numbers(4, 4) return x:select(2, 2), x:select(2, 3), x:select(1, 2) end,
   ['with gaps'] = function() return numbers(4, 6):narrow(2, 2, 3), numbers(3, 4):t(), numbers(12) end,
   expanded = function() return numbers(3, 4), numbers(1, 4):expand(3, 4), numbers(3, 1):expand(3, 4) end,
   ['one column by another stride'] = function()
      local x = numbers(4, 1)
      return x, x:view(1, 4):t(), torch.Tensor(x:storage(), 1, torch.LongStorage{4, 1}, torch.LongStorage{1, 7})
   end,
   float = function() return numbers(3, 4):float(), numbers(3, 4):float(), numbers(3, 4):float() end,
}

for place, make in pairs(places) do
   for _, call in ipairs(calls) do
      local what = table.concat({call[1], tostring(call[2]), tostring(call[3]), place}, ' ')
      local x, other, third = make()
      local function arguments(of)
         local all = {}
         for i = 2, #call do all[#all + 1] = of[call[i]] or call[i] end
         return unpack(all)
      end
      -- Everything copied: nothing shares memory.
      local wanted = torch[call[1] == 'csub' and 'csub' or call[1]](x:clone(), arguments{other = other:clone(), third = third:clone()})
      local apart = torch.isTensor(wanted) and wanted or error(what)
      local tolerance = x:type() == 'torch.FloatTensor' and 1e-6 or 1e-12
      local function same(a, how)
         assert(a:isSameSizeAs(apart) and (a - apart):abs():max() < tolerance, what .. ', ' .. how)
      end
      -- Into a third tensor, by method and by function; what is read stays.
      local result, before = x:clone():zero(), x:clone()
      assert(result[call[1]](result, x, arguments{other = other, third = third}) == result, what)
      same(result, 'result apart')
      close(x:double(), before:double(), what .. ': the argument stays')
      result = torch.Tensor():typeAs(x)
      torch[call[1]](result, x, arguments{other = other, third = third})
      same(result, 'empty result')
      -- Into the second argument.
      if #call > 1 and torch.isTensor(other) and place == 'apart' then
         local into = other:clone()
         torch[call[1]](into, x, arguments{other = into, third = third})
         same(into, 'result is the other')
      end
      -- In place.
      assert(x[call[1]](x, arguments{other = other, third = third}) == x, what)
      same(x, 'in place')
   end
end

-- Wrong sizes change nothing and say the same.
local x, y = torch.ones(2, 3), torch.ones(4)
for _, call in ipairs{{'add', y}, {'cmul', y}, {'addcmul', y, y}, {'addcdiv', 2, y, y}} do
   local fine, words = pcall(function() return x[call[1]](x, unpack(call, 2)) end)
   assert(not fine and tostring(words):find('different numbers of elements'), words)
   assert(x:sum() == 6)
end

-- A number beyond the type is refused before anything is written, or taken for an infinite one.
local few, one = torch.FloatTensor{7, 8}, torch.FloatTensor{1, 2}
assert(not pcall(function() few:clamp(one, -1e300, 1) end) and few[1] == 7 and few[2] == 8)
assert(few:clone():add(1e300, one)[1] == math.huge and few:clone():mul(1e300)[1] == math.huge)
assert(torch.HalfTensor{7, 8}:csub(1e30, torch.HalfTensor{3, 4})[1] == -math.huge)

-- Whole numbers wrap as before.
local bytes = torch.ByteTensor{250, 3}
assert(bytes:add(10)[1] == 4 and bytes:mul(100)[2] == (13 * 100) % 256)
assert(torch.LongTensor{7, -7}:div(2)[2] == -3)

-- Products that are added, in each form.
local function check(name, matrix, a, b, product)
   for _, how in ipairs{'plain', 'itself', 'transposed', 'on a factor'} do
      local m = matrix:clone()
      if how == 'transposed' and m:dim() == 2 then m = m:t():clone():t() end
      local p, q = a:clone(), b:clone()
      if how == 'on a factor' and a:isSameSizeAs(matrix) then m = p end
      local base, by = m:clone(), product(p:clone(), q:clone())
      local function compare(result, wanted, form) close(result, wanted, name .. ' ' .. form .. ' ' .. how) end
      local into = matrix:clone()
      compare(into[name](into, m, p, q), base + by, 'res M a b')
      compare(into[name](into, 2, m, 3, p, q), base * 2 + by * 3, 'res v M v a b')
      compare(torch[name](2, m, 3, p, q), base * 2 + by * 3, 'v M v a b')
      if how == 'itself' then
         compare(m[name](m, m, 3, p, q), base + by * 3, 'M v a b')
         base = m:clone()
      end
      compare(m[name](m, 0.5, 2, p, q), base * 0.5 + by * 2, 'v v a b')
      if how ~= 'on a factor' then
         base = m:clone()
         compare(m[name](m, p, q), base + by, 'a b')
         m:fill(0 / 0)
         compare(m[name](m, 0, 1, p, q), by, '0 v a b')
      end
   end
end
check('addmm', numbers(3, 4), numbers(3, 5), numbers(5, 4), torch.mm)
check('addmm', numbers(3, 3), numbers(3, 3), numbers(3, 3), torch.mm)
check('addmv', numbers(3), numbers(3, 5), numbers(5), torch.mv)
check('addr', numbers(3, 4), numbers(3), numbers(4), torch.ger)
check('baddbmm', numbers(2, 3, 4), numbers(2, 3, 5), numbers(2, 5, 4), torch.bmm)
check('addbmm', numbers(3, 4), numbers(2, 3, 5), numbers(2, 5, 4), function(a, b) return torch.bmm(a, b):sum(1):view(3, 4) end)
check('addr', numbers(1, 1), numbers(1), numbers(1), torch.ger)
for _, name in ipairs{'addmm', 'addmv', 'addr', 'baddbmm', 'addbmm'} do
   assert(not pcall(function() local m = numbers(7) return m[name](m, numbers(3, 4), numbers(4, 5)) end), name)
end
