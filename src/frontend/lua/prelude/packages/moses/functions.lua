-- moses: functions of functions.

local torch, nn, native, packages = ...
local moses = packages.moses
local select = select -- moses.import puts another one among the globals

function moses.noop() end
function moses.identity(value) return value end
function moses.constant(value) return function() return value end end

function moses.memoize(f, hash)
   local kept = {}
   hash = hash or moses.identity
   return function(...)
      local key = hash(...)
      if kept[key] == nil then kept[key] = f(...) end
      return kept[key]
   end
end

-- Runs `count` times; then the last results stand.
function moses.before(f, count)
   local calls, results = 0, {}
   return function(...)
      calls = calls + 1
      if calls <= count then results = {f(...)} end
      return unpack(results)
   end
end

function moses.once(f)
   local called, argument = false, nil
   return function(...)
      if not called then called, argument = true, {...} end
      return f(unpack(argument))
   end
end

function moses.after(f, count)
   local calls = 0
   return function(...)
      calls = calls + 1
      if calls >= count then return f(...) end
   end
end

function moses.compose(...)
   local functions = moses.reverse{...}
   return function(...)
      local results = {...}
      for _, f in ipairs(functions) do results = {f(unpack(results))} end
      return unpack(results)
   end
end

function moses.pipe(value, ...) return moses.compose(...)(value) end
function moses.complement(f) return function(...) return not f(...) end end

function moses.juxtapose(value, ...)
   local results = {}
   for i, f in ipairs{...} do results[i] = f(value) end
   return unpack(results)
end

function moses.wrap(f, wrapper)
   return function(...) return wrapper(f, ...) end
end

function moses.times(n, f, ...)
   local results = {}
   for i = 1, n do results[i] = f(i, ...) end
   return results
end

function moses.bind(f, first)
   return function(...) return f(first, ...) end
end

function moses.bind2(f, second)
   return function(first, ...) return f(first, second, ...) end
end

local function joined(first, ...)
   local list = {unpack(first)}
   for i = 1, select('#', ...) do list[#first + i] = (select(i, ...)) end
   return unpack(list, 1, #first + select('#', ...))
end

function moses.bindn(f, ...)
   local first = {...}
   return function(...) return f(joined(first, ...)) end
end

function moses.bindAll(object, ...)
   for _, name in ipairs{...} do
      if object[name] then object[name] = moses.bind(object[name], object) end
   end
   return object
end

local last_id = 0
function moses.uniqueId(template)
   last_id = last_id + 1
   if type(template) == 'string' then return template:format(last_id) end
   if type(template) == 'function' then return template(last_id) end
   return last_id
end

function moses.iterator(f, value)
   return function()
      value = f(value)
      return value
   end
end

function moses.array(...)
   local values = {}
   for value in ... do values[#values + 1] = value end
   return values
end

function moses.flip(f)
   return function(...) return f(unpack(moses.reverse{...})) end
end

function moses.over(...)
   local functions = {...}
   return function(...)
      local results = {}
      for i, f in ipairs(functions) do results[i] = f(...) end
      return results
   end
end

function moses.overEvery(...)
   local all = moses.over(...)
   return function(...) return moses.reduce(all(...), function(a, b) return a and b end) end
end

function moses.overSome(...)
   local all = moses.over(...)
   return function(...) return moses.reduce(all(...), function(a, b) return a or b end) end
end

function moses.overArgs(f, ...)
   local transforms = {...}
   return function(...)
      local arguments = {...}
      for i, transform in ipairs(transforms) do
         if arguments[i] ~= nil then arguments[i] = transform(arguments[i]) end
      end
      return f(unpack(arguments))
   end
end

-- '_' leaves an argument open.
local function filled(given, ...)
   local open, list, used = {...}, {}, 0
   for i, value in ipairs(given) do
      if value == '_' then
         used = used + 1
         value = open[used]
      end
      list[i] = value
   end
   return list, moses.slice(open, used + 1)
end

function moses.partial(f, ...)
   local given = {...}
   return function(...)
      local list, rest = filled(given, ...)
      return f(unpack(moses.append(list, rest)))
   end
end

function moses.partialRight(f, ...)
   local given = {...}
   return function(...)
      local list, rest = filled(given, ...)
      return f(unpack(moses.append(rest, list)))
   end
end

function moses.curry(f, n)
   n = n or 2
   local given = {}
   local function take(value)
      if n == 1 then return f(value) end
      if value ~= nil then given[#given + 1] = value end
      if #given < n then return take end
      local arguments = given
      given = {}
      return f(unpack(arguments))
   end
   return take
end

function moses.time(f, ...)
   local began = native.seconds()
   local results = {f(...)}
   return native.seconds() - began, unpack(results)
end
