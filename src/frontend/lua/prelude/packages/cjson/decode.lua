-- cjson: values of a text, as lua-cjson reads it; and the codecs with their settings.

local torch, nn, native, packages = ...
local cjson = packages.cjson

local function utf8(code)
   if code < 0x80 then return string.char(code) end
   if code < 0x800 then return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40) end
   if code < 0x10000 then
      return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
   end
   return string.char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40, 0x80 + math.floor(code / 0x40) % 0x40,
      0x80 + code % 0x40)
end

local plain = {['"'] = '"', ['\\'] = '\\', ['/'] = '/', b = '\b', f = '\f', n = '\n', r = '\r', t = '\t'}
local words = {['true'] = true, ['false'] = false}

-- What lies at a place, in lua-cjson's words.
local function token_at(source, at)
   local first = source:sub(at, at)
   if first == '' then return 'T_END' end
   local names = {['{'] = 'T_OBJ_BEGIN', ['}'] = 'T_OBJ_END', ['['] = 'T_ARR_BEGIN', [']'] = 'T_ARR_END', [','] = 'T_COMMA',
      [':'] = 'T_COLON', ['"'] = 'T_STRING'}
   if names[first] then return names[first] end
   if source:find('^true', at) or source:find('^false', at) then return 'T_BOOLEAN' end
   if source:find('^null', at) then return 'T_NULL' end
   return source:find('^-?%d', at) and 'T_NUMBER' or 'invalid token'
end

local function expected(what, source, at)
   error(string.format('Expected %s but found %s at character %d', what, token_at(source, at), at), 0)
end

local function skip(source, at) return source:find('[^ \t\r\n]', at) or #source + 1 end

