-- torch.class and what belongs to it: Torch7's class system on plain Lua tables.
--
-- A class is a metatable `mt` with `mt.__index = mt`; its own metatable is the parent's `mt`, so a look-up walks
-- object, class, parent. The callable table that a file sees as `nn.Linear` is the class's constructor table:
-- reading it reads `mt`, writing it writes `mt`.
--
-- It runs before every other file of the prelude: `nn` is empty here.

local torch, nn, native = ...
local classes = native.classes -- name -> metatable

local rawmetatable = getmetatable

local function class_of(object)
   if type(object) == 'userdata' then
      return native.class_table(object)
   end
   return rawmetatable(object)
end

-- The user's `getmetatable`: tensors and storages are userdata whose class is an ordinary table.
function getmetatable(object)
   return class_of(object)
end

-- The tables that a file sees as `nn.Linear`, which are of no class themselves.
local constructors = setmetatable({}, {__mode = 'k'})

function torch.typename(object)
   local kind = type(object)
   if kind == 'table' then
      if constructors[object] then return nil end
      local mt = rawmetatable(object)
      return type(mt) == 'table' and mt.__typename or nil
   elseif kind == 'userdata' then
      local mt = native.class_table(object)
      return mt and mt.__typename or nil
   end
end

function torch.type(object)
   return torch.typename(object) or type(object)
end

function torch.isTypeOf(object, spec)
   local wanted = spec
   if type(spec) == 'table' then
      wanted = spec.__typename
   end
   assert(type(wanted) == 'string', 'type must be provided as [regexp] string, or factory')
   local plain = not wanted:find('[%^%$%(%)%%%.%[%]%*%+%-%?]') or not wanted:find('[%^%$%(%)%%%[%]%*%+%-%?]')
   local mt = class_of(object)
   while type(mt) == 'table' do
      local name = rawget(mt, '__typename')
      if name then
         if plain then
            if name == wanted then return true end
         elseif name:match(wanted) then
            return true
         end
      end
      mt = rawmetatable(mt)
   end
   return false
end

-- Operators are indirect: `a + b` calls the field `__add__` of either operand.
local function binary(field, words)
   return function(a, b)
      local f = (type(a) == 'table' or type(a) == 'userdata') and a[field]
      if not f and (type(b) == 'table' or type(b) == 'userdata') then f = b[field] end
      if not f then
         error(string.format('both %s and %s have no %s operator', torch.type(a), torch.type(b), words), 2)
      end
      return f(a, b)
   end
end

local metamethods = {
   __add = binary('__add__', 'addition'),
   __sub = binary('__sub__', 'substraction'),
   __mul = binary('__mul__', 'multiplication'),
   __div = binary('__div__', 'division'),
   __mod = binary('__mod__', 'modulo'),
   __pow = binary('__pow__', 'power'),
   __concat = binary('__concat__', 'concat'),
   __lt = binary('__lt__', 'less than'),
   __le = binary('__le__', 'less or equal than'),
   __eq = function(a, b)
      local f = a.__eq__ or b.__eq__
      if f then return f(a, b) end
      return rawequal(a, b)
   end,
   __unm = function(a)
      local f = a.__unm__
      if not f then error(torch.type(a) .. ' has no negation operator', 2) end
      return f(a)
   end,
   __len = function(a)
      local f = a.__len__
      if not f then error(torch.type(a) .. ' has no length operator', 3) end
      return f(a)
   end,
   __call = function(a, ...)
      local f = a.__call__
      if not f then error(torch.type(a) .. ' has no call operator', 2) end
      return f(a, ...)
   end,
   __tostring = function(a)
      local f = a.__tostring__
      if f then return f(a) end
      return torch.type(a)
   end,
}

-- Only a class that defines `__index__` or `__newindex__` pays for a function at every access.
local function indirect_index(mt)
   mt.__index = function(object, key)
      local f = rawget(mt, '__index__') or mt.__index__
      local value, handled = f(object, key)
      if handled then return value end
      return mt[key]
   end
end

