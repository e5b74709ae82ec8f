-- Penlight's class, Map, OrderedMap, Set, and the small modules: utils, text, types, operator.

local torch, nn, native, packages = ...
local pl = packages.pl
local tablex, stringx = pl.tablex, pl.stringx

-- Calls of a class make an instance by its `_init`; an instance's `super` is its base's.
local function make(base, class)
   class = class or {}
   if base then
      for key, value in pairs(base) do
         if class[key] == nil then class[key] = value end
      end
   end
   class.__index, class._base, class._class = class, base, class
   function class.is_a(object, wanted)
      local at = rawget(getmetatable(object) or {}, '_class')
      if wanted == nil then return at end
      while at do
         if at == wanted then return true end
         at = rawget(at, '_base')
      end
      return false
   end
   function class.class_of(_, object) return type(object) == 'table' and object.is_a ~= nil and object:is_a(class) end
   -- The nearest `_init` above; inside it `super` is the one above that.
   function class.super(object, ...)
      local at = class
      while at._base and at._base._init == at._init do at = at._base end
      local up = at._base
      if not (up and up._init) then return end
      local own = rawget(object, 'super')
      rawset(object, 'super', function(this, ...) return up.super and up.super(this, ...) end)
      up._init(object, ...)
      rawset(object, 'super', own)
   end
   return setmetatable(class, {
      __index = base,
      __call = function(_, ...)
         local object = setmetatable({}, class)
         local init = class._init
         if init then
            local made = init(object, ...)
            if type(made) == 'table' and made ~= object then return made end
         end
         return object
      end,
   })
end

-- `class(Base)`, `class{_init = …, _base = Base}`, and the global `class.Name(Base)`.
local class = setmetatable({}, {
   __call = function(_, base)
      if type(base) == 'table' and rawget(base, '_class') == nil then return make(base._base, base) end
      return make(base)
   end,
   __index = function(_, name)
      return function(base)
         local made
         if type(base) == 'table' and rawget(base, '_class') == nil then made = make(base._base, base) else made = make(base) end
         made._name = name
         native.globals()[name] = made
         return made
      end
   end,
})
pl.class = class

local Map = make()
pl.Map = Map
function Map:_init(entries)
   for key, value in pairs(entries or {}) do self[key] = value end
end
function Map:keys() return pl.List(tablex.keys(self)) end
function Map:values() return pl.List(tablex.values(self)) end
function Map:items() return pairs(self) end
function Map:get(key) return rawget(self, key) end
function Map:set(key, value) self[key] = value end
function Map:update(entries) return tablex.update(self, entries) end
function Map:len() return tablex.size(self) end

-- Its keys in the order in which they came.
local OrderedMap = make()
pl.OrderedMap = OrderedMap
function OrderedMap:_init(entries)
   rawset(self, '_keys', {})
   for key, value in pairs(entries or {}) do self:set(key, value) end