-- The string whose opening quote is at `at`, and where it ends.
local function read_string(source, at, settings)
   local pieces, from = {}, at + 1
   while true do
      local stop = source:find('["\\%z\1-\31]', from)
      local mark = stop and source:sub(stop, stop)
      if not stop then error('Expected value but found unexpected end of string at character ' .. #source + 1, 0) end
      pieces[#pieces + 1] = source:sub(from, stop - 1)
      if mark == '"' then return table.concat(pieces), stop + 1 end
      if mark ~= '\\' then error('Expected value but found invalid token at character ' .. stop, 0) end
      local letter = source:sub(stop + 1, stop + 1)
      from = stop + 2
      if plain[letter] then
         pieces[#pieces + 1] = plain[letter]
      else
         local code = letter == 'u' and source:match('^%x%x%x%x', from)
         if not code then
            error(string.format('Expected value but found invalid %s at character %d', letter == 'u' and 'unicode escape code'
               or 'escape code', stop), 0)
         end
         code, from = tonumber(code, 16), from + 4
         if code >= 0xD800 and code < 0xDC00 then
            local low = tonumber(source:match('^\\u(%x%x%x%x)', from) or '0', 16)
            if low < 0xDC00 or low > 0xDFFF then
               error('Expected value but found invalid unicode escape code at character ' .. stop, 0)
            end
            code, from = 0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00, from + 6
         end
         pieces[#pieces + 1] = utf8(code)
      end
   end
end

-- Numbers that JSON does not have, the first that fits: 0x10 begins as 0 does.
local INVALID = {
   {'^-?0[xX]%x+', tonumber},
   {'^[+-]?0%d*%.?%d*', tonumber},
   {'^-?[iI][nN][fF][iI]?[nN]?[iI]?[tT]?[yY]?', function(word) return word:sub(1, 1) == '-' and -math.huge or math.huge end},
   {'^-?[nN][aA][nN]', function() return 0 / 0 end},
}

local function read_number(source, at, settings)
   local stop = select(2, source:find('^-?%d+%.?%d*[eE]?[+-]?%d*', at))
   local value = stop and tonumber(source:sub(at, stop))
   local leading_zero = source:find('^-?0%d', at)
   if value and not leading_zero and not source:find('^-?0[xX]', at) then return value, stop + 1 end
   if settings.decode_invalid then
      for _, form in ipairs(INVALID) do
         stop = select(2, source:find(form[1], at))
         if stop then return form[2](source:sub(at, stop)), stop + 1 end
      end
   end
   expected('value', source, at)
end

local read_value

local function read_list(source, at, settings, depth)
   local list, count = {}, 0
   at = skip(source, at + 1)
   if source:byte(at) == 93 then return list, at + 1 end -- ]
   while true do
      count = count + 1
      list[count], at = read_value(source, at, settings, depth)
      at = skip(source, at)
      local mark = source:byte(at)
      if mark == 93 then return list, at + 1 end
      if mark ~= 44 then expected('comma or array end', source, at) end
      at = skip(source, at + 1)
   end
end

local function read_object(source, at, settings, depth)
   local object, key = {}, nil
   at = skip(source, at + 1)
   if source:byte(at) == 125 then return object, at + 1 end -- }
   while true do
      if source:byte(at) ~= 34 then expected('object key string', source, at) end
      key, at = read_string(source, at, settings)
      at = skip(source, at)
      if source:byte(at) ~= 58 then expected('colon', source, at) end
      object[key], at = read_value(source, skip(source, at + 1), settings, depth)
      at = skip(source, at)
      local mark = source:byte(at)
      if mark == 125 then return object, at + 1 end
      if mark ~= 44 then expected('comma or object end', source, at) end
      at = skip(source, at + 1)
   end
end

read_value = function(source, at, settings, depth)
   local mark = source:byte(at)
   if mark == 34 then return read_string(source, at, settings) end
   if mark == 123 or mark == 91 then
      if depth >= settings.decode_depth then
         error(string.format('Found too many nested data structures (%d) at character %d', depth + 1, at), 0)
      end
      return (mark == 123 and read_object or read_list)(source, at, settings, depth + 1)
   end
   local word = source:match('^%l+', at)
   if word and words[word] ~= nil then return words[word], at + #word end
   if word == 'null' then return cjson.null, at + 4 end
   return read_number(source, at, settings)
end

local function decode(settings, source)
   if type(source) == 'number' then source = tostring(source) end
   if type(source) ~= 'string' then
      error("bad argument #1 to 'decode' (string expected, got " .. (source == nil and 'no value' or type(source)) .. ')', 3)
   end
   local value, at = read_value(source, skip(source, 1), settings, 0)
   at = skip(source, at)
   if at <= #source then expected('the end', source, at) end
   return value
end

---------------------------------------------------------------------------------------------------------------

-- Gives `codec` its functions, with settings of its own.
local function furnish(codec)
   local settings = cjson.settings()
   codec.null = cjson.null
   function codec.encode(value) return cjson.encode_with(settings, value) end
   function codec.decode(source) return decode(settings, source) end
   function codec.encode_sparse_array(convert, ratio, safe)
      if convert ~= nil then settings.convert = convert end
      settings.ratio, settings.safe = ratio or settings.ratio, safe or settings.safe
      return settings.convert, settings.ratio, settings.safe
   end
   for name, field in pairs{encode_max_depth = 'encode_depth', decode_max_depth = 'decode_depth',
      encode_number_precision = 'precision', encode_invalid_numbers = 'encode_invalid', decode_invalid_numbers = 'decode_invalid'} do
      codec[name] = function(value)
         if value ~= nil then settings[field] = value end
         return settings[field]
      end
   end
   function codec.encode_keep_buffer(keep) return keep == nil or keep end
   function codec.new() return furnish{} end
   return codec
end
furnish(cjson)

-- cjson.safe answers nil and the message.
cjson.safe = furnish{_NAME = 'cjson.safe', _VERSION = cjson._VERSION}
for _, name in ipairs{'encode', 'decode'} do
   local raising = cjson.safe[name]
   cjson.safe[name] = function(value)
      local ok, result = pcall(raising, value)
      if ok then return result end
      return nil, result
   end
end
