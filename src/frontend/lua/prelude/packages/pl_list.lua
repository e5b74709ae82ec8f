-- Penlight's List, and tablex on lists and sets.

local torch, nn, native, packages = ...
local pl = packages.pl
local tablex = pl.tablex

local callable = pl.callable

local List = {}
List.__index = List
pl.List = List

local function made(entries)
   return setmetatable(entries, List)
end
setmetatable(List, {__call = function(_, entries)
   local list = made{}
   if type(entries) == 'string' then entries = entries:gmatch('.') end
   if type(entries) == 'function' then
      for entry in entries do list[#list + 1] = entry end
   else
      for i, entry in ipairs(entries or {}) do list[i] = entry end
   end
   return list
end})
List.new = function(entries) return List(entries) end

function List.range(first, last, step) return made(last and tablex.range(first, last, step) or tablex.range(1, first)) end
function List.split(text, separator) return made(separator and pl.utils.split(text, separator) or pl.stringx.split(text)) end
function List.iterate(entries)
   if type(entries) == 'string' then return entries:gmatch('.') end
   return type(entries) == 'table' and List.iter(entries) or entries
end

function List:append(entry) self[#self + 1] = entry; return self end
function List:extend(entries)
   for _, entry in ipairs(entries) do self[#self + 1] = entry end
   return self
end
function List:insert(at, entry) table.insert(self, at, entry); return self end
function List:put(entry) return self:insert(1, entry) end
function List:remove(at) table.remove(self, at); return self end
function List:remove_value(value)
   local at = tablex.find(self, value)
   if at then table.remove(self, at) end
   return self
end
function List:pop(at) return table.remove(self, at) end
List.get = List.pop
function List:index(value, from) return tablex.find(self, value, from) end
function List:contains(value) return tablex.find(self, value) ~= nil end
function List:count(value)
   local count = 0
   for _, entry in ipairs(self) do count = count + (entry == value and 1 or 0) end
   return count
end
function List:len() return #self end
function List:clone() return List(self) end
function List:clear()
   for i = #self, 1, -1 do self[i] = nil end
   return self
end
function List:sort(less)
   table.sort(self, callable(less))
   return self
end
function List:sorted(less) return List(self):sort(less) end
function List:reverse()
   local n = #self
   for i = 1, math.floor(n / 2) do self[i], self[n + 1 - i] = self[n + 1 - i], self[i] end
   return self
end
function List:minmax()
   local least, most = self[1], self[1]
   for _, entry in ipairs(self) do
      if entry < least then least = entry end
      if entry > most then most = entry end
   end
   return least, most
end
function List:slice(first, last)
   if first and first < 0 then first = #self + first + 1 end
   return made(tablex.sub(self, first, last))
end
function List:chop(first, last)
   if last < 0 then last = #self + last + 1 end
   for i = math.min(last, #self), first, -1 do table.remove(self, i) end
   return self
end
function List:splice(at, entries)
   for i, entry in ipairs(entries) do table.insert(self, at + i - 1, entry) end
   return self
end
function List:slice_assign(first, last, entries) return self:chop(first, last):splice(first, entries) end
function List:join(separator)
   return table.concat(tablex.imap(tostring, self), separator or '')
end
List.concat = table.concat

function List:foreach(f, ...)
   f = callable(f)
   for i = 1, #self do f(self[i], ...) end
end
function List:foreachm(name, ...)
   for i = 1, #self do self[i][name](self[i], ...) end
end
function List:filter(keep, argument) return made(tablex.filter(self, callable(keep), argument)) end
function List:map(f, ...) return made(tablex.imap(callable(f), self, ...)) end
function List:mapm(name, ...)
   local mapped = List()
   for i = 1, #self do mapped[i] = self[i][name](self[i], ...) end
   return mapped
end
function List:map2(f, other, ...)
   f = callable(f)
   local mapped = List()
   for i = 1, math.min(#self, #other) do mapped[i] = f(self[i], other[i], ...) end
   return mapped
end
function List:transform(f, ...)
   f = callable(f)
   for i = 1, #self do self[i] = f(self[i], ...) end
   return self
end
function List:reduce(f, start) return tablex.reduce(callable(f), self, start) end
-- The entries in lists of their own, by what `f` makes of each.
function List:partition(f, ...)
   f = callable(f)
   local parts = {}
   for _, entry in ipairs(self) do
      local key = f(entry, ...)
      if key == nil then key = '<nil>' end
      parts[key] = parts[key] or List()
      parts[key]:append(entry)
   end
   return parts
end
function List:iter()
   local i = 0
   return function()
      i = i + 1
      return self[i]
   end
end
function List.__concat(a, b) return List(a):extend(b) end
function List.__eq(a, b) return tablex.compare(a, b) end
function List:__tostring()
   local function shown(entry) return type(entry) == 'string' and '"' .. entry .. '"' or tostring(entry) end
   return '{' .. table.concat(tablex.imap(shown, self), ',') .. '}'
end

pl.utils = pl.utils or {}
pl.utils.function_arg = function(_, f) return callable(f) end
pl.utils.string_lambda = function(text) return callable(text:find('^|') and text or '|_| ' .. text) end

-- Lists of one length whose entries are alike, in order; in any order.
function tablex.compare(a, b, alike)
   alike = callable(alike or '==')
   if #a ~= #b then return false end
   for i = 1, #a do
      if not alike(a[i], b[i]) then return false end
   end
   return true
end
function tablex.compare_no_order(a, b, alike)
   alike = callable(alike or '==')
   if #a ~= #b then return false end
   local taken = {}
   for i = 1, #a do
      local found
      for k = 1, #b do
         if not taken[k] and alike(a[i], b[k]) then found = k; break end
      end
      if not found then return false end
      taken[found] = true
   end
   return true
end

function tablex.rfind(list, value, from)
   for i = from or #list, 1, -1 do
      if list[i] == value then return i end
   end
end
function tablex.icopy(to, from, at, first, count)
   at, first = at or 1, first or 1
   for i = 0, (count or #from) - 1 do to[at + i] = from[first + i] end
   return to
end
function tablex.insertvalues(list, at, entries)
   if entries == nil then at, entries = #list + 1, at end
   return List.splice(list, at, entries)
end
function tablex.removevalues(list, first, last) return List.chop(list, first, last or first) end
function tablex.transform(f, t, ...)
   f = callable(f)
   for key, value in pairs(t) do t[key] = f(value, ...) end
end
function tablex.map2(f, a, b, ...)
   f = callable(f)
   local mapped = {}
   for key, value in pairs(a) do mapped[key] = f(value, b[key], ...) end
   return mapped
end
function tablex.pairmap(f, t, ...)
   f = callable(f)
   local mapped = {}
   for key, value in pairs(t) do
      local made_of, own = f(key, value, ...)
      mapped[own == nil and #mapped + 1 or own] = made_of
   end
   return mapped
end
function tablex.zip(...)
   local lists, zipped = {...}, List()
   for i = 1, #lists[1] do zipped[i] = tablex.imap(function(list) return list[i] end, lists) end
   return zipped
end
function tablex.count_map(list)
   local counts = {}
   for _, value in ipairs(list) do counts[value] = (counts[value] or 0) + 1 end
   return counts
end
function tablex.clear(list, from)
   for i = #list, from or 1, -1 do list[i] = nil end
end
function tablex.union(a, b) return tablex.merge(a, b, true) end
function tablex.intersection(a, b) return tablex.merge(a, b) end
function tablex.difference(a, b, is_symmetric)
   local left = {}
   for key, value in pairs(a) do
      if b[key] == nil then left[key] = value end
   end
   if is_symmetric then tablex.update(left, tablex.difference(b, a)) end
   return left
end
function tablex.issubset(a, b)
   for key in pairs(b) do
      if a[key] == nil then return false end
   end
   return true
end
