-- pl (Penlight): tables, strings and pretty printing, as far as scripts around Torch use them; `require 'pl'` makes
-- the parts global.

local torch, nn, native, packages = ...
local pl = packages.pl

local tablex, stringx, pretty = {}, {}, {}
pl.tablex, pl.stringx, pl.pretty = tablex, stringx, pretty

function tablex.size(t)
   local n = 0
   for _ in pairs(t) do n = n + 1 end
   return n
end

function tablex.keys(t)
   local keys = {}
   for key in pairs(t) do keys[#keys + 1] = key end
   return keys
end

function tablex.values(t)
   local values = {}
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
   local mapped = {}
   for key, value in pairs(t) do mapped[key] = f(value, ...) end
   return mapped
end

function tablex.filter(t, keep, ...)
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

function stringx.split(text, separator, most)
   local pieces, from = {}, 1
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

pl.path = {
   join = function(...) return packages.paths.concat and packages.paths.concat(...) or table.concat({...}, '/') end,
   basename = function(name) return name:match('[^/]*$') end,
   dirname = function(name) return name:match('^(.*)/[^/]*$') or '' end,
   extension = function(name) return name:match('%.[^./]*$') or '' end,
   exists = function(name) return native.files.kind(name) ~= nil and name end,
   isfile = function(name) return native.files.kind(name) == 'file' end,
   isdir = function(name) return native.files.kind(name) == 'folder' end,
   mkdir = function(name) return native.files.mkdir(name) end,
}

local List = {}
List.__index = List
setmetatable(List, {__call = function(_, entries)
   local list = setmetatable({}, List)
   for _, entry in ipairs(entries or {}) do list[#list + 1] = entry end
   return list
end})
function List:append(entry) self[#self + 1] = entry; return self end
function List:extend(entries)
   for _, entry in ipairs(entries) do self[#self + 1] = entry end
   return self
end
function List:len() return #self end
function List:contains(entry) return tablex.find(self, entry) ~= nil end
function List:pop() return table.remove(self) end
function List:map(f, ...)
   local mapped = List()
   for i, entry in ipairs(self) do mapped[i] = f(entry, ...) end
   return mapped
end
function List:filter(keep) return List(tablex.filter(self, keep)) end
function List:join(separator) return table.concat(self, separator) end
pl.List = List

local globals = native.globals()
for _, name in ipairs{'tablex', 'stringx', 'pretty', 'List'} do globals[name] = pl[name] end
