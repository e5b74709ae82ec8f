-- cjson.util: what lua-cjson's own scripts use: files, text of values, deep equality.

local torch, nn, native, packages = ...
local util = packages['cjson.util']

-- How deep a value may be nested to be shown.
local DEEPEST = 50

-- The highest index of an array; 0 of an empty table, −1 of anything else. More than a third of holes make none.
function util.is_array(value)
   local highest, count = 0, 0
   for key in pairs(value) do
      if type(key) ~= 'number' or key < 1 or key % 1 ~= 0 then return -1 end
      highest, count = math.max(highest, key), count + 1
   end
   return highest > count * 1.5 and -1 or highest
end

local function entries(value, indent, depth)
   if depth > DEEPEST then return 'Cannot serialise any further: too many nested tables' end
   local inner = indent and indent .. '  '
   local before, behind = inner and '\n' .. inner or ' ', indent and '\n' .. indent or ' '
   local count, parts = util.is_array(value), {}
   if count > 0 then
      for i = 1, count do parts[i] = util.serialise_value(value[i], inner, depth) end
   else
      for key, entry in pairs(value) do
         local left = util.serialise_value(key, inner, depth)
         parts[#parts + 1] = string.format('[%s] = %s', left, (util.serialise_value(entry, inner, depth)))
      end
   end
   return '{' .. before .. table.concat(parts, ',' .. before) .. behind .. '}'
end

-- A value as text in Lua's words, a line for each entry of a table; all in one line with an indent of false.
function util.serialise_value(value, indent, depth)
   if indent == nil then indent = '' end
   if value == native.null then return 'cjson.null' end
   local kind = type(value)
   if kind == 'string' then return string.format('%q', value) end
   if kind == 'number' or kind == 'nil' or kind == 'boolean' then return tostring(value) end
   if kind == 'table' then return entries(value, indent, (depth or 0) + 1) end
   return '"<' .. kind .. '>"'
end

-- The text of a file; without a name, of standard input.
function util.file_load(name)
   if not name then return io.stdin:read('*a') end
   local file, why = io.open(name, 'rb')
   if not file then error('Unable to read ' .. why, 2) end
   local text = file:read('*a')
   file:close()
   if text == nil then error('Failed to read ' .. name, 2) end
   return text
end

-- Writes a text into a file; without a name, to standard output.
function util.file_save(name, text)
   if not name then
      io.stdout:write(text)
      return
   end
   local file, why = io.open(name, 'wb')
   if not file then error('Unable to write ' .. why, 2) end
   file:write(text)
   file:close()
end

-- Whether two values are equal, tables entry by entry.
util.compare_values = require('pl').tablex.deepcompare
