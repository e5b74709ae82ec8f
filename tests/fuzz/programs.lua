-- One random program: calls of Lua's library, of torch's functions and methods and of nn's classes, with arguments that
-- mostly fit and sometimes are as odd as numbers get. Everything is called through pcall; what comes back is used again.
-- Prints the number of calls, and of those that went well, after each.
local seed, calls, log = ...
local pcall, type, pairs, tostring, unpack, print = pcall, type, pairs, tostring, unpack, print
local getmetatable, setmetatable, select, sort = getmetatable, setmetatable, select, table.sort
local torch, nn, table = torch, nn, {concat = table.concat}

seed = (seed * 7919 + 104729) % 2147483647
local function draw(n)
   seed = (seed * 16807) % 2147483647
   return seed % n + 1
end
for _ = 1, 8 do draw(2) end
local function pick(list) return list[draw(#list)] end

local ODD = {0, -1, -2, 0.5, 1e9, 2^31, 2^32, 2^53, -2^53, 2^62, 2^63, -2^63, 1e300, -1e300, 1 / 0, -1 / 0, 0 / 0, 65536, 1000,
   1e15, -2^31, 255, 256, 64, 65}
local TEXTS = {'', 'U', 'L', 'N', 'V', 'F', 'A', 'T', 'mean', 'zero', 'weight', 'bias', 'torch.FloatTensor', 'torch.LongTensor',
   'torch.DoubleTensor', 'torch.ByteStorage', 'nn.Linear', 'float', 'double', '%s%d', '(a*)*b', ('x'):rep(300), '*a', 'r', 'rw',
   'ascii', 'k', 'return 1', '\0\1\2'}
local KINDS = {'Float', 'Float', 'Float', 'Double', 'Double', 'Long', 'Long', 'Byte', 'Int', 'Char', 'Short', 'Half', 'Cuda'}

local pool = {}
local function keep(value)
   if value == nil or type(value) == 'string' and #value > 1e5 then return end
   pool[#pool < 30 and #pool + 1 or draw(30)] = value
end

local function size() return draw(12) > 1 and draw(4) or pick(ODD) end

local function tensor()
   local made = torch[pick(KINDS) .. 'Tensor']
   local dims, sizes = draw(4), {}
   for i = 1, dims do sizes[i] = draw(40) > 1 and draw(5) or pick(ODD) end
   local ok, t = pcall(made, unpack(sizes))
   if not ok then return torch.FloatTensor(3):fill(1) end
   if draw(3) > 1 then
      local low = draw(3) == 1 and -3 or 1
      pcall(function() for i = 1, t:nElement() < 700 and t:nElement() or 0 do t:storage()[i] = draw(4) + low - 1 end end)
   end
   local change = draw(14)
   local function try(f) local fine, other = pcall(f) if fine and other then t = other end end
   if change == 1 then try(function() return t:t() end)
   elseif change == 2 then try(function() return t:narrow(1, 1, 1) end)
   elseif change == 3 then try(function() return t:narrow(dims, 1, 1):expandAs(t) end)
   elseif change == 4 then try(function() return made(1, 1):expand(2 ^ draw(40), 2 ^ draw(20)) end)
   elseif change == 5 then try(function() return made(t:storage(), 1, t:nElement(), draw(3) - 1) end)
   elseif change == 6 then try(function() t:storage():resize(draw(3)) return t end)
   elseif change == 7 then try(function() return t:unfold(1, 1, draw(3)) end)
   elseif change == 8 then try(function() return made() end)
   end
   return t
end

local argument
local function list()
   local t = {}
   for i = 1, draw(4) - 1 do t[i] = argument(true) end
   if draw(12) == 1 then t[1] = t end
   if draw(300) == 1 then
      for _ = 1, 30 do t = {t, t} end
   end
   if draw(20) == 1 then
      for _ = 1, 3000 do t = {t} end
   end
   return t
end

function argument(shallow)
   local kind = draw(100)
   if kind <= 32 then return draw(5) end
   if kind <= 38 then return pick(ODD) end
   if kind <= 62 then return tensor() end
   if kind <= 78 and #pool > 0 then return pick(pool) end
   if kind <= 83 then return pick(TEXTS) end
   if kind <= 88 then return draw(2) == 1 end
   if kind <= 92 then return torch.LongStorage({draw(4), draw(4), size()}) end
   if kind <= 94 then return function(...) return ... end end
   if kind <= 95 then return torch[pick(KINDS) .. 'Storage'](draw(6)) end
   if kind <= 99 and not shallow then return list() end
   return nil
end

local function names(t, wanted)
   local found = {}
   for name, value in pairs(t) do
      if type(name) == 'string' and (type(value) == 'function' or wanted and type(value) == wanted) then
         found[#found + 1] = name
      end
   end
   sort(found)
   return found
end

local FUNCTIONS, CLASSES, LIBRARY = names(torch), names(nn, 'table'), {}
for _, library in pairs({'string', 'table', 'math', 'os', 'coroutine', 'bit'}) do
   for _, name in pairs(names(_G[library])) do LIBRARY[#LIBRARY + 1] = {library .. '.' .. name, _G[library][name]} end
end
for _, name in pairs({'tostring', 'tonumber', 'setmetatable', 'getmetatable', 'rawset', 'rawget', 'rawequal', 'select', 'unpack',
   'loadstring', 'load', 'next', 'type', 'xpcall', 'pcall', 'collectgarbage', 'assert', 'ipairs', 'pairs', 'getfenv'}) do
   LIBRARY[#LIBRARY + 1] = {name, _G[name]}
end
sort(LIBRARY, function(a, b) return a[1] < b[1] end)

local done, fine = 0, 0
local function shown(value)
   local kind = torch.typename(value)
   if kind and kind:match('Tensor$') then
      return kind .. '(' .. table.concat(value:size():totable(), 'x') .. ')'
   end
   return kind or type(value) == 'number' and tostring(value) or type(value) == 'string' and #value < 20 and value or type(value)
end
local function call(name, f, ...)
   done = done + 1
   if log then
      local words = {}
      for i = 1, select('#', ...) do words[i] = shown((select(i, ...))) end
      print(done .. ' ' .. name .. ' ' .. table.concat(words, ' '))
   end
   local results = {pcall(f, ...)}
   if results[1] then
      fine = fine + 1
      print('@ ' .. done .. ' ' .. fine)
      for i = 2, #results < 4 and #results or 3 do keep(results[i]) end
   end
   return results[1], results[2]
end

local function arguments(most)
   local list, n = {}, draw(most + 1) - 1
   for i = 1, n do list[i] = argument() end
   return list, n
end

local function methods_of(value)
   local class = getmetatable(value)
   local all = {}
   while type(class) == 'table' and #all < 600 do
      for _, name in pairs(names(class)) do all[#all + 1] = name end
      class = getmetatable(class)
   end
   return all
end
local TENSOR_METHODS = methods_of(torch.FloatTensor())
local USUAL = {'forward', 'forward', 'backward', 'updateOutput', 'updateGradInput', 'accGradParameters', 'zeroGradParameters',
   'updateParameters', 'getParameters', 'clone', 'double', 'float', 'clearState', 'training', 'evaluate', 'reset', '__tostring'}

local function with_module()
   local name = pick(CLASSES)
   local list, n = arguments(4)
   if draw(3) > 1 then
      for i = 1, n do list[i] = draw(8) > 1 and draw(4) or list[i] end
   end
   local ok, made = call('nn.' .. name, nn[name], unpack(list, 1, n))
   if not ok or type(made) ~= 'table' then return end
   if type(made.add) == 'function' then
      for _ = 1, draw(3) do
         local again, child = pcall(nn[pick(CLASSES)], draw(4), draw(4), draw(3), draw(3))
         call(name .. ':add', made.add, made, again and child or argument())
      end
   end
   local input = argument()
   for _ = 1, 6 do
      local method = draw(3) > 1 and pick(USUAL) or pick(methods_of(made))
      local f = method and made[method]
      if type(f) == 'function' then
         local further, m = arguments(3)
         if method == 'forward' or method == 'updateOutput' or method == 'backward' then
            further[1] = input
            if m < 1 then m = 1 end
         end
         if method == 'backward' and draw(2) == 1 then further[2], m = made.output, 2 end
         call(name .. ':' .. method, f, made, unpack(further, 1, m))
      end
   end
end

for _ = 1, calls do
   if done >= calls then break end
   local kind = draw(10)
   if kind <= 4 then
      local object, method = tensor(), pick(TENSOR_METHODS)
      local list, n = arguments(4)
      call('t:' .. method, object[method], object, unpack(list, 1, n))
   elseif kind <= 7 then
      local name = pick(FUNCTIONS)
      local list, n = arguments(5)
      call('torch.' .. name, torch[name], unpack(list, 1, n))
   elseif kind <= 8 then
      local chosen = pick(LIBRARY)
      local list, n = arguments(4)
      call(chosen[1], chosen[2], unpack(list, 1, n))
   elseif #pool > 0 and kind == 9 then
      local value = pick(pool)
      local method = pick(type(value) == 'userdata' and methods_of(value) or TENSOR_METHODS)
      local list, n = arguments(3)
      local fine, f = pcall(function() return value[method] end)
      if fine and type(f) == 'function' then call(':' .. method, f, value, unpack(list, 1, n)) end
      local other = argument()
      call('+', function() return value + other end)
      call('/', function() return value / other end)
      call('[]', function() return value[other] end)
      call('[]=', function() value[other] = argument() end)
      call('tostring', tostring, value)
   else
      with_module()
   end
end
