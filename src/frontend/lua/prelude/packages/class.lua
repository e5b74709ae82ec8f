-- class (torch/class): classes of plain Lua, by name. What `class(name)` returns takes the methods and is called for an object.

local torch, nn, native, packages = ...
local class = packages.class
-- Of each class: its table of methods by name, its name and its parent by that table.
local methods_of, name_of, parent_of = {}, {}, {}

local function known(name, what)
   native.expect('class.' .. what, '(name)', 'name', 'string', name)
   if not methods_of[name] then error("there is no class '" .. name .. "'", 3) end
   return methods_of[name]
end

function class.new(name, parentname)
   native.expect('class.new', '(name[, parentname])', 'name', 'string', name)
   if methods_of[name] then error("the class '" .. name .. "' is there already", 2) end
   local parent = parentname ~= nil and known(parentname, 'new') or nil
   local methods = {}
   methods.__index = methods
   function methods.new(...)
      local object = setmetatable({}, methods)
      local init = methods.__init
      if init then init(object, ...) end
      return object
   end
   methods_of[name], name_of[methods], parent_of[methods] = methods, name, parent
   if parent then setmetatable(methods, {__index = parent}) end
   return setmetatable({}, {__index = methods, __newindex = methods, __call = function(_, ...) return methods.new(...) end})
end

function class.factory(name) return setmetatable({}, known(name, 'factory')) end

function class.metatable(name) return known(name, 'metatable') end

function class.type(object) return name_of[getmetatable(object)] or type(object) end

function class.istype(object, name)
   local methods = getmetatable(object)
   if not name_of[methods] then return type(object) == name end
   while methods do
      if name_of[methods] == name then return true end
      methods = parent_of[methods]
   end
   return false
end

setmetatable(class, {__call = function(_, ...) return class.new(...) end})
