-- moses: functions of objects, what a value is, chains, and the other names of all functions.

local torch, nn, native, packages = ...
local moses = packages.moses

function moses.keys(t)
   local keys = {}
   for key in pairs(t) do keys[#keys + 1] = key end
   return keys
end

function moses.values(t)
   local values = {}
   for _, value in pairs(t) do values[#values + 1] = value end
   return values
end

function moses.kvpairs(t)
   local list = {}
   for key, value in pairs(t) do list[#list + 1] = {key, value} end
   return list
end

function moses.toObj(list)
   local object = {}
   for _, pair in ipairs(list) do object[pair[1]] = pair[2] end
   return object
end

function moses.property(key) return function(object) return object[key] end end
function moses.propertyOf(object) return function(key) return object[key] end end
function moses.toBoolean(value) return not not value end

function moses.extend(object, ...)
   for _, source in ipairs{...} do
      if type(source) == 'table' then
         for key, value in pairs(source) do object[key] = value end
      end
   end
   return object
end

function moses.functions(object, with_metatable)
   object = object or moses
   local names = {}
   for key, value in pairs(object) do
      if type(value) == 'function' then names[#names + 1] = key end
   end
   local mt = with_metatable and getmetatable(object)
   if mt and type(mt.__index) == 'table' then moses.push(names, unpack(moses.functions(mt.__index))) end
   return names
end

function moses.clone(object, shallow)
   if type(object) ~= 'table' or torch.typename(object) then return object end
   local copy = {}
   for key, value in pairs(object) do
      if type(value) == 'table' and not shallow and not torch.typename(value) then
         copy[key] = moses.clone(value)
      else
         copy[key] = value
      end
   end
   return copy
end

function moses.tap(object, f, ...)
   f(object, ...)
   return object
end

function moses.has(object, key) return object[key] ~= nil end

function moses.pick(object, ...)
   local picked = {}
   for _, key in ipairs(moses.flatten{...}) do picked[key] = object[key] end
   return picked
end

function moses.omit(object, ...)
   local rest, without = {}, moses.invert(moses.flatten{...})
   for key, value in pairs(object) do
      if without[key] == nil then rest[key] = value end
   end
   return rest
end

function moses.template(object, template)
   for key, value in pairs(template or {}) do
      if object[key] == nil then object[key] = value end
   end
   return object
end

-- Deeply; `use_metatable`: by __eq where there is one.
function moses.isEqual(a, b, use_metatable)
   if type(a) ~= type(b) then return false end
   if type(a) ~= 'table' then return a == b end
   if rawequal(a, b) then return true end
   local mt = getmetatable(a)
   if use_metatable and mt and mt.__eq then return mt.__eq(a, b) end
   if moses.size(a) ~= moses.size(b) then return false end
   for key, value in pairs(a) do
      if b[key] == nil or not moses.isEqual(value, b[key], use_metatable) then return false end
   end
   return true
end

function moses.result(object, method, ...)
   if moses.isString(method) and moses.isCallable(object[method]) then return object[method](object, ...) end
   if moses.isCallable(method) then return method(object, ...) end
   if method ~= nil then return object[method] end
end

---------------------------------------------------------------------------------------------------------------

for name, kind in pairs{isTable = 'table', isString = 'string', isFunction = 'function', isNumber = 'number', isBoolean = 'boolean'} do
   moses[name] = function(value) return type(value) == kind end
end

function moses.isNil(value) return value == nil end
function moses.isNaN(value) return type(value) == 'number' and value ~= value end
function moses.isFinite(value) return type(value) == 'number' and value > -math.huge and value < math.huge end
function moses.isInteger(value) return type(value) == 'number' and math.floor(value) == value end
function moses.isIterable(value) return type(value) == 'table' and true or pcall(pairs, value) end

function moses.isCallable(value)
   local mt = getmetatable(value)
   return type(value) == 'function' or (type(mt) == 'table' and mt.__call ~= nil)
end

function moses.isArray(value)
   if type(value) ~= 'table' then return false end
   local count = 0
   for _ in pairs(value) do
      count = count + 1
      if value[count] == nil then return false end
   end
   return true
end

function moses.isEmpty(value)
   if value == nil then return true end
   if type(value) == 'string' then return #value == 0 end
   if type(value) == 'table' then return next(value) == nil end
   return true
end

---------------------------------------------------------------------------------------------------------------

local aliases = {
   all = {'every'}, append = {}, compact = {}, concat = {'join'}, cycle = {'loop'}, difference = {'without', 'diff'},
   dropWhile = {'rejectWhile'}, each = {'forEach'}, eachi = {'forEachi'}, first = {'head', 'take'}, functions = {'methods'},
   include = {'any', 'some', 'contains'}, invert = {'mirror'}, isEqual = {'compare'}, isunique = {'isuniq'}, iterator = {'iter'},
   juxtapose = {'juxt'}, last = {'skip'}, map = {'collect'}, mapReduce = {'mapr'}, mapReduceRight = {'maprr'},
   memoize = {'cache'}, omit = {'drop'}, partition = {'part'}, permutation = {'perm'}, pick = {'choose'}, pop = {'shift'},
   pull = {'remove'}, reduce = {'inject', 'foldl'}, reduceRight = {'injectr', 'foldr'}, removeRange = {'rmRange', 'chop'},
   rest = {'tail'}, select = {'filter'}, selectWhile = {'takeWhile'}, slice = {'sub'}, symmetricDifference = {'symdiff', 'xor'},
   template = {'defaults'}, unique = {'uniq'}, uniqueId = {'uid'}, zip = {'transpose'},
}
for name, others in pairs(aliases) do
   for _, other in ipairs(others) do moses[other] = moses[name] end
end

-- moses.chain(value):map(f):value(), also moses(value):…
local Chain = {}
Chain.__index = function(_, name)
   local f = moses[name]
   return f and function(chain, ...) return moses.chain(f(chain._value, ...)) end
end

function moses.chain(value)
   return setmetatable({_value = value, value = function(chain) return chain._value end}, Chain)
end
setmetatable(moses, {__call = function(_, value) return moses.chain(value) end})

-- Puts every function into a table, or among the globals.
function moses.import(context, no_conflict)
   context = context or native.globals()
   for name, f in pairs(moses) do
      if type(f) == 'function' and not (no_conflict and context[name] ~= nil) then context[name] = f end
   end
   return context
end
