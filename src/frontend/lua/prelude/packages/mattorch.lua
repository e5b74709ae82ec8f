-- mattorch: load(file) of MAT files, versions 5 to 7: each variable by its name, a tensor whose sizes are MATLAB's in reverse.

local torch, nn, native, packages = ...
local mattorch = packages.mattorch

function mattorch.load(file)
   local read = native.mat.read(file, nil, true, false)
   for name, value in pairs(read) do
      if type(value) == 'table' then read[name] = 'unsupported type: a cell array or a structure' end
   end
   return read
end

for _, name in ipairs{'save', 'saveTensor', 'saveTable', 'saveTensorAscii'} do
   mattorch[name] = function() error('mattorch.' .. name .. ' is not here: write a .t7 file or one of hdf5', 2) end
end
