-- moses: functions of arrays.

local torch, nn, native, packages = ...
local moses = packages.moses
local select = select -- moses.import puts another one among the globals

-- n values at different places; one value without n.
function moses.sample(array, n, seed)
   n = n or 1
   if n < 1 then return end
   if n == 1 then
      if seed then math.randomseed(seed) end
      return array[math.random(#array)]
   end
   return moses.slice(moses.shuffle(array, seed), 1, n)
end

function moses.sampleProb(array, chance, seed)
   if seed then math.randomseed(seed) end
   return moses.select(array, function() return math.random() < chance end)
end

function moses.toArray(...) return {...} end

function moses.find(array, value, from)
   for i = from or 1, #array do
      if moses.isEqual(array[i], value) then return i end
   end
end

function moses.reverse(array)
   local turned = {}
   for i = #array, 1, -1 do turned[#turned + 1] = array[i] end
   return turned
end

function moses.fill(array, value, first, last)
   for i = first or 1, last or #array do array[i] = value end
   return array
end

-- How many of the first entries pass.
local function passing(array, f, ...)
   for i, value in ipairs(array) do
      if not f(i, value, ...) then return i - 1 end
   end
   return #array
end

function moses.selectWhile(array, f, ...) return moses.slice(array, 1, passing(array, f, ...)) end
function moses.dropWhile(array, f, ...) return moses.slice(array, passing(array, f, ...) + 1) end

-- Where the value belongs in an ordered array; sorted before when `sort`.
function moses.sortedIndex(array, value, comparison, sort)
   comparison = comparison or function(a, b) return a < b end
   if sort then table.sort(array, comparison) end
   for i = 1, #array do
      if not comparison(array[i], value) then return i end
   end
   return #array + 1
end

function moses.indexOf(array, value)
   for i = 1, #array do
      if array[i] == value then return i end
   end
end

function moses.lastIndexOf(array, value)
   for i = #array, 1, -1 do
      if array[i] == value then return i end
   end
end

function moses.findIndex(array, f, ...)
   for i = 1, #array do
      if f(i, array[i], ...) then return i end
   end
end

function moses.findLastIndex(array, f, ...)
   for i = #array, 1, -1 do
      if f(i, array[i], ...) then return i end
   end
end

function moses.addTop(array, ...)
   for _, value in ipairs{...} do table.insert(array, 1, value) end
   return array
end

function moses.push(array, ...)
   for _, value in ipairs{...} do array[#array + 1] = value end
   return array
end

-- Takes values off the front, or the back, and gives them.
local function taking(at)
   return function(array, n)
      local taken = {}
      for i = 1, math.min(n or 1, #array) do taken[i] = table.remove(array, at(array)) end
      return unpack(taken)
   end
end
moses.pop = taking(function() return 1 end)
moses.unshift = taking(function(array) return #array end)

function moses.pull(array, ...)
   for _, value in ipairs{...} do
      for i = #array, 1, -1 do
         if moses.isEqual(array[i], value) then table.remove(array, i) end
      end
   end
   return array
end

function moses.removeRange(array, first, last)
   local kept = {}
   for i = 1, #array do
      if i < (first or 1) or i > (last or #array) then kept[#kept + 1] = array[i] end
   end
   for i = 1, #array do array[i] = kept[i] end
   return array
end

-- Runs of neighbours for which f gives the same.
function moses.chunk(array, f, ...)
   if not moses.isArray(array) then return array end
   local chunks, last = {}, nil
   for i, value in ipairs(array) do
      local kind = f(i, value, ...)
      if i == 1 or kind ~= last then chunks[#chunks + 1] = {} end
      last = kind
      table.insert(chunks[#chunks], value)
   end
   return chunks
end

function moses.slice(array, first, last)
   local piece = {}
   for i = first or 1, math.min(last or #array, #array) do piece[#piece + 1] = array[i] end
   return piece
end

function moses.first(array, n) return moses.slice(array, 1, n or 1) end

function moses.initial(array, n)
   if n and n < 0 then return end
   return moses.slice(array, 1, #array - (n or 1))
end

-- The last n; without n all but the first.
function moses.last(array, n)
   if n and n <= 0 then return end
   return moses.slice(array, n and math.max(1, #array - n + 1) or 2)
end

function moses.rest(array, index)
   if index and index > #array then return {} end
   return moses.slice(array, math.max(1, index or 1))
end

function moses.nth(array, index) return array[index] end

function moses.compact(array)
   return moses.select(array, function(_, value) return value end)
end

function moses.flatten(array, shallow)
   local flat = {}
   for _, value in pairs(array) do
      if type(value) == 'table' and not torch.typename(value) then
         for _, inner in pairs(shallow and value or moses.flatten(value)) do flat[#flat + 1] = inner end
      else
         flat[#flat + 1] = value
      end
   end
   return flat
end

function moses.difference(array, other)
   if not other then return moses.clone(array) end
   return moses.select(array, function(_, value) return not moses.include(other, value) end)
end

function moses.union(...) return moses.unique(moses.flatten({...})) end

function moses.intersection(array, ...)
   local others, common = {...}, {}
   for _, value in ipairs(array) do
      if moses.all(others, function(_, other) return moses.include(other, value) end) then moses.push(common, value) end
   end
   return common
end

function moses.symmetricDifference(a, b)
   return moses.append(moses.difference(a, b), moses.difference(b, a))
end

function moses.unique(array)
   local once = {}
   for i = 1, #array do
      if not moses.find(once, array[i]) then once[#once + 1] = array[i] end
   end
   return once
end

function moses.isunique(array) return #moses.unique(array) == #array end

function moses.zip(...)
   local arrays, rows = {...}, {}
   local longest = moses.max(moses.map(arrays, function(_, array) return #array end)) or 0
   for i = 1, longest do rows[i] = moses.pluck(arrays, i) end
   return rows
end

function moses.append(array, other)
   return moses.push(moses.slice(array), unpack(other))
end

function moses.interleave(...) return moses.flatten(moses.zip(...), true) end

function moses.interpose(value, array)
   local spread = {}
   for i, entry in ipairs(array) do
      if i > 1 then spread[#spread + 1] = value end
      spread[#spread + 1] = entry
   end
   return spread
end

-- range(to), range(from, to), range(from, to, step); from 0 when only one is given.
function moses.range(...)
   local from, to, step = ...
   if select('#', ...) == 0 then return {} end
   if to == nil then from, to = 0, from end
   step = step or (to < from and -1 or 1)
   local numbers = {}
   if step == 0 then return numbers end
   for k = 0, math.floor((to - from) / step + 1e-12) do numbers[k + 1] = from + k * step end
   return numbers
end

function moses.rep(value, n)
   local list = {}
   for i = 1, n do list[i] = value end
   return list
end

local function padded(piece, n, pad)
   for i = #piece + 1, pad ~= nil and n or 0 do piece[i] = pad end
   return piece
end

-- An iterator over pieces of n entries, each starting `step` after the one before.
local function pieces(array, n, pad, step, until_end)
   if n <= 0 then return moses.noop end
   local at = 1
   return function()
      if at > #array or (at > 1 and until_end(at)) then return end
      local piece = padded(moses.slice(array, at, at + n - 1), n, pad)
      at = at + step
      return piece
   end
end

function moses.partition(array, n, pad)
   return pieces(array, n or 1, pad, n or 1, function() return false end)
end

-- Neighbouring pieces share one entry.
function moses.sliding(array, n, pad)
   n = n or 2
   return pieces(array, n, pad, math.max(n - 1, 1), function(at) return n > 1 and at >= #array end)
end

-- An iterator over all orders.
function moses.permutation(array)
   local function permute(list, n)
      if n == 0 then return coroutine.yield(moses.slice(list)) end
      for i = 1, n do
         list[n], list[i] = list[i], list[n]
         permute(list, n - 1)
         list[n], list[i] = list[i], list[n]
      end
   end
   return coroutine.wrap(function() permute(array, #array) end)
end

function moses.invert(array)
   local inverted = {}
   for key, value in pairs(array) do inverted[value] = key end
   return inverted
end

function moses.concat(array, separator, first, last)
   return table.concat(moses.map(array, function(_, value) return tostring(value) end), separator or '', first or 1, last or #array)
end
