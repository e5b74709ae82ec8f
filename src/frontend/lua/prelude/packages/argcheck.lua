-- argcheck: functions that check their arguments by rules, in order or by name: argcheck{{name=, type=, default=, …}, …, call = f}.

local torch, nn, native, packages = ...
local argcheck = packages.argcheck

local env = {}
argcheck.env = env
env.type = torch.type

-- Whether a value is of a type: a Lua type, a Torch class or one of its children, `torch.*Tensor`, `torch.*Storage`; `*` is any.
function env.istype(value, wanted)
   local kind = torch.type(value)
   if wanted == nil or wanted == '*' or kind == wanted then return true end
   if wanted == 'torch.*Tensor' or wanted == 'torch.*Storage' then
      return kind:match('^torch%.%a+' .. wanted:match('%a+$') .. '$') ~= nil
   end
   return torch.typename(value) ~= nil and torch.isTypeOf(value, wanted)
end

function env.isnamed(value)
   return type(value) == 'table' and getmetatable(value) == nil
end

-- What each checker does with its arguments without raising: matches(count, arguments) -> values or nil, the rules that matched.
local checkers = setmetatable({}, {__mode = 'k'})

local function is_optional(rule)
   return rule.opt or rule.default ~= nil or rule.defaulta ~= nil or rule.defaultf ~= nil
end

local function fits(rule, value)
   return env.istype(value, rule.type) and (not rule.check or rule.check(value))
end

-- Puts defaults where nothing was given.
local function completed(rules, values)
   for i, rule in ipairs(rules) do
      if values[i] == nil then
         if rule.defaultf then
            values[i] = rule.defaultf()
         else
            values[i] = rule.default
         end
      end
   end
   for i, rule in ipairs(rules) do
      if values[i] == nil and rule.defaulta then
         for k, other in ipairs(rules) do
            if other.name == rule.defaulta then values[i] = values[k] end
         end
      end
   end
   return values
end

-- The arguments from `at` on for the rules from `i` on; an optional one may be left out anywhere.
local function in_order(rules, count, arguments, i, at, values)
   local rule = rules[i]
   if not rule then return at > count and values or nil end
   if at <= count and (arguments[at] ~= nil and fits(rule, arguments[at]) or arguments[at] == nil and is_optional(rule)) then
      values[i] = arguments[at]
      local found = in_order(rules, count, arguments, i + 1, at + 1, values)
      if found then return found end
      values[i] = nil
   end
   return is_optional(rule) and in_order(rules, count, arguments, i + 1, at, values) or nil
end

local function by_name(rules, count, arguments)
   local first = rules[1] and rules[1].name == 'self' and 2 or 1
   local named = arguments[first]
   if count ~= first or not env.isnamed(named) or first == 2 and not fits(rules[1], arguments[1]) then return nil end
   local values, taken = {first == 2 and arguments[1] or nil}, 0
   for i = first, #rules do
      local value = named[rules[i].name]
      if value ~= nil then
         if not fits(rules[i], value) then return nil end
         values[i], taken = value, taken + 1
      elseif not is_optional(rules[i]) then
         return nil
      end
   end
   -- A key that no rule names is another table's.
   for _ in pairs(named) do taken = taken - 1 end
   return taken == 0 and values or nil
end

local function usage(rules)
   local lines = {}
   for i, rule in ipairs(rules) do
      local more = rule.default ~= nil and ' [=' .. tostring(rule.default) .. ']' or is_optional(rule) and ' [optional]' or ''
      lines[i] = string.format('   %s = %s%s%s', rule.name or '?', rule.type or '*', more, rule.help and ' -- ' .. rule.help or '')
   end
   return '({\n' .. table.concat(lines, ',\n') .. '\n})'
end

local function given(count, arguments)
   local kinds = {}
   for i = 1, count do kinds[i] = torch.type(arguments[i]) end
   return table.concat(kinds, ', ')
end

local function check(rules)
   if type(rules) ~= 'table' then error('argcheck takes a table of rules, not a ' .. type(rules), 2) end
   for i, rule in ipairs(rules) do
      if type(rule) ~= 'table' or type(rule.name) ~= 'string' then error('argcheck: rule ' .. i .. ' has no name', 2) end
   end
   local before = rules.overload
   if before and not checkers[before] then error('argcheck: overload is a function that argcheck has made', 2) end

   local function matches(count, arguments)
      local values = not rules.nonamed and by_name(rules, count, arguments)
         or not rules.noordered and in_order(rules, count, arguments, 1, 1, {})
      if values then return completed(rules, values), rules end
      if before then return checkers[before].matches(count, arguments) end
   end
   local function all_usage()
      return (before and checkers[before].usage() .. '\nor\n' or '') .. usage(rules)
   end
   local function checker(...)
      local count, arguments = select('#', ...), {...}
      local values, matched = matches(count, arguments)
      if not values then
         local message = 'invalid arguments!\nArguments:\n' .. all_usage() .. '\nGot: ' .. given(count, arguments)
         if rules.quiet then return false, message end
         error(message, 2)
      end
      if matched.pack then
         local packed = {}
         for i, rule in ipairs(matched) do packed[rule.name] = values[i] end
         values, matched = {packed}, {call = matched.call, quiet = matched.quiet, {name = 'packed'}}
      end
      if matched.call then return matched.call(unpack(values, 1, #matched)) end
      if matched.quiet then return true, unpack(values, 1, #matched) end
      return unpack(values, 1, #matched)
   end
   checkers[checker] = {matches = matches, usage = all_usage}
   return checker
end

setmetatable(argcheck, {__call = function(_, rules) return check(rules) end})
