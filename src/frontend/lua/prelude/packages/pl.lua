-- pl (Penlight): tables, strings and pretty printing, as far as scripts around Torch use them. Its parts are global by the
-- first use of their names (torch/start.lua).

local torch, nn, native, packages = ...
local pl = packages.pl

local tablex, stringx, pretty = {}, {}, {}
pl.tablex, pl.stringx, pl.pretty = tablex, stringx, pretty

local operators = {
   ['+'] = function(a, b) return a + b end, ['-'] = function(a, b) return a - b end, ['*'] = function(a, b) return a * b end,
   ['/'] = function(a, b) return a / b end, ['%'] = function(a, b) return a % b end, ['^'] = function(a, b) return a ^ b end,
   ['..'] = function(a, b) return a .. b end, ['=='] = function(a, b) return a == b end, ['~='] = function(a, b) return a ~= b end,
   ['<'] = function(a, b) return a < b end, ['>'] = function(a, b) return a > b end, ['<='] = function(a, b) return a <= b end,
   ['>='] = function(a, b) return a >= b end, ['#'] = function(a) return #a end, ['[]'] = function(t, key) return t[key] end,
}

-- A function, an operator's sign, `'|x, y| x + y'`, or an expression of `_`: Penlight takes each where a function is wanted.
function pl.callable(f)
   if type(f) ~= 'string' then return f end
   local names, body = f:match('^|([^|]*)|(.+)$')
   if names then return assert(loadstring('return function(' .. names .. ') return ' .. body .. ' end'))() end
   if operators[f] then return operators[f] end
   if f:find('_', 1, true) then return assert(loadstring('local _ = ... return ' .. f)) end
   error('no operator ' .. f, 3)
end
local callable = pl.callable

function tablex.size(t)
   local n = 0
   for _ in pairs(t) do n = n + 1 end
   return n
end

