-- What a script finds before its first line, as Torch7's `th` had it through trepl: packages that are global without a
-- `require`, `include`, `require './beside'`, formats as `'%d' % {3}`, and what xlua adds to `string` and `table`.
--
-- It runs last: `require` and every package are there. Packages are opened by the first use of their name.

local torch, nn, native, packages = ...
local globals, files = native.globals(), native.files
local plain_require, dofile, format = require, dofile, string.format

-- Global name → the package that it is, or is a field of.
local lazy = {paths = 'paths', sys = 'sys', xlua = 'xlua'}
for _, name in ipairs{'import', 'who', 'noColors', 'setprintlevel', 'print_new', 'print_old'} do lazy[name] = 'trepl' end
for _, name in ipairs{
   'utils', 'path', 'dir', 'file', 'tablex', 'stringx', 'pretty', 'text', 'types', 'operator', 'class', 'List', 'Map',
   'OrderedMap', 'Set', 'lapp', 'lexer', 'stringio',
} do lazy[name] = 'pl' end

setmetatable(globals, {__index = function(_, name)
   local package = lazy[name]
   if not package then return nil end
   local value = plain_require(package)
   if package ~= name then value = value[name] end
   if rawget(globals, name) == nil then rawset(globals, name, value) end
   return value
end})

-- A name as the file sees it that asks: beside itself.
local function beside(name)
   return plain_require('paths').thisfile(name) or name
end

function include(name)
   return plain_require('paths').dofile(name)
end

-- The folder of a package that `package.path` leads to; of torch's own packages there are no files.
function torch.packageLuaPath(name)
   if not files.trusted() then return nil end
   if not name then return torch.packageLuaPath('torch') end
   for pattern in package.path:gmatch('[^;]+') do
      local path = pattern:gsub('%?', (name:gsub('%.', '/')))
      if files.kind(path) == 'file' then return path:match('(.*)/') end
   end
end

function torch.include(package, name)
   local folder = torch.packageLuaPath(package)
   if not folder then return include(name) end
   return dofile(folder .. '/' .. name)
end

local function loaded(path)
   local function is_file(name) return files.kind(name) == 'file' end
   if is_file(path .. '.lua') then return true, dofile(path .. '.lua') end
   for _, ending in ipairs{'.th', '.t7', '.net'} do
      if is_file(path .. ending) then return true, torch.load(path .. ending) end
      if is_file(path) and path:sub(-#ending) == ending then return true, torch.load(path) end
   end
   if is_file(path) then return true, dofile(path) end
   if is_file(path .. '/init.lua') then return true, dofile(path .. '/init.lua') end
   return false
end

-- trepl's: './name' is a file beside the one that asks, run each time; so is, last, a name that nothing else answers to.
function require(name)
   if type(name) ~= 'string' then return plain_require(name) end
   if not files.trusted() then return plain_require((name:gsub('^%./', ''))) end
   if name:sub(1, 1) == '.' then
      local found, value = loaded(beside(name))
      if found then return value end
      return plain_require(name)
   end
   local ok, value = pcall(plain_require, name)
   if ok then return value end
   if type(value) == 'string' and value:find("module '" .. name .. "' not found", 1, true) then
      local found, own = loaded(beside((name:gsub('%.', '/'))))
      if found then return own end
      -- `require 'models/net.lua'`: a file of exactly that name, from there or from where the script runs; as a module it is run once.
      for _, path in ipairs{beside(name), name} do
         found, own = loaded(path)
         if found then
            package.loaded[name] = own == nil or own
            return package.loaded[name]
         end
      end
   end
   error(value, 0)
end

-- Penlight's text.format_operator: `'%s: %d' % {'a', 3}`, `'%5.2f' % 3`, `'$name' % {name = 'a'}`.
local function written(value)
   local kind = type(value)
   return (kind == 'number' or kind == 'string') and value or tostring(value)
end
getmetatable('').__mod = function(text, values)
   if values == nil then return text end
   if type(values) == 'function' then return (text:gsub('%$([%w_]+)', values)) end
   if type(values) ~= 'table' or getmetatable(values) ~= nil then return format(text, written(values)) end
   if #values == 0 then
      return (text:gsub('%$([%w_]+)', function(name) return values[name] ~= nil and tostring(values[name]) or nil end))
   end
   local parts = {}
   for i = 1, #values do parts[i] = written(values[i]) end
   return format(text, unpack(parts, 1, #values))
end

-- What xlua adds. The separator is a pattern; an empty piece before the first or behind the last one is left out.
function string.split(text, separator)
   separator = separator or '%s+'
   local pieces, from = {}, 1
   while from <= #text do
      local first, last = text:find(separator, from)
      if not first or last < first then break end
      if first > 1 then pieces[#pieces + 1] = text:sub(from, first - 1) end
      from = last + 1
   end
   if from <= #text then pieces[#pieces + 1] = text:sub(from) end
   return pieces
end

function string.tosymbol(text)
   local value = assert(loadstring('return ' .. text))()
   if value == nil then error('symbol "' .. text .. '" does not exist', 2) end
   return value
end

-- The list without `length` entries from `start` on, and these entries.
function table.splice(list, start, length)
   start, length = start or 1, length or 1
   local kept, taken = {}, {}
   for i, entry in ipairs(list) do
      local part = (i < start or i >= start + length) and kept or taken
      part[#part + 1] = entry
   end
   return kept, taken
end

-- Each entry once, told apart by what `key` makes of it; `merge` joins two of one key. In the order of the list.
function table.prune(list, key, merge)
   local place, pruned = {}, {}
   for _, entry in ipairs(list) do
      local mark = key and key(entry) or entry
      if place[mark] == nil then
         place[mark] = #pruned + 1
         pruned[#pruned + 1] = entry
      else
         pruned[place[mark]] = merge and merge(entry, pruned[place[mark]]) or entry
      end
   end
   return pruned
end

native.at_start = {}
for name in pairs(globals) do native.at_start[name] = true end
