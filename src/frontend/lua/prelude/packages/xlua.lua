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
