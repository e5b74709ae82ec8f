-- class (torch/class): classes of plain Lua, by name. What `class(name)` returns takes the methods and is called for an object.

local torch, nn, native, packages = ...
local class = packages.class
-- Each class's table of methods, which is its objects' metatable; a child's has its parent's as metatable.
local classes = {}

-- A class without an __init of its own has one that does nothing: it is not its parent's, as in the rock.
local function nothing() end

function class.new(name, parentname)
   native.expect('class.new', '(name[, parentname])', 'name', 'string', name)
   if parentname ~= nil then native.expect('class.new', '(name[, parentname])', 'parentname', 'string', parentname) end
   local parent = parentname and classes[parentname]
   if classes[name] then error('class <' .. name .. '> already exists', 2) end
   if parentname and not parent then error('parent class <' .. parentname .. '> does not exist', 2) end
   local methods = {__typename = name, __init = nothing}
   methods.__index = methods
   function methods.__factory() return setmetatable({}, methods) end
   function methods.new(...)
      local object = methods.__factory()
      object:__init(...)
      return object
   end
   classes[name] = setmetatable(methods, parent)
   local constructor = setmetatable({}, {__index = methods, __newindex = methods, __metatable = methods,
      __call = function(_, ...) return methods.new(...) end})
   return constructor, parent
end

function class.factory(name)
   if not classes[name] then error('unknown class <' .. tostring(name) .. '>', 2) end
   return classes[name].__factory()
end

function class.metatable(name) return classes[name] end

-- The metatable of an object, when it is a class's.
local function methods_of(object)
   local methods = type(object) == 'table' and getmetatable(object)
   return type(methods) == 'table' and classes[rawget(methods, '__typename')] == methods and methods or nil
end

function class.type(object)
   local methods = methods_of(object)
   return methods and methods.__typename or torch.type(object)
end

function class.istype(object, name)
   local methods = methods_of(object)
   if not methods then return torch.type(object) == name end
   while methods do
      if methods.__typename == name then return true end
      methods = getmetatable(methods)
   end
   return false
end

-- argcheck's rules may ask for these classes.
local env = require('argcheck').env
local known = env.istype
function env.istype(value, wanted) return methods_of(value) and class.istype(value, wanted) or known(value, wanted) end

setmetatable(class, {__call = function(_, ...) return class.new(...) end})