local function indirect_newindex(mt)
   mt.__newindex = function(object, key, value)
      if not mt.__newindex__(object, key, value) then rawset(object, key, value) end
   end
end

-- What a class defines or inherits. What was written into its own table, as `local A = torch.class('A')` gives it, is seen at
-- its first object.
local function settle(mt)
   if mt.__index__ and rawget(mt, '__index') == mt then indirect_index(mt) end
   if mt.__newindex__ and not rawget(mt, '__newindex') then indirect_newindex(mt) end
end

local function class_lookup(mt, key)
   while mt do
      local value = rawget(mt, key)
      if value ~= nil then return value end
      mt = rawmetatable(mt)
   end
end

local function write_class(mt, key, value)
   rawset(mt, key, value)
   if key == '__index__' then indirect_index(mt) end
   if key == '__newindex__' then indirect_newindex(mt) end
end

-- A trusted script finds the name of a class in Lua's registry by its table, as luaT puts it there.
local registry = rawget(debug, 'getregistry') and debug.getregistry()

function torch.newmetatable(name, parentname, constructor, destructor, factory, module)
   local mt = classes[name]
   if not mt then
      mt = {}
      for slot, f in pairs(metamethods) do mt[slot] = f end
      mt.__index = mt
      mt.__typename = name
      mt.__version = 1
      classes[name] = mt
      if registry then registry[mt] = name end
   end
   if parentname then
      if rawmetatable(mt) then
         error(string.format('class %s has been already assigned a parent class', name), 3)
      end
      local parent = classes[parentname]
      if not parent then
         error(string.format('unknown parent class %s', parentname), 3)
      end
      setmetatable(mt, parent)
      settle(mt)
   end

   -- `a.b.C` lands in table b of global a; with a module table, in that table under the last name.
   local prefix, last = name:match('^(.*)%.([^%.]+)$')
   local home = module
   if not home then
      home = native.globals()
      for part in (prefix or ''):gmatch('[^%.]+') do
         home = rawget(home, part)
         if type(home) ~= 'table' then
            error(string.format("while creating metatable %s: bad argument #1 (%s is an invalid module name)", name, prefix), 3)
         end
      end
   end
   last = last or name

   local function construct(...)
      settle(mt)
      local object = setmetatable({}, mt)
      native.stamp(object)
      local init = class_lookup(mt, '__init')
      if init then init(object, ...) end
      return object
   end
   if rawget(mt, '__constructor') and constructor then
      error(string.format('class %s has been already assigned a constructor', name), 3)
   end
   mt.__constructor = constructor or construct
   mt.new = mt.__constructor
   mt.__factory = factory or function()
      settle(mt)
      return setmetatable({}, mt)
   end
   local visible = setmetatable({}, {
      __index = mt,
      __newindex = function(_, key, value) write_class(mt, key, value) end,
      __call = function(_, ...) return mt.__constructor(...) end,
      __metatable = mt,
   })
   constructors[visible] = true
   rawset(home, last, visible)
   return mt
end

function torch.class(name, a, b)
   local usage = '<class name> [<parent class name>] [<module table>] expected'
   if type(name) ~= 'string' then error(usage, 2) end
   local parentname, module
   if type(a) == 'string' then
      parentname, module = a, b
   elseif a ~= nil then
      module = a
      if b ~= nil then error(usage, 2) end
   else
      module = b
   end
   if module ~= nil and type(module) ~= 'table' then error(usage, 2) end
   local mt = torch.newmetatable(name, parentname, nil, nil, nil, module)
   return mt, rawmetatable(mt)
end

function torch.getmetatable(name)
   return classes[name]
end

function torch.setmetatable(object, name)
   local mt = classes[name]
   if not mt then error('unknown class ' .. tostring(name), 2) end
   return setmetatable(object, mt)
end

function torch.factory(name)
   local mt = classes[name]
   return mt and mt.__factory or nil
end

function torch.getconstructortable(name)
   local home = native.globals()
   for part in name:gmatch('[^%.]+') do
      home = type(home) == 'table' and home[part] or nil
   end
   return home
end

function torch.version(object)
   local mt = class_of(object)
   return mt and mt.__version or nil
end
