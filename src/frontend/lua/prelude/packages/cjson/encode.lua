-- cjson: text of values, as lua-cjson writes it.

local torch, nn, native, packages = ...
local cjson = packages.cjson

-- JSON's null, a pointer to nothing.
cjson.null = native.null

cjson._NAME, cjson._VERSION = 'cjson', '2.1.0'

-- What one codec does; `cjson.new()` has settings of its own.
function cjson.settings()
   return {convert = false, ratio = 2, safe = 10, encode_depth = 1000, decode_depth = 1000, precision = 14,
      encode_invalid = false, decode_invalid = true}
end

local escapes = {['"'] = '\\"', ['\\'] = '\\\\', ['/'] = '\\/', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r',
   ['\t'] = '\\t', ['\127'] = '\\u007f'}
for byte = 0, 31 do
   local character = string.char(byte)
   escapes[character] = escapes[character] or string.format('\\u%04x', byte)
end

local function refuse(value, why)
   error('Cannot serialise ' .. type(value) .. ': ' .. why, 0)
end

local function number(value, settings)
   if value ~= value or value == math.huge or value == -math.huge then
      local invalid = settings.encode_invalid
      if not invalid then refuse(value, 'must not be NaN or Inf') end
      if invalid == 'null' then return 'null' end
      return value ~= value and 'nan' or value > 0 and 'inf' or '-inf'
   end
   return (string.format('%.' .. settings.precision .. 'g', value))
end

local function text(value)
   return '"' .. value:gsub('[%z\1-\31"\\/\127]', escapes) .. '"'
end

-- The length of an array; nil for an object. Arrays with many holes are refused, or made objects.
local function array_length(value, settings)
   local last, count = 0, 0
   for key in pairs(value) do
      if type(key) ~= 'number' or key < 1 or key ~= math.floor(key) then return nil end
      last, count = math.max(last, key), count + 1
   end
   if count == 0 then return nil end
   if settings.ratio > 0 and last > count * settings.ratio and last > settings.safe then
      if not settings.convert then refuse(value, 'excessively sparse array') end
      return nil
   end
   return last
end

local function append(pieces, value, settings, depth)
   local kind = type(value)
   if kind == 'table' then
      depth = depth + 1
      if depth > settings.encode_depth then
         error('Cannot serialise, excessive depth (' .. depth .. ')', 0)
      end
      local length = array_length(value, settings)
      pieces[#pieces + 1] = length and '[' or '{'
      if length then
         for i = 1, length do
            if i > 1 then pieces[#pieces + 1] = ',' end
            append(pieces, value[i], settings, depth)
         end
      else
         local first = true
         for key, entry in pairs(value) do
            if type(key) == 'number' then
               key = '"' .. number(key, settings) .. '"'
            elseif type(key) == 'string' then
               key = text(key)
            else
               refuse(value, 'table key must be a number or string')
            end
            pieces[#pieces + 1] = (first and '' or ',') .. key .. ':'
            first = false
            append(pieces, entry, settings, depth)
         end
      end
      pieces[#pieces + 1] = length and ']' or '}'
   elseif kind == 'string' then
      pieces[#pieces + 1] = text(value)
   elseif kind == 'number' then
      pieces[#pieces + 1] = number(value, settings)
   elseif kind == 'boolean' then
      pieces[#pieces + 1] = tostring(value)
   elseif value == nil or rawequal(value, cjson.null) then
      pieces[#pieces + 1] = 'null'
   else
      refuse(value, 'type not supported')
   end
end

function cjson.encode_with(settings, value)
   local pieces = {}
   append(pieces, value, settings, 0)
   return table.concat(pieces)
end