end
function OrderedMap:set(key, value)
   local keys = rawget(self, '_keys')
   if value == nil then
      local at = tablex.find(keys, key)
      if at then table.remove(keys, at) end
   elseif rawget(self, key) == nil then
      keys[#keys + 1] = key
   end
   rawset(self, key, value)
   return self
end
OrderedMap.__newindex = OrderedMap.set
function OrderedMap:get(key) return rawget(self, key) end
function OrderedMap:keys() return pl.List(rawget(self, '_keys')) end
function OrderedMap:values()
   local values = pl.List()
   for _, key in ipairs(rawget(self, '_keys')) do values:append(rawget(self, key)) end
   return values
end
function OrderedMap:__tostring()
   local parts = {}
   for key, value in self:iter() do parts[#parts + 1] = tostring(key) .. '=' .. tostring(value) end
   return '{' .. table.concat(parts, ',') .. '}'
end
function OrderedMap:iter()
   local keys, i = rawget(self, '_keys'), 0
   return function()
      i = i + 1
      if keys[i] ~= nil then return keys[i], rawget(self, keys[i]) end
   end
end

local Set = make()
pl.Set = Set
function Set:_init(list)
   for key, value in pairs(list or {}) do
      if Set:class_of(list) then self[key] = true else self[value] = true end
   end
end
function Set.values(set) return pl.List(tablex.keys(set)) end
function Set.len(set) return tablex.size(set) end
function Set.union(a, b) return Set(tablex.keys(tablex.merge(a, b, true))) end
function Set.intersection(a, b) return Set(tablex.keys(tablex.merge(a, b))) end
function Set.difference(a, b)
   local left = {}
   for key in pairs(a) do
      if not b[key] then left[#left + 1] = key end
   end
   return Set(left)
end
function Set.issubset(a, b)
   for key in pairs(a) do
      if not b[key] then return false end
   end
   return true
end
Set.__add, Set.__mul, Set.__sub, Set.__lt = Set.union, Set.intersection, Set.difference, Set.issubset
function Set.__eq(a, b) return Set.issubset(a, b) and Set.issubset(b, a) end
function Set.__tostring(set)
   local words = tablex.imap(tostring, tablex.keys(set))
   table.sort(words)
   return '[' .. table.concat(words, ',') .. ']'
end

local utils, text = pl.utils, {}
pl.text = text
utils.unpack = unpack
function utils.pack(...) return {n = select('#', ...), ...} end
function utils.printf(form, ...) io.write(form:format(...)) end
function utils.fprintf(handle, form, ...) handle:write(form:format(...)) end
function utils.readfile(name, is_binary) return pl.file.read(name, is_binary) end
function utils.writefile(name, words, is_binary) return pl.file.write(name, words, is_binary) end
function utils.readlines(name)
   local words, why = pl.file.read(name)
   if not words then return nil, why end
   return stringx.split((words:gsub('\n$', '')), '\n')
end
function utils.escape(words) return (words:gsub('[%-%.%+%[%]%(%)%$%^%%%?%*]', '%%%0')) end
function utils.choose(condition, a, b) if condition then return a end return b end
function utils.is_callable(value)
   local mt = type(value) == 'table' and getmetatable(value)
   return type(value) == 'function' or (mt and mt.__call ~= nil) or false
end
function utils.split(words, pattern, is_plain)
   if is_plain then return stringx.split(words, pattern) end
   return string.split(words, pattern)
end
function utils.splitv(words, pattern, ...) return unpack(utils.split(words, pattern, ...)) end
function utils.memoize(f)
   local known = {}
   return function(key)
      if known[key] == nil then known[key] = f(key) end
      return known[key]
   end
end
function utils.bind1(f, first) return function(...) return f(first, ...) end end
function utils.quit(code, message, ...)
   if type(code) == 'string' then code, message = 1, code end
   if message then io.stderr:write(message:format(...), '\n') end
   os.exit(code or 1)
end

function text.format_operator() end -- it is there from the start
function text.indent(words, count, fill)
   local before = (fill or ' '):rep(count)
   return before .. words:gsub('\n$', ''):gsub('\n', '\n' .. before) .. '\n'
end
function text.Template(template)
   return {substitute = function(_, values)
      local function value(name) return values[name] ~= nil and tostring(values[name]) or nil end
      return (template:gsub('%${([%w_]+)}', value):gsub('%$([%w_]+)', value))
   end}
end

pl.types = {
   is_callable = utils.is_callable,
   is_integer = function(value) return type(value) == 'number' and value == math.floor(value) end,
   is_empty = function(value) return value == nil or value == '' or (type(value) == 'table' and next(value) == nil) end,
   to_bool = function(value) return value == true or value == 'true' or value == 'yes' or value == 'y' or value == '1' end,
}
pl.operator = {
   add = function(a, b) return a + b end, sub = function(a, b) return a - b end, mul = function(a, b) return a * b end,
   div = function(a, b) return a / b end, mod = function(a, b) return a % b end, pow = function(a, b) return a ^ b end,
   unm = function(a) return -a end, eq = function(a, b) return a == b end, neq = function(a, b) return a ~= b end,
   lt = function(a, b) return a < b end, le = function(a, b) return a <= b end, gt = function(a, b) return a > b end,
   ge = function(a, b) return a >= b end, concat = function(a, b) return a .. b end, len = function(a) return #a end,
   lnot = function(a) return not a end, index = function(t, key) return t[key] end,
}
