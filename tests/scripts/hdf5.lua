-- The package hdf5 on the files that tests/python/hdf5.py writes into the folder arg[1], beside the raw numbers.
local hdf5 = require 'hdf5'
local folder = arg[1] .. '/'

local raw = torch.FloatTensor(torch.FloatStorage(folder .. 'data.raw')):view(37, 3, 6, 5)
for _, name in ipairs{'plain.h5', 'gzip.h5', 'contiguous.h5', 'bytes.h5'} do
   local file = hdf5.open(folder .. name, 'r')
   local data = file:read('/data')
   assert(torch.type(data) == 'hdf5.HDF5DataSet' and torch.type(file:read()) == 'hdf5.HDF5Group')
   assert(table.concat(data:dataspaceSize(), ' ') == '37 3 6 5')
   local all = data:all()
   assert(all:type() == (name == 'bytes.h5' and 'torch.ByteTensor' or 'torch.FloatTensor'), all:type())
   assert((all:float() - raw):abs():max() == 0, name)
   for _, part in ipairs{data:partial({3, 5}, {1, 3}, {2, 2}, {1, 5}), data:partial{{3, 5}, {1, 3}, {2, 2}, {1, 5}}} do
      assert((part:float() - raw[{{3, 5}, {}, {2, 2}, {}}]):abs():max() == 0, name)
   end
   local everything = file:all()
   assert(everything.data:isSameSizeAs(raw) and everything.label:size(1) == 37)
   file:close()
   assert(not pcall(file.read, file, '/data'))
end

local file = hdf5.open(folder .. 'kinds.h5')
local kinds = file:read('/kinds'):all()
for name, kind in pairs{i1 = 'Char', u1 = 'Byte', i2 = 'Short', u2 = 'Int', i4 = 'Int', u4 = 'Long', i8 = 'Long', f4 = 'Float', f8 = 'Double', be = 'Float'} do
   local tensor = kinds[name]
   assert(tensor:type() == 'torch.' .. kind .. 'Tensor', name .. ' is ' .. tensor:type())
   for i = 1, 6 do assert(tensor:view(-1)[i] == i - 1, name) end
   assert(tensor:size(1) == 2 and tensor:size(2) == 3)
end
assert(kinds.deep.one[1] == 7 and file:read('kinds/deep'):read('one'):all()[1] == 7 and file:read('/kinds/deep/one'):all():nElement() == 1)

local function refused(words, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and tostring(why):find(words, 1, true), tostring(why))
end
refused("no such path '/none'", file.read, file, '/none')
refused('it wants: whole numbers', function() file:read('/words'):all() end)
refused('expected 2 ranges, got 1', function() file:read('/kinds/i1'):partial({1, 1}) end)
refused('dimension 1 has 2 entries', function() file:read('/kinds/i1'):partial({1, 3}, {1, 1}) end)
refused('is {first, last}', function() file:read('/kinds/i1'):partial({0, 1}, {1, 1}) end)
refused('is not open for writing', file.write, file, '/x', torch.zeros(1))
refused('mode is r, w, a or r+', hdf5.open, folder .. 'new.h5', 'rw')
refused('the HDF5 file cannot be read', hdf5.open, folder .. 'data.raw')
refused('none.h5', hdf5.open, folder .. 'none.h5', 'r')

-- What is written is read again, here and by h5py, which tests/python/hdf5.py does with `written.h5`.
local out = hdf5.open(folder .. 'written.h5', 'w')
local wanted = {deep = {}}
for _, kind in ipairs{'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double'} do
   local tensor = torch.range(0, 5):view(2, 3):type('torch.' .. kind .. 'Tensor')
   if kind ~= 'Byte' then tensor:add(-2) end
   wanted[kind], wanted.deep[kind] = tensor, tensor:t()
end
wanted.deep.empty = torch.FloatTensor()
out:write('/some', {tables = wanted})
out:write('one', torch.Tensor{0.5})
assert(out:read('/one'):all()[1] == 0.5, 'read before it is closed')
refused('/one is there already', out.write, out, '/one', torch.zeros(1))
refused('/one/below is there already', out.write, out, '/one/below', torch.zeros(1))
refused('/some is there already', out.write, out, '/some', torch.zeros(1))
refused('is a tensor, not a string', out.write, out, '/text', 'text')
refused('too long', out.write, out, ('/a'):rep(100), torch.zeros(1))
for i = 1, 300 do out:write('/many/a dataset of many, ' .. i, torch.LongTensor{i}) end
out:close()
refused('not open for writing', out.write, out, '/late', torch.zeros(1))
local back = hdf5.open(folder .. 'written.h5'):all()
for name, tensor in pairs(back.some.tables) do
   if name ~= 'deep' then
      assert(tensor:type() == wanted[name]:type() and (tensor:double() - wanted[name]:double()):abs():max() == 0, name)
      assert((back.some.tables.deep[name]:double() - wanted[name]:double():t()):abs():max() == 0, name)
   end
end
assert(back.some.tables.deep.empty:nElement() == 0 and back.one[1] == 0.5 and back.many['a dataset of many, 300'][1] == 300)
print 'hdf5 ok'
