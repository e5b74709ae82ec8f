-- pl.lapp: the command line from its own usage text.
--
-- A line declares `-s,--long (type or default) words`, `--long …`, `-s …` or `<name> …`; what is in the round brackets is
-- nothing (a flag), `default x`, a type, `type default x`, a range `1..10` or choices `a|b|c`.

local torch, nn, native, packages = ...
local pl = packages.pl
local lapp = {}
pl.lapp = lapp

local converters = {}

function lapp.quit(message, no_usage)
   if message and message ~= '' then print(message) end
   if not no_usage then print(lapp.usage) end
   if native.files.trusted() then os.exit(1) end
   error(message or 'lapp: the arguments do not fit', 0)
end

function lapp.error(message, no_usage)
   lapp.quit((arg and arg[0] or 'lapp') .. ': ' .. message, no_usage)
end

-- A new type: `convert` makes a value of a text, or names a type that exists; `check` refuses values.
function lapp.add_type(name, convert, check)
   converters[name] = {convert = convert, check = check}
end

local function unquoted(text)
   return text:match("^'(.*)'$") or text:match('^"(.*)"$')
end

-- What the brackets say: the default and the type.
local function of_default(text)
   local quoted = unquoted(text)
   if quoted then return quoted, 'string' end
   local number = tonumber(text)
   if number then return number, 'number' end
   if text == 'true' or text == 'false' then return text == 'true', 'boolean' end
   if text == 'stdin' then return io.stdin, 'file-in' end
   if text == 'stdout' then return io.stdout, 'file-out' end
   return text, 'string'
end

local function declared(line)
   local rest = line:match('^%s*(.-)%s*$')
   local entry = {}
   local short, long, behind = rest:match('^%-([%w%?])%s*,%s*%-%-([%w][%w_%-]*)(.*)$')
   if not short then long, behind = rest:match('^%-%-([%w][%w_%-]*)(.*)$') end
   if not short and not long then short, behind = rest:match('^%-([%w%?])(.*)$') end
   local name = not short and not long and rest:match('^<([%w_%-]+)')
   if name then
      entry.is_positional, behind = true, rest:match('^<[^>]*>(.*)$') or ''
      entry.is_many = rest:find('^<[%w_%-]+%.%.%.>') ~= nil
   end
   if not (short or long or name) then return nil end
   if behind:find('^%.%.%.') then entry.is_many = true end
   entry.short, entry.name = short, ((long or name or short):gsub('%W', '_'))
   entry.shown = long and '--' .. long or short and '-' .. short or '<' .. name .. '>'
   local inside = behind:match('^%s*%((.-)%)') or behind:match('^%s*%.%.%.%s*%((.-)%)')
   if inside and inside:find('%.%.%.%s*$') then
      entry.is_many, inside = true, inside:gsub('%.%.%.%s*$', '')
   end
   if not inside then
      entry.kind = entry.is_positional and 'string' or 'boolean'
      if entry.kind == 'boolean' then entry.default = false end
      return entry
   end
   if inside:find('^optional%s') then entry.is_optional, inside = true, inside:gsub('^optional%s+', '') end
   local kind, default = inside:match('^(.-)%s*default%s+(.*)$')
   if default then
      entry.default, entry.kind = of_default((default:match('^(.-)%s*$')))
      if kind ~= '' then entry.kind = kind end
   else
      entry.kind = inside
   end
   local low, high = entry.kind:match('^([%d%.%-]-)%.%.([%d%.%-]+)$')
   if low then
      entry.low, entry.high, entry.kind = tonumber(low), tonumber(high), 'number'
   elseif entry.kind:find('|', 1, true) then
      entry.choices, entry.kind = {}, 'string'
      for choice in inside:gsub('%s*default.*$', ''):gmatch('[^|%s]+') do entry.choices[choice] = true end
   end
   if entry.kind == 'number' and type(entry.default) == 'string' then entry.default = tonumber(entry.default) end
   if entry.kind == 'string' and type(entry.default) ~= 'string' and entry.default ~= nil then
      entry.default = tostring(entry.default)
   end
   return entry
