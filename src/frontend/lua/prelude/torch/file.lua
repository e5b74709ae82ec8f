-- torch.File and its kin: objects of any kind on a stream of numbers (spec section 5), and torch.save, load, serialize.

local torch, nn, native = ...
native = native.torch_file -- the functions of src/frontend/lua/library/torch_file

local NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, FUNCTION, LEGACY_FUNCTION, RECURSIVE_FUNCTION = 0, 1, 2, 3, 4, 5, 6, 7, 8

local File = torch.newmetatable('torch.File', nil, function() error('torch.File is abstract: use DiskFile or MemoryFile') end)
local DiskFile = torch.newmetatable('torch.DiskFile', 'torch.File', native.open_disk)
local MemoryFile = torch.newmetatable('torch.MemoryFile', 'torch.File', native.open_memory)
local PipeFile = torch.newmetatable('torch.PipeFile', 'torch.DiskFile', native.open_pipe)
for name, f in pairs(native.methods) do File[name] = f end
for name, f in pairs(native.numbers) do File[name] = f end
MemoryFile.storage = native.storage
function DiskFile.isLittleEndianCPU() return true end
function DiskFile.isBigEndianCPU() return false end

function torch.getenv(object)
   if torch.isTypeOf(object, 'torch.File') then return native.environment(object) end
   return getfenv(object)
end

function torch.setenv(object, env)
   if torch.isTypeOf(object, 'torch.File') then native.set_environment(object, env) else setfenv(object, env) end
end

function File:writeBool(flag) self:writeInt(flag and 1 or 0) end
function File:readBool() return self:readInt() == 1 end

-- What was written and read on this file under which number; `path` names what is being written.
local function memory_of(file)
   local env = native.environment(file)
   if not env.writeObjects then
      env.writeObjects, env.writeObjectsRef, env.readObjects, env.objectNameStack = {}, {}, {}, {}
      env.count = 0
   end
   return env
end

function File:referenced(flag)
   memory_of(self).force = not flag
   return self
end

function File:isReferenced()
   return not native.environment(self).force
end

function File:isWritableObject(object)
   local kind = type(object)
   if object == nil then return NIL end
   local class = torch.typename(object)
   if class and torch.factory(class) then return TORCH end
   if kind == 'table' then return TABLE end
   if kind == 'number' then return NUMBER end
   if kind == 'string' then return STRING end
   if kind == 'boolean' then return BOOLEAN end
   if kind == 'function' and native.dump(object) then return RECURSIVE_FUNCTION end
end

-- Places in a path that have no name of their own: the list of a function's upvalues, and each of them.
local UPVALUES, UPVALUE = {}, {}

