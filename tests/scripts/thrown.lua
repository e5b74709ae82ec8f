-- Objects as errors through files: a table that a file throws is the table that pcall gives. Run in a folder of its own.
local function write(name, text)
   local file = io.open(name, 'w')
   file:write(text)
   file:close()
end
write('thrower.lua', 'error{code = 3}')
write('module.lua', 'return {go = function() error({code = 4}) end, length = function(x) return #x end}')
package.path = './?.lua;' .. package.path
for _, run in ipairs{function() dofile 'thrower.lua' end, function() require 'thrower' end, function() pcall(print) dofile 'thrower.lua' end} do
   local ok, e = pcall(run)
   assert(not ok and type(e) == 'table' and e.code == 3, tostring(e))
end
local module = require 'module'
local ok, e = pcall(module.go)
assert(not ok and e.code == 4)
-- `#` in every text that a script loads.
local net = nn.Sequential():add(nn.Identity())
write('length.lua', '#!/usr/bin/env th\nreturn #...')
assert(module.length(net) == 1 and loadfile('length.lua')(net) == 1 and loadstring('return #...')(net) == 1)
assert(torch.deserialize(torch.serialize(module.length))(net) == 1)
-- A file by its exact name, once; what a script preloads comes before our packages.
os.execute 'mkdir -p models'
write('models/net.lua', 'count = (count or 0) + 1 return {count = count}')
assert(require('models/net.lua').count == 1 and require('models/net.lua').count == 1)
package.preload.loadcaffe = function() return {own = true} end
assert(require('loadcaffe').own)
write('broken.lua', '\n\nx = = 1')
local ok, why = pcall(require, 'broken')
assert(not ok and why:find('broken.lua:3: ', 1, true), why)
assert(debug.getregistry()[torch.class('Registered')] == 'Registered')
print 'thrown ok'
