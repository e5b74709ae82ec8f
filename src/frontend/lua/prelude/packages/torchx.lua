-- torchx: extensions of torch: concat, find, group, remap, md5, Queue, AliasMultinomial.

local torch, nn, native, packages = ...

function torch.concat(result, tensors, dim)
   if type(result) == 'table' then result, tensors, dim = nil, result, tensors end
   if result then return torch.cat(result, tensors, dim or 1) end
   return torch.cat(tensors, dim or 1)
end

-- Places of a value, row by row; dim = 2: a table of columns for each row.
function torch.find(tensor, value, dim)
   if dim == nil then
      local places = torch.eq(tensor:contiguous():view(-1), value):nonzero()
      return places:dim() > 0 and places:view(-1):totable() or {}
   end
   if dim ~= 2 or tensor:dim() ~= 2 then error('torch.find: dim is 2, of a matrix', 2) end
   local rows = {}
   for i = 1, tensor:size(1) do rows[i] = torch.find(tensor[i], value) end
   return rows
end

-- Groups of equal numbers: {value: {idx = LongTensor, val = Tensor}}, the sorted numbers, their places.
function torch.group(val, idx, tensor, samegrp, desc)
   if not native.is_tensor(idx) then val, idx, tensor, samegrp, desc = nil, nil, val, idx, tensor end
   if type(samegrp) == 'boolean' then samegrp, desc = nil, samegrp end
   samegrp = samegrp or function(first, value) return first == value end
   local sorted, places = torch.sort(tensor, 1, desc or false)
   if val then
      val:resizeAs(sorted):copy(sorted)
      idx:resizeAs(places):copy(places)
      sorted, places = val, idx
   end
   local groups, from = {}, 1
   for i = 2, sorted:size(1) + 1 do
      if i > sorted:size(1) or not samegrp(sorted[from], sorted[i]) then
         groups[sorted[from]] = {idx = places:narrow(1, from, i - from), val = sorted:narrow(1, from, i - from)}
         from = i
      end
   end
   return groups, sorted, places
end

-- f(x, y) on tensors in the same places; missing ones are made like p1, p2 or the other.
function torch.remap(t1, t2, f, p1, p2)
   if type(t1) == 'table' then
      t2 = type(t2) == 'table' and t2 or {t2}
      for key, entry in pairs(t1) do t1[key], t2[key] = torch.remap(entry, t2[key], f, p1, p2) end
   elseif native.is_tensor(t1) then
      if type(t2) == 'table' then t2 = t2[1] end
      t2 = t2 or (p2 or t1).new()
      f(t1, t2)
   elseif type(t2) == 'table' then
      t1 = {}
      for key, entry in pairs(t2) do t1[key], t2[key] = torch.remap(nil, entry, f, p1, p2) end
   elseif native.is_tensor(t2) then
      t1 = (p1 or t2).new()
      f(t1, t2)
   else
      error('torch.remap: tensors or tables of tensors are wanted, not ' .. torch.type(t1) .. ' and ' .. torch.type(t2), 2)
   end
   return t1, t2
end

---------------------------------------------------------------------------------------------------------------
-- RFC 1321.

local bit = native.globals().bit
local shifts = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}
local sines = {}
for i = 1, 64 do sines[i] = math.floor(math.abs(math.sin(i)) * 2 ^ 32) end

local mixes = {
   function(b, c, d) return bit.bor(bit.band(b, c), bit.band(bit.bnot(b), d)) end,
   function(b, c, d) return bit.bor(bit.band(d, b), bit.band(bit.bnot(d), c)) end,
   function(b, c, d) return bit.bxor(b, c, d) end,
   function(b, c, d) return bit.bxor(c, bit.bor(b, bit.bnot(d))) end,
}
local places = {function(i) return i end, function(i) return (5 * i + 1) % 16 end, function(i) return (3 * i + 5) % 16 end,
   function(i) return 7 * i % 16 end}

-- `count` bytes of a number, least first.
local function bytes(number, count)
   local list = {}
   for i = 1, count do
      list[i] = string.char(number % 256)
      number = math.floor(number / 256)
   end
   return table.concat(list)
end

local function md5(message)
   local length = #message
   message = message .. '\128' .. string.rep('\0', (55 - length) % 64) .. bytes(length * 8, 8)
   local state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}
   for at = 1, #message, 64 do
      local words = {}
      for i = 0, 15 do
         local w, x, y, z = message:byte(at + 4 * i, at + 4 * i + 3)
         words[i] = w + x * 2 ^ 8 + y * 2 ^ 16 + z * 2 ^ 24
      end
      local a, b, c, d = unpack(state)
      for i = 0, 63 do
         local round = math.floor(i / 16) + 1
         local sum = (a + mixes[round](b, c, d) % 2 ^ 32 + sines[i + 1] + words[places[round](i)]) % 2 ^ 32
         a, d, c = d, c, b
         b = (b + bit.rol(sum, shifts[round][i % 4 + 1]) % 2 ^ 32) % 2 ^ 32
      end
      for i, value in ipairs{a, b, c, d} do state[i] = (state[i] + value) % 2 ^ 32 end
   end
   local result = {}
   for i, value in ipairs(state) do result[i] = bytes(value, 4) end
   return table.concat(result)
end

torch.md5 = {
   sum = md5,
   sumhexa = function(message)
      return (md5(message):gsub('.', function(byte) return string.format('%02x', byte:byte()) end))
   end,
}

---------------------------------------------------------------------------------------------------------------

local Queue = torch.class('torch.Queue')
function Queue:__init() self.first, self.last, self.list = 0, -1, {} end
function Queue:pushleft(value)
   self.first = self.first - 1
   self.list[self.first] = value
end
function Queue:pushright(value)
   self.last = self.last + 1
   self.list[self.last] = value
end
function Queue:empty() return self.first > self.last end
function Queue:popleft()
   if self:empty() then error('torch.Queue: the queue is empty', 2) end
   local value = self.list[self.first]
   self.list[self.first] = nil
   self.first = self.first + 1
   return value
end
function Queue:popright()
   if self:empty() then error('torch.Queue: the queue is empty', 2) end
   local value = self.list[self.last]
   self.list[self.last] = nil
   self.last = self.last - 1
   return value
end

-- Draws from fixed probabilities.
local Alias = torch.class('torch.AliasMultinomial')
function Alias:__init(probabilities)
   native.expect('torch.AliasMultinomial', '(probabilities)', 'probabilities', 'tensor', probabilities)
   self.probabilities = probabilities:double()
end
function Alias:draw() return torch.multinomial(self.probabilities, 1, true)[1] end
function Alias:batchdraw(output)
   return output:copy(torch.multinomial(self.probabilities, output:nElement(), true):view(output:size()))
end
