-- moses: functions of any table. Iterators are f(key, value, ...), as in Moses 1.6, the one of Torch's days.

local torch, nn, native, packages = ...
local moses = packages.moses
local select = select -- moses.import puts another one among the globals

-- Whether the value is `wanted`: deeply equal, or passing it when it is a function.
function moses.matches(value, wanted)
   if type(wanted) == 'function' then return wanted(value) end
   return moses.isEqual(value, wanted)
end

function moses.clear(t)
   for key in pairs(t) do t[key] = nil end
   return t
end

function moses.each(t, f, ...)
   for key, value in pairs(t) do f(key, value, ...) end
end

-- Integer keys only, in their order.
function moses.eachi(t, f, ...)
   local keys = {}
   for key in pairs(t) do
      if moses.isInteger(key) then keys[#keys + 1] = key end
   end
   table.sort(keys)
   for _, key in ipairs(keys) do f(key, t[key], ...) end
end

function moses.at(t, ...)
   local values = {}
   for _, key in ipairs{...} do
      if t[key] ~= nil then values[#values + 1] = t[key] end
   end
   return values
end

function moses.countf(t, f, ...)
   local count = 0
   for key, value in pairs(t) do
      if f(key, value, ...) then count = count + 1 end
   end
   return count
end

function moses.count(t, value)
   if value == nil then return moses.size(t) end
   return moses.countf(t, function(_, entry) return moses.isEqual(entry, value) end)
end

-- An iterator over all pairs, n times.
function moses.cycle(t, n)
   n = n or 1
   if n <= 0 then return moses.noop end
   local key, value
   return function()
      key, value = next(t, key)
      if key == nil then
         n = n - 1
         if n < 1 then return end
         key, value = next(t)
      end
      return key, value
   end
end

-- f gives a value, or a key and a value.
function moses.map(t, f, ...)
   local mapped = {}
   for key, value in pairs(t) do
      local a, b = f(key, value, ...)
      if b == nil then mapped[key] = a else mapped[a] = b end
   end
   return mapped
end

local function fold(entries, f, state, keep)
   for _, entry in ipairs(entries) do
      if state == nil then state = entry.value else state = f(state, entry.value) end
      if keep then keep(entry.key, state) end
   end
   return state
end

-- All pairs; those of an array in order.
local function pairs_of(t)
   local list = {}
   for key, value in pairs(t) do list[#list + 1] = {key = key, value = value} end
   return list
end

function moses.reduce(t, f, state) return fold(pairs_of(t), f, state) end
function moses.reduceRight(t, f, state) return fold(moses.reverse(pairs_of(t)), f, state) end

function moses.reduceby(t, f, state, pred, ...)
   return moses.reduce(moses.select(t, pred, ...), f, state)
end

function moses.mapReduce(t, f, state)
   local states = {}
   fold(pairs_of(t), f, state, function(key, now) states[key] = now end)
   return states
end

function moses.mapReduceRight(t, f, state)
   local states = {}
   fold(moses.reverse(pairs_of(t)), f, state, function(_, now) states[#states + 1] = now end)
   return states
end

function moses.detect(t, value)
   for key, entry in pairs(t) do
      if moses.matches(entry, value) then return key end
   end
end

function moses.include(t, value)
   return moses.detect(t, value) ~= nil
end

local function has_all(entry, properties)
   for key, value in pairs(properties) do
      if entry[key] ~= value then return false end
   end
   return true
end

function moses.where(t, properties)
   local found = moses.select(t, function(_, entry) return has_all(entry, properties) end)
   return #found > 0 and found or nil
end

function moses.findWhere(t, properties)
   local key = moses.detect(t, function(entry) return has_all(entry, properties) end)
   return key ~= nil and t[key] or nil
end

function moses.select(t, f, ...)
   local chosen = {}
   for key, value in pairs(t) do
      if f(key, value, ...) then chosen[#chosen + 1] = value end
   end
   return chosen
end

function moses.reject(t, f, ...)
   return moses.select(t, function(...) return not f(...) end, ...)
end

function moses.all(t, f, ...)
   for key, value in pairs(t) do
      if not f(key, value, ...) then return false end
   end
   return true
end

function moses.invoke(t, method, ...)
   local arguments = {...}
   return moses.map(t, function(_, value)
      local own = type(value) == 'table' and value[method] or nil
      if moses.isCallable(own) then return own(value, unpack(arguments)) end
      if own ~= nil then return own end
      if moses.isCallable(method) then return method(value, unpack(arguments)) end
   end)
end

function moses.pluck(t, property)
   local values = {}
   for _, entry in pairs(t) do
      if entry[property] ~= nil then values[#values + 1] = entry[property] end
   end
   return values
end

local function extreme(t, transform, better, ...)
   local best
   for _, value in pairs(t) do
      if transform then value = transform(value, ...) end
      if best == nil or better(value, best) then best = value end
   end
   return best
end

function moses.max(t, transform, ...) return extreme(t, transform, function(a, b) return a > b end, ...) end
function moses.min(t, transform, ...) return extreme(t, transform, function(a, b) return a < b end, ...) end

function moses.shuffle(t, seed)
   if seed then math.randomseed(seed) end
   local shuffled = {}
   for _, value in pairs(t) do
      local at = math.random(#shuffled + 1)
      table.insert(shuffled, at, value)
   end
   return shuffled
end

-- Every value of either in the other.
function moses.same(a, b)
   local function within(x, y) return moses.all(x, function(_, value) return moses.include(y, value) end) end
   return within(a, b) and within(b, a)
end

function moses.sort(t, comparison)
   table.sort(t, comparison)
   return t
end

function moses.sortBy(t, transform, comparison)
   if type(transform) == 'string' then transform = moses.property(transform) end
   transform = transform or moses.identity
   comparison = comparison or function(a, b) return a < b end
   table.sort(t, function(a, b) return comparison(transform(a), transform(b)) end)
   return t
end

function moses.groupBy(t, f, ...)
   local groups = {}
   for key, value in pairs(t) do
      local name = f(key, value, ...)
      groups[name] = groups[name] or {}
      table.insert(groups[name], value)
   end
   return groups
end

function moses.countBy(t, f, ...)
   local counts = {}
   for key, value in pairs(t) do
      local name = f(key, value, ...)
      counts[name] = (counts[name] or 0) + 1
   end
   return counts
end

-- How many entries a table has, or how many arguments were given.
function moses.size(...)
   local first = ...
   local count = 0
   for _ in pairs(type(first) == 'table' and first or {...}) do count = count + 1 end
   return count
end

function moses.containsKeys(t, other)
   return moses.all(other, function(key) return t[key] ~= nil end)
end

function moses.sameKeys(a, b)
   return moses.containsKeys(a, b) and moses.containsKeys(b, a)
end
