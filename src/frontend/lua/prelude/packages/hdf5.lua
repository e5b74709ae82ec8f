-- hdf5: hdf5.open(name):read('/path'):all(), :partial(…), :dataspaceSize(); hdf5.open(name, 'w'):write('/path', tensor or table).
-- A file that is there is read or written anew, not added to; datasets are written whole.

local torch, nn, native, packages = ...
local hdf5 = packages.hdf5

local function joined(path, name) return (path == '/' and '' or path) .. '/' .. name end

---------------------------------------------------------------------------------------------------------------

local Dataset = torch.class('hdf5.HDF5DataSet', hdf5)

function Dataset:__init(file, path, size)
   self._file, self._path, self._size = file, path, size
end

function Dataset:dataspaceSize()
   return {unpack(self._size)}
end

function Dataset:all()
   return self._file:read(self._path, {}, {})
end

-- partial({first, last}, …) or partial({{first, last}, …}): of each dimension the entries from the first to the last.
function Dataset:partial(...)
   local ranges = {...}
   if #ranges == 1 and type(ranges[1][1]) == 'table' then ranges = ranges[1] end
   if #ranges ~= #self._size then
      error(string.format('HDF5DataSet:partial() - expected %d ranges, got %d', #self._size, #ranges), 2)
   end
   local firsts, counts = {}, {}
   for at, range in ipairs(ranges) do
      local first, last = range[1], range[2]
      if type(first) ~= 'number' or type(last) ~= 'number' or first < 1 or last < first then
         error(string.format('HDF5DataSet:partial() - range %d is {first, last} with 1 <= first <= last', at), 2)
      end
      firsts[at], counts[at] = first - 1, last - first + 1
   end
   return self._file:read(self._path, firsts, counts)
end

function Dataset:__tostring__()
   return '[HDF5DataSet: ' .. self._path .. ' ' .. table.concat(self._size, 'x') .. ']'
end

---------------------------------------------------------------------------------------------------------------

local Group = torch.class('hdf5.HDF5Group', hdf5)
local opened

function Group:__init(file, path, groups, datasets)
   self._file, self._path, self._children = file, path, {}
   for _, names in ipairs{groups, datasets} do
      for _, name in ipairs(names) do self._children[name] = true end
   end
end

-- A table of what the group holds, groups as tables in it.
function Group:all()
   local all = {}
   for name in pairs(self._children) do all[name] = self:read(name):all() end
   return all
end

function Group:read(path)
   return opened(self._file, joined(self._path, path:gsub('^/', '')))
end

function Group:__tostring__()
   return '[HDF5Group: ' .. self._path .. ']'
end

-- The group or dataset at a path; nil where there is none.
function opened(file, path)
   local groups, datasets = file:members(path)
   if groups then return hdf5.HDF5Group(file, path, groups, datasets) end
   local size = file:size(path)
   return size and hdf5.HDF5DataSet(file, path, size) or nil
end

---------------------------------------------------------------------------------------------------------------

local File = torch.class('hdf5.HDF5File', hdf5)

-- mode: r, w, or of a file that is not there yet a or r+.
function File:__init(name, mode)
   self._filename = name
   local is_new = mode == 'w' or (mode == 'a' or mode == 'r+') and native.files.kind(name) == nil
   if is_new then self._writer = native.hdf5.create(name) else self._file = native.hdf5.open(name) end
end

local function alive(self)
   -- What was written is read from the file, which is whole after each dataset.
   if self._writer then return native.hdf5.open(self._filename) end
   return self._file or error('HDF5File: ' .. self._filename .. ' is closed', 3)
end

function File:read(path)
   path = path or '/'
   local there = opened(alive(self), path)
   if not there then error("HDF5File:read() - no such path '" .. path .. "' in " .. self._filename, 2) end
   return there
end

function File:all() return self:read('/'):all() end
function File:filename() return self._filename end
function File:close() self._file, self._writer = nil, nil end
function File:flush() end

-- A tensor as a dataset, a table of them as a group.
function File:write(path, data)
   if not self._writer then
      error('HDF5File: ' .. self._filename .. " is not open for writing: hdf5.open(name, 'w') makes a new file", 2)
   end
   if type(data) ~= 'table' then return self._writer:write(path, data) end
   for name, part in pairs(data) do self:write(joined(path, tostring(name)), part) end
end

function File:append()
   error('HDF5 datasets are written whole: collect the tensors and write them once', 2)
end

function File:__tostring__()
   return '[HDF5File: ' .. self._filename .. ']'
end

function hdf5.open(name, mode)
   mode = mode or (native.files.kind(name) and 'r' or 'a')
   if not ({r = true, w = true, a = true, ['r+'] = true})[mode] then
      error("hdf5.open(name, mode): mode is r, w, a or r+, not " .. tostring(mode), 2)
   end
   return hdf5.HDF5File(name, mode)
end

-- Compression and chunks are not written; a file without them is as right.
local Options = torch.class('hdf5.DataSetOptions', hdf5)
function Options:__init() end
function Options:setChunked() return self end
function Options:setDeflate() return self end
