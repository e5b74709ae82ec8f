-- xlua: what scripts use of it. Progress bars stay away: a log is no terminal.

local torch, nn, native, packages = ...
local xlua = packages.xlua

function xlua.progress() end
xlua.print = print
function xlua.log() end
function xlua.clearall() collectgarbage() end

function xlua.require(name)
   local ok, package = pcall(require, name)
   return ok and (package or true) or nil
end

function xlua.error(message, name)
   error((name and '<' .. name .. '> ' or '') .. message, 2)
end

function xlua.usage(name, purpose, example, ...)
   local lines = {'+++ ' .. name, purpose}
   for _, argument in ipairs{...} do
      if type(argument) == 'table' then
         lines[#lines + 1] = string.format('  %s %s', tostring(argument.arg or argument.tag or ''), argument.help or '')
      end
   end
   return table.concat(lines, '\n')
end

-- Named arguments: `xlua.unpack({...}, name, purpose, {arg = 'lr', type = 'number', default = 0.1, req = true}, ...)`
-- gives the table of arguments, then their values in order.
local function read(given, name, declared)
   local values, ordered, named = {}, {}, #given == 1 and type(given[1]) == 'table' and not torch.typename(given[1])
   for i, argument in ipairs(declared) do
      local value
      if named then value = given[1][argument.arg] else value = given[i] end
      if value == nil then value = argument.default end
      if value == nil and argument.defaulta then value = values[argument.defaulta] end
      if value == nil and argument.req then
         error(string.format('<%s> missing argument: %s', name, argument.arg), 4)
      end
      values[argument.arg], ordered[i] = value, value
   end
   return values, ordered
end

function xlua.unpack(given, name, purpose, ...)
   local declared = {...}
   local values, ordered = read(given, name, declared)
   return values, unpack(ordered, 1, #declared)
end

function xlua.unpack_class(object, given, name, purpose, ...)
   for key, value in pairs((read(given, name, {...}))) do object[key] = value end
end

-- Defaults that the environment may override: `learningRate=0.01 th train.lua`.
function xlua.envparams(defaults)
   local result = {}
   for key, value in pairs(defaults) do
      local word = os.getenv(key)
      if word == nil then
         result[key] = value
      elseif type(value) == 'number' then
         result[key] = tonumber(word)
      elseif type(value) == 'boolean' then
         result[key] = word == 'true'
      else
         result[key] = word
      end
   end
   return result
end

function xlua.formatTime(seconds)
   local days, rest = math.floor(seconds / 86400), seconds % 86400
   local hours, minutes = math.floor(rest / 3600), math.floor(rest % 3600 / 60)
   local text = ''
   if days > 0 then text = days .. 'D' end
   if hours > 0 then text = text .. hours .. 'h' end
   if minutes > 0 then text = text .. minutes .. 'm' end
   rest = rest % 60
   if rest >= 1 or text == '' then
      text = text .. (seconds < 1 and math.floor(seconds * 1000) .. 'ms' or math.floor(rest) .. 's')
   end
   return text
end

---------------------------------------------------------------------------------------------------------------
-- A command line, option by option: op:option{'-r', '--rate', action = 'store', dest = 'rate', default = 0.1, help = ''}.
-- Actions: store, store_true, store_false. What is declared with a number is read as one.

local OptionParser = torch.class('xlua.OptionParser', xlua)

function OptionParser:__init(usage)
   self.usage = usage or '%prog [options]'
   self.option_descriptions, self.option_of = {}, {}
   self:option{'-h', '--help', action = 'help', dest = 'help', help = 'show this help message and exit'}
end

function OptionParser:option(declared)
   declared.action = declared.action or 'store'
   for _, flag in ipairs(declared) do
      self.option_of[flag] = declared
      declared.dest = declared.dest or flag:match('^%-%-(.+)$')
   end
   for i, other in ipairs(self.option_descriptions) do
      -- `-h` for a height takes the place of help's.
      if self.option_of[other[1]] ~= other and self.option_of[other[2] or other[1]] ~= other then
         table.remove(self.option_descriptions, i)
         break
      end
   end
   table.insert(self.option_descriptions, declared)
end

function OptionParser:fail(why)
   io.stderr:write(why .. '\n')
   self:help()
   os.exit(1)
end

-- The options by `dest`, and the words that belong to none.
function OptionParser:parse(words)
   words = words or arg
   local options, rest, i = {}, {}, 1
   for _, declared in ipairs(self.option_descriptions) do
      if declared.default ~= nil then options[declared.dest] = declared.default end
   end
   while i <= #words do
      local word = words[i]
      local flag, value = word:match('^(%-%-[^=]+)=(.*)$')
      local declared = self.option_of[flag or word]
      if not declared then
         if word:find('^%-') and not tonumber(word) and word ~= '-' then self:fail('unknown option: ' .. word) end
         rest[#rest + 1] = word
      elseif declared.action == 'help' then
         self:help()
         os.exit(0)
      elseif declared.action == 'store' then
         if not flag then
            i = i + 1
            value = words[i]
         end
         if value == nil then self:fail('option ' .. word .. ' wants a value') end
         options[declared.dest] = type(declared.default) == 'number' and tonumber(value) or value
      else
         options[declared.dest] = declared.action == 'store_true'
      end
      i = i + 1
   end
   for _, declared in ipairs(self.option_descriptions) do
      if declared.req and options[declared.dest] == nil then self:fail('missing option: ' .. table.concat(declared, ' or ')) end
   end
   self.options, self.args = options, rest
   return options, rest
end

function OptionParser:help()
   print('Usage: ' .. self.usage:gsub('%%prog', (arg[0] or 'th'):match('[^/]*$')))
   print('\nOptions:')
   for _, declared in ipairs(self.option_descriptions) do
      local flags = table.concat(declared, ', ') .. (declared.action == 'store' and ' ' .. declared.dest:upper() or '')
      local default = declared.default ~= nil and ' [default = ' .. tostring(declared.default) .. ']' or ''
      print(string.format('  %-30s %s%s', flags, declared.help or '', default))
   end
end
OptionParser.print_help = OptionParser.help

-- The options as they were read.
function OptionParser:summarize(compact)
   local names = {}
   for name in pairs(self.options) do names[#names + 1] = name end
   table.sort(names)
   for _, name in ipairs(names) do
      print(compact and name .. '=' .. tostring(self.options[name]) or string.format('  + %-20s %s', name, tostring(self.options[name])))
   end
end

---------------------------------------------------------------------------------------------------------------
-- Named stopwatches: p:start('step'), p:lap('step'), p:printAll().

local Profiler = torch.class('xlua.Profiler', xlua)

function Profiler:__init(off)
   self.off, self.events, self.list = off, {}, {}
end

-- `kind` 'fps' shows how often a second, anything else milliseconds.
function Profiler:start(name, kind)
   if self.off then return end
   local event = self.events[name]
   if not event then
      event = {name = name, total = 0, count = 0, last = 0}
      self.events[name] = event
      table.insert(self.list, event)
   end
   event.kind, event.begun = kind or event.kind, native.seconds()
end

-- Seconds since the event's start, which ends it.
function Profiler:lap(name)
   local event = self.events[name]
   if self.off or not event or not event.begun then return 0 end
   event.last = native.seconds() - event.begun
   event.total, event.count, event.begun = event.total + event.last, event.count + 1, nil
   return event.last
end

function Profiler:reset(name)
   for _, event in ipairs(self.list) do
      if not name or event.name == name then event.total, event.count = 0, 0 end
   end
end

function Profiler:cpu(name)
   local event = self.events[name]
   return event and {real = event.last, average = event.total / math.max(event.count, 1)} or {real = 0, average = 0}
end

local function shown(event)
   local average = event.total / math.max(event.count, 1)
   if event.kind == 'fps' then return string.format('%-30s %.2f fps', event.name, 1 / average) end
   return string.format('%-30s %.3f ms', event.name, average * 1000)
end

function Profiler:print(name)
   if self.events[name] then print(shown(self.events[name])) end
end

function Profiler:printAll()
   for _, event in ipairs(self.list) do print(shown(event)) end
end
Profiler.displayAll = Profiler.printAll -- there is no window to paint in
