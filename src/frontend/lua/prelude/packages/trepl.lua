-- trepl: colours of a terminal, which are off here (a log is none), and the few functions that `th` made global.

local torch, nn, native, packages = ...
local trepl = packages.trepl

local names = {
   'none', 'black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white', 'Black', 'Red', 'Green', 'Yellow', 'Blue',
   'Magenta', 'Cyan', 'White', '_black', '_red', '_green', '_yellow', '_blue', '_magenta', '_cyan', '_white',
}
trepl.colors, trepl.colorize = {}, {}
for _, name in ipairs(names) do
   trepl.colors[name] = ''
   -- A script may set the codes: `require 'trepl.colors'.red = '\27[31m'`.
   trepl.colorize[name] = function(text) return trepl.colors[name] .. text .. trepl.colors.none end
end

function trepl.noColors()
   for name in pairs(trepl.colors) do trepl.colors[name] = '' end
end

-- The functions of a package as globals, those that are taken only if `forced`.
function trepl.import(name, forced)
   local package, globals = require(name), native.globals()
   if type(package) ~= 'table' then return end
   for key, value in pairs(package) do
      if forced or rawget(globals, key) == nil then globals[key] = value end
   end
end

-- What the script has made global since the start.
function trepl.who()
   local names = {}
   for name in pairs(native.globals()) do
      if not native.at_start[name] then names[#names + 1] = tostring(name) end
   end
   table.sort(names)
   print('== User Variables ==')
   for _, name in ipairs(names) do
      local value = native.globals()[name]
      print('[' .. name .. '] = ' .. (type(value) == 'table' and torch.type(value) or tostring(value)))
   end
   print('==')
end

-- Tables are shown to one depth here.
function trepl.setprintlevel(depth)
   if type(depth) ~= 'number' or depth < 0 then error('expected number [0,+)', 2) end
end
trepl.print_new, trepl.print_old = print, print