function tablex.keys(t)
   local keys = pl.List()
   for key in pairs(t) do keys[#keys + 1] = key end
   return keys
end

function tablex.values(t)
   local values = pl.List()
   for _, value in pairs(t) do values[#values + 1] = value end
   return values
end

function tablex.copy(t)
   local copy = {}
   for key, value in pairs(t) do copy[key] = value end
   return copy
end

function tablex.deepcopy(t)
   if type(t) ~= 'table' then return t end
   local copy = {}
   for key, value in pairs(t) do copy[tablex.deepcopy(key)] = tablex.deepcopy(value) end
   return setmetatable(copy, getmetatable(t))
end

function tablex.update(t, more)
   for key, value in pairs(more) do t[key] = value end
   return t
end

function tablex.merge(a, b, all)
   local merged = {}
   for key, value in pairs(a) do
      if all or b[key] ~= nil then merged[key] = value end
   end
   if all then tablex.update(merged, b) end
   return merged
end

function tablex.map(f, t, ...)
   f = callable(f)
   local mapped = {}
   for key, value in pairs(t) do mapped[key] = f(value, ...) end
   return mapped
end

function tablex.filter(t, keep, ...)
   keep = callable(keep)
   local kept = {}
   for _, value in ipairs(t) do
      if keep(value, ...) then kept[#kept + 1] = value end
   end
   return kept
end

function tablex.find(t, value, from)
   for i = from or 1, #t do
      if t[i] == value then return i end
   end
end

function tablex.deepcompare(a, b)
   if type(a) ~= 'table' or type(b) ~= 'table' then return a == b end
   for key, value in pairs(a) do
      if not tablex.deepcompare(value, b[key]) then return false end
   end
   for key in pairs(b) do
      if a[key] == nil then return false end
   end
   return true
end

function tablex.imap(f, list, ...)
   f = callable(f)
   local mapped = {}
   for i = 1, #list do mapped[i] = f(list[i], ...) end
   return mapped
end

function tablex.foreach(t, f, ...)
   f = callable(f)
   for key, value in pairs(t) do f(value, key, ...) end
end

function tablex.foreachi(list, f, ...)
   f = callable(f)
   for i = 1, #list do f(list[i], i, ...) end
end

function tablex.reduce(f, list, start)
   f = callable(f)
   local from, value = 1, start
   if value == nil then from, value = 2, list[1] end
   for i = from, #list do value = f(value, list[i]) end
   return value
end

function tablex.find_if(t, f, argument)
   f = callable(f)
   for key, value in pairs(t) do
      if f(value, argument) then return key, value end
   end
end

function tablex.index_map(list)
   local map = {}
   for i, value in ipairs(list) do map[value] = i end
   return map
end

function tablex.makeset(list)
   local set = {}
   for _, value in ipairs(list) do set[value] = true end
   return set
end

function tablex.sub(list, first, last)
   first, last = first or 1, last or #list
   if last < 0 then last = #list + last + 1 end
   local part = {}
   for i = first, math.min(last, #list) do part[#part + 1] = list[i] end
   return part
end

function tablex.range(first, last, step)
   local list = {}
   for i = first, last, step or 1 do list[#list + 1] = i end
   return list
end

-- Keys and values by the order of the keys; by that of the values.
local function sorted(t, by_value, less)
   local keys = tablex.keys(t)
   less = callable(less or '<')
   table.sort(keys, function(a, b)
      if by_value then return less(t[a], t[b]) end
      return less(a, b)
   end)
   local i = 0
   return function()
      i = i + 1
      if keys[i] ~= nil then return keys[i], t[keys[i]] end
   end
end
function tablex.sort(t, less) return sorted(t, false, less) end
function tablex.sortv(t, less) return sorted(t, true, less) end

function stringx.split(text, separator, most)
   local pieces, from = pl.List(), 1
   if not separator then
      for word in text:gmatch('%S+') do pieces[#pieces + 1] = word end
      return pieces
   end
   while true do
      local first, last = text:find(separator, from, true)
      if not first or (most and #pieces + 1 >= most) then
         pieces[#pieces + 1] = text:sub(from)
         return pieces
      end
      pieces[#pieces + 1] = text:sub(from, first - 1)
      from = last + 1
   end
end

function stringx.lstrip(text) return (text:gsub('^%s+', '')) end
function stringx.rstrip(text) return (text:gsub('%s+$', '')) end
function stringx.ljust(text, width, fill) return text .. (fill or ' '):rep(width - #text) end
function stringx.rjust(text, width, fill) return (fill or ' '):rep(width - #text) .. text end
function stringx.isalpha(text) return text:find('^%a+$') ~= nil end
function stringx.isdigit(text) return text:find('^%d+$') ~= nil end
function stringx.isspace(text) return text:find('^%s+$') ~= nil end
function stringx.at(text, i) return text:sub(i, i) end
function stringx.lines(text) return text:gmatch('([^\n]*)\n?') end
-- What is before the separator, the separator, what is behind it.
function stringx.partition(text, separator)
   local first, last = text:find(separator, 1, true)
   if not first then return text, '', '' end
   return text:sub(1, first - 1), separator, text:sub(last + 1)
end
function stringx.strip(text) return (text:gsub('^%s+', ''):gsub('%s+$', '')) end
function stringx.startswith(text, start) return text:sub(1, #start) == start end
function stringx.endswith(text, stop) return stop == '' or text:sub(-#stop) == stop end
function stringx.replace(text, old, new) return table.concat(stringx.split(text, old), new) end
function stringx.join(separator, list) return table.concat(list, separator) end
function stringx.splitlines(text) return stringx.split(text, '\n') end
function stringx.count(text, part) return #stringx.split(text, part) - 1 end
function stringx.import()
   for name, f in pairs(stringx) do string[name] = string[name] or f end
end

local function written(value, indent, seen)
   if type(value) == 'string' then return string.format('%q', value) end
   if type(value) ~= 'table' or torch.typename(value) then return tostring(value) end
   if seen[value] then return '<cycle>' end
   seen[value] = true
   local lines, done = {}, {}
   for i, entry in ipairs(value) do
      done[i] = true
      lines[#lines + 1] = indent .. '  ' .. written(entry, indent .. '  ', seen)
   end
   local keys = {}
   for key in pairs(value) do
      if not done[key] then keys[#keys + 1] = key end
   end
   table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
   for _, key in ipairs(keys) do
      local shown = type(key) == 'string' and key:match('^[%a_][%w_]*$') or '[' .. written(key, '', seen) .. ']'
      lines[#lines + 1] = indent .. '  ' .. shown .. ' = ' .. written(value[key], indent .. '  ', seen)
   end
   seen[value] = nil
   return #lines == 0 and '{}' or '{\n' .. table.concat(lines, ',\n') .. '\n' .. indent .. '}'
end

function pretty.write(value) return written(value, '', {}) end
function pretty.dump(value) print(pretty.write(value)) end