end

local function converted(entry, text)
   local own = converters[entry.kind]
   local value = text
   if own then
      if type(own.convert) == 'function' then
         value = own.convert(text)
      elseif own.convert == 'number' then
         value = tonumber(text)
      end
   elseif entry.kind == 'number' or entry.kind == 'int' or entry.kind == 'integer' then
      value = tonumber(text)
      if not value then lapp.error('unable to convert to number: ' .. text) end
      if entry.kind ~= 'number' and value ~= math.floor(value) then lapp.error(entry.name .. ': not an integer: ' .. text) end
      if entry.low and (value < entry.low or value > entry.high) then
         lapp.error(entry.name .. ' out of range ' .. entry.low .. '..' .. entry.high)
      end
   elseif entry.kind == 'boolean' then
      value = text == 'true' or text == true
   elseif entry.kind == 'file-in' or entry.kind == 'file-out' then
      local file, why = io.open(text, entry.kind == 'file-in' and 'r' or 'w')
      if not file then lapp.error(tostring(why)) end
      value = file
   elseif entry.choices and not entry.choices[text] then
      lapp.error("value '" .. text .. "' is not one of the choices of " .. entry.shown)
   end
   if own and own.check then own.check(value) end
   return value
end

-- The values of `given` (the global `arg` by itself) by their long names.
function lapp.process_options_string(usage, given)
   given = given or arg or {}
   lapp.usage = usage
   local named, positional, results = {}, {}, {}
   for line in usage:gmatch('[^\n]+') do
      local entry = declared(line)
      if entry then
         if entry.is_positional then positional[#positional + 1] = entry else named[entry.name] = entry end
         if entry.short then named[entry.short] = entry end
      end
   end
   local function put(entry, value)
      if not entry.is_many then
         results[entry.name] = value
      else
         local list = results[entry.name] or {}
         list[#list + 1], results[entry.name] = value, list
      end
      entry.is_given = true
   end
   local function flag(entry) put(entry, not entry.default) end
   local i, place, ended = 1, 1, false
   local function following(entry, text)
      if text == nil or text == '' then
         i = i + 1
         text = given[i]
      end
      if text == nil then lapp.error('no value for ' .. entry.shown) end
      put(entry, converted(entry, tostring(text)))
   end
   while given[i] ~= nil do
      local text = tostring(given[i])
      local long, value = text:match('^%-%-([%w][%w_%-]*)=?(.*)$')
      local short = not long and text:match('^%-([%a%?])')
      if text == '--' and not ended then
         ended = true
      elseif long and not ended then
         local entry = named[long:gsub('%W', '_')] or lapp.error('unknown option --' .. long)
         if entry.kind == 'boolean' and not text:find('=', 1, true) then
            flag(entry)
         else
            following(entry, text:find('=', 1, true) and value or nil)
         end
      elseif short and not ended then
         local rest = text:sub(2)
         while rest ~= '' do
            local letter = rest:sub(1, 1)
            local entry = named[letter] or lapp.error('unknown option -' .. letter)
            rest = rest:sub(2)
            if entry.kind == 'boolean' then
               flag(entry)
            else
               following(entry, (rest:gsub('^=', '')))
               rest = ''
            end
         end
      else
         local entry = positional[place]
         if not entry then
            results[#results + 1] = text
         else
            put(entry, converted(entry, text))
            if not entry.is_many then place = place + 1 end
         end
      end
      i = i + 1
   end
   if results.help == true then lapp.quit('') end
   local function complete(entry)
      if entry.is_given then return end
      if entry.default ~= nil then
         results[entry.name] = entry.is_many and {entry.default} or entry.default
      elseif not entry.is_optional then
         lapp.error('missing required parameter: ' .. entry.name)
      end
   end
   for _, entry in pairs(named) do complete(entry) end
   for _, entry in ipairs(positional) do complete(entry) end
   return results
end

setmetatable(lapp, {__call = function(_, usage, given) return lapp.process_options_string(usage, given) end})
