-- matio: load(file [, name or names]) of MAT files, versions 5 to 7. A matrix is a tensor of MATLAB's sizes, a structure a table, a
-- cell array a list; letters are a CharTensor, or with `matio.use_lua_strings` a string.

local torch, nn, native, packages = ...
local matio = packages.matio

matio.use_lua_strings = false

function matio.load(file, names)
   local wanted = names
   if type(names) == 'string' then wanted = {names} end
   local read = native.mat.read(file, wanted, false, matio.use_lua_strings == true)
   if type(names) ~= 'string' then return read end
   if read[names] == nil then print('Could not find variable with name: ' .. names .. ' in file: ' .. file) end
   return read[names]
end

function matio.save() error('matio.save is not here: write a .t7 file or one of hdf5', 2) end
