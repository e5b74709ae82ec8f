-- torch.CmdLine: options and arguments of a script, as Torch7's training scripts declare them.

local torch, nn, native = ...
local fenced_write = native.write -- puts text on the output, for files that have no `io`; nil for the others

local CmdLine = torch.class('torch.CmdLine')

local function write(text)
   if fenced_write then fenced_write(text) else io.write(text) end
end

-- `-lr` and `--lr` fill the field `lr`.
local function field(key) return (key:gsub('^%-*', '')) end

function CmdLine:__init(argseparator, keyseparator)
   self.argseparator = argseparator or ','
   self.keyseparator = keyseparator or '='
   self.options, self.arguments, self.helplines = {}, {}, {}
   self.silentio = false
end

function CmdLine:silent() self.silentio = true end

-- Every line of the log starts with the time.
function CmdLine:addTime(name, format)
   format = format or '%Y-%m-%d %H:%M:%S'
   if type(format) ~= 'string' then error('Argument has to be string') end
   self.dateformat = format .. (name ~= nil and '[' .. name .. ']: ' or '')
end

function CmdLine:text(text)
   text = text or ''
   assert(type(text) == 'string')
   table.insert(self.helplines, text)
end

function CmdLine:argument(key, help, wanted)
   local argument = {key = key, help = help, type = wanted}
   table.insert(self.arguments, argument)
   table.insert(self.helplines, argument)
end

function CmdLine:option(key, default, help, wanted)
   if default == nil then error('option ' .. key .. ' has no default value') end
   wanted = wanted or type(default)
   if type(default) ~= wanted then error('option ' .. key .. ' has wrong default type value') end
   self.options[key] = {key = key, default = default, help = help, type = wanted}
   table.insert(self.helplines, self.options[key])
end

function CmdLine:default()
   local params = {}
   for key, option in pairs(self.options) do params[field(key)] = option.default end
   return params
end

-- Says what is wrong, how it is meant, and ends the program; a fenced file cannot end it and raises.
function CmdLine:error(message)
   if fenced_write then error(message, 0) end
   print('')
   io.stderr:write(message)
   print('')
   self:help()
   os.exit(1)
end

function CmdLine:__readArgument__(params, arg, i, n)
   local argument, value = self.arguments[n], arg[i]
   if not argument then self:error('invalid argument: ' .. value) end
   if argument.type and type(value) ~= argument.type then
      self:error('invalid argument type for argument ' .. argument.key .. ' (should be ' .. argument.type .. ')')
   end
   params[field(argument.key)] = value
   return 1
end

-- A boolean option is a switch: naming it turns its default round.
function CmdLine:__readOption__(params, arg, i)
   local key = arg[i]
   local option = self.options[key]
   if not option then self:error('unknown option ' .. key) end
   if option.type == 'boolean' then
      params[field(key)] = not option.default
      return 1
   end
   local value = arg[i + 1]
   if not value then self:error('missing argument for option ' .. key) end
   if option.type == 'number' then
      value = tonumber(value)
      if not value then self:error('invalid type for option ' .. key .. ' (should be number)') end
   elseif option.type and option.type ~= 'string' then
      self:error('unknown required option type ' .. option.type)
   end
   params[field(key)] = value
   return 2
end

function CmdLine:parse(arg)
   local params, i, given = self:default(), 1, 0
   while i <= #arg do
      local word = arg[i]
      if word == '-help' or word == '-h' or word == '--help' then
         self:help(arg)
         os.exit(0)
      end
      if self.options[word] then
         i = i + self:__readOption__(params, arg, i)
      else
         given = given + 1
         i = i + self:__readArgument__(params, arg, i, given)
      end
   end
   if given ~= #self.arguments then self:error('not enough arguments') end
   return params
end

-- A folder's name from what differs from the defaults: `prefix,argument=value,option=value`.
function CmdLine:string(prefix, params, ignore)
   local position = {}
   for i, argument in ipairs(self.arguments) do position[field(argument.key)] = i end
   local arguments, options = {}, {}
   for name, value in pairs(params) do
      local option = self.options['-' .. name]
      if ignore[name] then
         print('-- ignore option ' .. name)
      elseif option then
         if value ~= option.default or ignore[name] == false then
            local word = value
            if type(value) == 'boolean' then word = value and 't' or 'f' end
            options[#options + 1] = name .. self.keyseparator .. word
            print(name, word, option.default)
         end
      elseif position[name] then
         arguments[position[name]] = name .. self.keyseparator .. value
      else
         print('WARNING: unknown option/argument: ' .. name .. ' IGNORING for DIRECTORY NAME')
      end
   end
   table.sort(options)
   local parts = {}
   for _, part in ipairs{table.concat(arguments, self.argseparator), table.concat(options, self.argseparator)} do
      if part ~= '' then parts[#parts + 1] = part end
   end
   local text = table.concat(parts, self.argseparator)
   prefix = prefix or ''
   return text == '' and prefix or prefix .. self.argseparator .. text
end

-- From now on `print` also writes to the file.
local plain_print
function CmdLine:log(file, params)
   local log = io.type(file) == 'file' and file or assert(io.open(file, 'w'))
   plain_print = plain_print or print
   function print(...)
      if not self.silentio then plain_print(...) end
      local words = {self.dateformat and os.date(self.dateformat)}
      for i = 1, select('#', ...) do words[#words + 1] = tostring((select(i, ...))) end
      words[#words + 1] = '\n'
      log:write(table.concat(words, ' '))
      log:flush()
   end
   print('[program started on ' .. os.date() .. ']')
   print('[command line arguments]')
   for name, value in pairs(params or {}) do print(name, value) end
   print('[----------------------]')
end

function CmdLine:help(arg)
   write('Usage: ' .. (arg and arg[0] and arg[0] .. ' ' or '') .. '[options]')
   for _, argument in ipairs(self.arguments) do write(' <' .. field(argument.key) .. '>') end
   write('\n')
   local function shown(line)
      return line.default ~= nil and line.key or '<' .. field(line.key) .. '>'
   end
   local width = 0
   for _, line in ipairs(self.helplines) do
      if type(line) == 'table' then width = math.max(width, #shown(line)) end
   end
   for _, line in ipairs(self.helplines) do
      if type(line) == 'string' then
         write(line .. '\n')
      else
         write('  ' .. shown(line) .. string.rep(' ', width - #shown(line)))
         if line.help then write(' ' .. line.help) end
         if line.default ~= nil then write(' [' .. tostring(line.default) .. ']') end
         write('\n')
      end
   end
end
