-- How the shell shows results, as Torch7's th did: tables with a line for each field, tensors inside them by their size.
--
-- Answers show(...): the text for the values of one expression; and a print that shows plain tables so, as th's own did.

local torch = ...
local print = print

local DEEPEST, LONGEST = 5, 1000

-- Numbers in order, then the other keys by their text: `pairs` runs in any order.
local function keys_of(object)
   local numbers, others = {}, {}
   for key in pairs(object) do
      local list = type(key) == 'number' and numbers or others
      list[#list + 1] = key
   end
   table.sort(numbers)
   table.sort(others, function(a, b) return tostring(a) < tostring(b) end)
   for _, key in ipairs(others) do numbers[#numbers + 1] = key end
   return numbers
end

local show_table

-- A value behind `key : `.
local function inner(value, indent, seen, depth)
   local kind = type(value)
   if kind == 'string' then return '"' .. value .. '"' end
   if torch.isTensor(value) then
      local size = value:dim() == 0 and 'empty' or 'size: ' .. table.concat(value:size():totable(), 'x')
      return (torch.typename(value):gsub('^torch%.', '')) .. ' - ' .. size
   end
   if kind == 'table' and not torch.typename(value) then
      if next(value) == nil then return '{}' end
      if seen[value] or depth >= DEEPEST then return '{...}' end
      local below = indent .. '    '
      return '\n' .. below .. show_table(value, below, seen, depth + 1)
   end
   return (tostring(value):gsub('\n', '\n' .. indent))
end

function show_table(object, indent, seen, depth)
   seen[object] = true
   local keys = keys_of(object)
   local width = 0
   for i = 1, math.min(#keys, LONGEST) do width = math.max(width, #tostring(keys[i])) end
   local lines = {'{'}
   for i, key in ipairs(keys) do
      if i > LONGEST then
         lines[#lines + 1] = indent .. '  ... (' .. (#keys - LONGEST) .. ' more)'
         break
      end
      local name = tostring(key)
      lines[#lines + 1] = indent .. '  ' .. name .. string.rep(' ', width - #name) .. ' : '
         .. inner(object[key], indent .. '  ', seen, depth)
   end
   lines[#lines + 1] = indent .. '}'
   seen[object] = nil
   return table.concat(lines, '\n')
end

local function is_plain(value)
   if type(value) ~= 'table' or torch.typename(value) then return false end
   local mt = getmetatable(value)
   return not (type(mt) == 'table' and mt.__tostring)
end

local function show_one(value)
   if not is_plain(value) then return tostring(value) end
   return next(value) == nil and '{}' or show_table(value, '', {}, 1)
end

local function show(...)
   local texts = {}
   for i = 1, select('#', ...) do texts[i] = show_one((select(i, ...))) end
   return table.concat(texts, '\t')
end

return show, function(...)
   for i = 1, select('#', ...) do
      if is_plain((select(i, ...))) then return print(show(...)) end
   end
   return print(...)
end