local function path_text(path)
   local names = {}
   for _, name in ipairs(path) do
      if type(name) == 'string' then names[#names + 1] = name end
   end
   return table.concat(names, '.')
end

local function class_method(object, name)
   local mt = torch.getmetatable(torch.typename(object))
   local f = mt and (mt['__' .. name] or mt[name])
   return type(f) == 'function' and f or nil
end

local function write_string(file, text)
   file:writeInt(#text)
   native.write_chars(file, text)
end

local function read_string(file)
   return native.read_chars(file, file:readInt())
end

local function write_function(file, f, hook)
   local upvalues = {}
   for i = 1, math.huge do
      local name, value = debug.getupvalue(f, i)
      if not name then break end
      if name == '_ENV' then value = nil end
      upvalues[i] = {name = name, value = value}
   end
   write_string(file, native.dump(f))
   file:writeObject(upvalues, UPVALUES, hook)
end

local function write_torch(file, object, path, hook)
   write_string(file, 'V ' .. torch.version(object))
   write_string(file, torch.typename(object))
   local write = class_method(object, 'write')
   if write then
      write(object, file)
   elseif type(object) == 'table' then
      local fields = {}
      for key, value in pairs(object) do
         if file:isWritableObject(value) then
            fields[key] = value
         else
            print(string.format('$ Warning: cannot write object field <%s> of <%s> %s', tostring(key),
               torch.typename(object), path_text(path)))
         end
      end
      file:writeObject(fields, torch.typename(object), hook)
   else
      error(string.format('<%s> is a non-serializable Torch object %s', torch.typename(object), path_text(path)))
   end
end

local function write_table(file, object, path, hook)
   local count = 0
   for _ in pairs(object) do count = count + 1 end
   file:writeInt(count)
   local place = path[#path]
   for key, value in pairs(object) do
      file:writeObject(key, nil, hook)
      local name = (type(key) == 'string' or type(key) == 'number') and tostring(key) or nil
      if place == UPVALUES then
         name = UPVALUE
      elseif place == UPVALUE and key == 'value' then
         name = object.name
      end
      file:writeObject(value, name, hook)
   end
end

-- `hook` may put another object in an object's place; references stay with the original.
function File:writeObject(object, name, hook)
   local env = memory_of(self)
   local original = object
   if hook then object = hook(object) end
   if object == nil then
      self:writeInt(NIL)
      return
   end
   local path = env.objectNameStack
   path[#path + 1] = name or '<?>'
   local kind = self:isWritableObject(object)
   if not kind then
      local where = path_text(path)
      env.objectNameStack = {}
      error(string.format('Unwritable object <%s> at %s', type(object), where))
   end
   self:writeInt(kind)
   if kind == NUMBER then
      self:writeDouble(object)
   elseif kind == BOOLEAN then
      self:writeBool(object)
   elseif kind == STRING then
      write_string(self, object)
   else
      local pointer = torch.pointer(original)
      local known = env.writeObjects[pointer]
      if known and not env.force then
         self:writeInt(known)
      else
         env.count = env.count + 1
         self:writeInt(env.count)
         if not env.force then
            env.writeObjects[pointer] = env.count
            -- Held, so that its address is not given to another object meanwhile.
            env.writeObjectsRef[env.count] = {original, object}
         end
         if kind == RECURSIVE_FUNCTION then
            write_function(self, object, hook)
         elseif kind == TORCH then
            write_torch(self, object, path, hook)
         else
            write_table(self, object, path, hook)
         end
      end
   end
   path[#path] = nil
end

-- What stands for a function whose code is not loaded.
local function not_loaded()
   return function()
      error('this function was saved as compiled Lua code, which is not loaded: define it again after loading', 2)
   end
end

local function read_function(file, kind, keep)
   local f = native.load_code(read_string(file))
   local loaded = f ~= nil
   f = f or not_loaded()
   keep(f)
   local upvalues = file:readObject()
   if loaded and type(upvalues) == 'table' then
      for i, upvalue in pairs(upvalues) do
         if kind ~= RECURSIVE_FUNCTION then
            debug.setupvalue(f, i, upvalue)
         elseif upvalue.name ~= '_ENV' then
            debug.setupvalue(f, i, upvalue.value)
         end
      end
   end
   return f
end

local function read_torch(file, keep)
   local class = read_string(file)
   local version = tonumber(class:match('^V (.*)$'))
   -- Files from before there were versions begin with the class.
   if version then class = read_string(file) end
   local factory = torch.factory(class)
   if not factory then native.unknown_class(class) end
   local object = factory(file)
   keep(object)
   local read = class_method(object, 'read')
   if read then
      read(object, file, version or 0)
   elseif type(object) == 'table' then
      for key, value in pairs(file:readObject()) do object[key] = value end
      native.upgrade(object, class)
   else
      error(string.format('Cannot load object class <%s>', class))
   end
   return object
end

function File:readObject()
   local env = memory_of(self)
   local kind = self:readInt()
   if kind == NIL then return nil end
   if kind == NUMBER then return self:readDouble() end
   if kind == BOOLEAN then return self:readBool() end
   if kind == STRING then return read_string(self) end
   if kind == FUNCTION then return read_function(self, kind, function() end) end
   if kind ~= TABLE and kind ~= TORCH and kind ~= LEGACY_FUNCTION and kind ~= RECURSIVE_FUNCTION then
      error('unknown object: the stream has kind ' .. tostring(kind) .. '; is it a .t7 file, and its mode right?')
   end
   local index = self:readInt()
   local known = env.readObjects[index]
   if known ~= nil and not env.force then return known end
   local function keep(object)
      if not env.force then env.readObjects[index] = object end
   end
   if kind == TORCH then return read_torch(self, keep) end
   if kind ~= TABLE then return read_function(self, kind, keep) end
   local object = {}
   keep(object)
   for _ = 1, self:readInt() do
      local key = self:readObject()
      local value = self:readObject()
      if key ~= nil then object[key] = value end
   end
   return object
end

-- Tensors, storages, generators and timers ----------------------------------------------------------------------------

local words = {'Byte', 'Char', 'Short', 'Int', 'Long', 'Half', 'Float', 'Double'}
local kinds = {}
for _, word in ipairs(words) do
   kinds[word] = word
   kinds['Cuda' .. word] = word
end
kinds.Cuda, kinds.CudaFloat = 'Float', nil

for stem, word in pairs(kinds) do
   local Tensor = torch.getmetatable('torch.' .. stem .. 'Tensor')
   local Storage = torch.getmetatable('torch.' .. stem .. 'Storage')
   local on_device = stem ~= word

   function Tensor:write(file)
      file:writeInt(self:dim())
      file:writeLong(self:size())
      file:writeLong(self:stride())
      file:writeLong(self:storageOffset())
      file:writeObject(self:storage())
   end

   function Tensor:read(file)
      local n = file:readInt()
      if n < 0 or n > 1000 then error('the stream is damaged: a tensor of ' .. n .. ' dimensions') end
      local size, stride = file:readLong(n), file:readLong(n)
      local offset = file:readLong()
      local storage = file:readObject()
      if storage == nil then return end
      local last = offset
      for i = 1, n do last = last + (size[i] - 1) * stride[i] end
      if n > 0 and (offset < 1 or last > storage:size()) then
         error(string.format('the stream is damaged: a tensor reaches to element %d of a storage of %d', last, storage:size()))
      end
      self:set(storage, offset, size, stride)
   end

   local write, read = File['write' .. word], File['read' .. word]
   function Storage:write(file)
      file:writeLong(self:size())
      -- A device's memory goes through the processor's.
      write(file, on_device and torch[word .. 'Storage'](self:size()):copy(self) or self)
   end

   function Storage:read(file)
      local n = file:readLong()
      local elements = read(file, n)
      self:resize(n)
      if n > 0 then self:copy(elements) end
   end
end

local Generator = torch.getmetatable('torch.Generator')
function Generator:write(file)
   file:writeByte(torch.getRNGState(self):storage())
end
function Generator:read(file)
   torch.setRNGState(self, torch.ByteTensor(file:readByte(torch.getRNGState(self):nElement())))
end

local Timer = torch.getmetatable('torch.Timer')
function Timer.write() end
function Timer.read() end

-- Whole files -----------------------------------------------------------------------------------------------------------

function torch.save(name, object, mode, referenced)
   assert(mode == nil or mode == 'binary' or mode == 'ascii', '"binary" or "ascii" (or nil) expected for mode')
   assert(referenced == nil or type(referenced) == 'boolean', 'true or false (or nil) expected for referenced')
   local file = torch.DiskFile(name, 'w')
   file[mode or 'binary'](file)
   file:referenced(referenced ~= false)
   file:writeObject(object)
   file:close()
end

local long_sizes = {b32 = 4, b64 = 8}

function torch.load(name, mode, referenced)
   assert(mode == nil or mode == 'binary' or mode == 'ascii' or long_sizes[mode],
      '"binary", "b32", "b64" or "ascii" (or nil) expected for mode')
   assert(referenced == nil or type(referenced) == 'boolean', 'true or false (or nil) expected for referenced')
   local file = torch.DiskFile(name, 'r')
   if mode == 'ascii' then file:ascii() else file:binary() end
   if long_sizes[mode] then file:longSize(long_sizes[mode]) end
   file:referenced(referenced ~= false)
   local ok, object = pcall(file.readObject, file)
   file:close()
   if not ok then native.not_loaded(name, object) end
   return object
end

function torch.serializeToStorage(object, mode)
   local file = torch.MemoryFile()
   file[mode or 'binary'](file)
   file:writeObject(object)
   local storage = file:storage()
   file:close()
   return storage:resize(storage:size() - 1)
end

function torch.serialize(object, mode)
   return torch.serializeToStorage(object, mode):string()
end

function torch.deserialize(text, mode)
   local file = native.open_memory(text, 'r')
   file[mode or 'binary'](file)
   local object = file:readObject()
   file:close()
   return object
end

function torch.deserializeFromStorage(storage, mode)
   return torch.deserialize(storage:string(), mode)
end

torch.saveobj, torch.loadobj = torch.save, torch.load
