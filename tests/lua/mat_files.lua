-- matio and mattorch on files that scipy wrote (tests/golden/mat, which this runs in).
local function refused(f, words, ...)
   local ok, message = pcall(f, ...)
   assert(not ok and tostring(message):find(words, 1, true), 'not refused with "' .. words .. '": ' .. tostring(message))
end

for _, name in ipairs{'plain', 'packed'} do
   local file = name .. '.mat'
   local matio, mattorch = require 'matio', require 'mattorch'
   local function holds(value, class, size, numbers)
      assert(torch.type(value) == 'torch.' .. class .. 'Tensor', torch.type(value))
      assert(table.concat(value:size():totable(), 'x') == size, name .. ': ' .. table.concat(value:size():totable(), 'x'))
      for i, number in ipairs(value:contiguous():view(-1):totable()) do assert(number == numbers[i], name .. ' ' .. number) end
   end
   holds(matio.load(file, 'matrix'), 'Double', '2x3', {1.5, -2, 3, 4, 5, 6e100})
   local all = matio.load(file)
   assert(all.cube:size(3) == 4 and all.cube[2][3][4] == 23 and all.cube[1][2][3] == 6 and all.cube[2][1][1] == 12)
   holds(all.single, 'Float', '2x1', {0.25, torch.FloatTensor{1e-3}[1]})
   holds(all.bytes, 'Byte', '2x2', {0, 255, 7, 8})
   holds(all.int8, 'Char', '1x2', {-128, 127})
   holds(all.int16, 'Short', '1x2', {-32768, 32767})
   holds(all.uint16, 'Short', '1x2', {1, 2})
   holds(all.int32, 'Int', '2x1', {-5, 2147483647})
   holds(all.int64, 'Long', '1x2', {-2 ^ 62, 2 ^ 62})
   holds(all.flags, 'Byte', '1x2', {1, 0})
   holds(all.scalar, 'Double', '1x1', {7})
   holds(all.mixed, 'Double', '1x2', {1.5, 3})
   assert(all.empty:dim() == 0 and torch.type(all.words) == 'torch.CharTensor' and all.words:nElement() == 5)
   holds(all.lines, 'Char', '2x3', {97, 98, 99, 100, 101, 102})
   assert(all.person.age[1][1] == 36 and all.person.inner.list[1][3] == 3 and #all.people == 2 and all.people[2].value[1][1] == 2)
   assert(#all.cells == 3 and all.cells[2][1][2] == 3 and torch.type(all.cells[3]) == 'torch.ShortTensor')
   matio.use_lua_strings = true
   local some = matio.load(file, {'words', 'person', 'cells'})
   assert(some.words == 'h\195\169llo' and some.person.name == 'Ada' and some.cells[1] == 'one' and some.matrix == nil)
   matio.use_lua_strings = false
   assert(matio.load(file, 'nothing') == nil)
   local reversed = mattorch.load(file)
   holds(reversed.matrix, 'Double', '3x2', {1.5, 4, -2, 5, 3, 6e100})
   assert(reversed.cube:isContiguous() and reversed.cube[4][3][2] == 23 and type(reversed.cells) == 'string')
   refused(mattorch.save, 'is not here', 'x', torch.zeros(1))
end
refused(require('matio').load, 'this is no MAT file of version 5, 6 or 7', 'four.mat')
