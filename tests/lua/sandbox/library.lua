-- What a Torch7 network file may expect of its Lua, beyond the manual of 5.1. Runs in a fenced machine.
assert(_VERSION == 'Lua 5.1')
-- LuaJIT's xpcall passes arguments, and the handler sees text.
local ok, a, b = xpcall(function(...) return ... end, print, 1, nil)
assert(ok and a == 1 and b == nil)
local ok, why = xpcall(function(x) error('no ' .. x) end, function(e) return 'handled ' .. e end, 'way')
assert(not ok and why:match('^handled net.lua:%d+: no way$'), why)
local ok, why = pcall(function() os.execute('ls') end)
assert(type(why) == 'string' and why:match('^net.lua:%d+: os.execute is not available'), tostring(why))
local ok, why = pcall(error, {code = 7})
assert(not ok and why.code == 7)
assert(select('#', pcall(function() return nil, nil end)) == 3)
assert(not pcall(pcall))
-- Coroutines yield through our resume and wrap.
local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) error('end ' .. b) end)
local _, first = coroutine.resume(co, 1)
assert(first == 2)
local ok, why = coroutine.resume(co, 5)
assert(not ok and why:find('end 5') and coroutine.status(co) == 'dead')
local n = 0
for v in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do n = n + v end
assert(n == 6)
-- Library of other years.
assert(unpack and table.unpack == unpack and table.getn({1, 2}) == 2 and math.pow(2, 10) == 1024)
assert(math.log10(1000) - 3 < 1e-12 and math.log(8, 2) == 3 and math.huge > 1 and math.mod(5, 3) == 2)
assert(string.gfind == string.gmatch and bit.band(6, 3) == 2)
assert(loadstring('return ...')(4) == 4 and load('return 5')() == 5)
local f, why = loadstring('x =', '=mine')
assert(f == nil and why:match('^mine:1: '), why)
local pieces = {'return ', '7'}
assert(load(function() return table.remove(pieces, 1) end)() == 7)
local env = {}
setfenv(loadstring('x = 1'), env)()
assert(env.x == 1 and x == nil and getfenv(1) == _G)
assert(('x'):rep(3, ',') == 'x,x,x' and ('x'):rep(0) == '' and ('x'):rep(-1) == '')
assert(string.format('%s|%5.2f|%d|%q|%%', nil, 1.5, 7, 'a') == 'nil| 1.50|7|"a"|%')
assert(string.format('%s', setmetatable({}, {__tostring = function() return 'T' end})) == 'T')
assert(not pcall(string.format, '%100d', 1))
-- LuaJIT was built with what Lua 5.2 added.
assert(string.format('%a|%9.1A|%s', 0.5, 10, 'x') == '0x1p-1| 0X1.4P+3|x' and not pcall(string.format, '%a', 'x'))
local asked = setmetatable({1, 2}, {
   __pairs = function(t) return function(_, k) if not k then return 'only', t end end, t, nil end,
   __ipairs = function(t) return function(_, i) if i < 3 then return i + 1, i end end, t, 0 end,
})
local key, value = pairs(asked)(asked)
assert(key == 'only' and value == asked)
for i, v in ipairs(asked) do n = n + i * v end
assert(n == 6 + 0 + 2 + 6 and #asked == 2 and rawlen(asked) == 2 and rawlen('abc') == 3)
for k, v in pairs(setmetatable({x = 1}, {__metatable = false, __pairs = function() return pairs{y = 2} end})) do
   assert(k == 'y' and v == 2)
end
local ok, why = pcall(function() for _ in pairs(nil) do end end)
assert(why:match("^net.lua:%d+: bad argument #1 to 'pairs' %(table expected, got nil%)$"), why)
assert(not pcall(rawlen, 5) and select('#', pairs{}) == 3 and select(3, ipairs{}) == 0 and pairs{} == next)
local packed = table.pack(1, nil, 3)
assert(packed.n == 3 and select('#', table.unpack(packed, 1, packed.n)) == 3)
local place = {y = 4}
assert(load('x = y return x', 'text', 't', place)() == 4 and place.x == 4 and load('return 1', 'text', 'bt')() == 1)
local f, why = load('return 1', 'text', 'b')
assert(f == nil and why == 'attempt to load chunk with wrong mode')
local text, why = load('goto nowhere', '=mine')
assert(text == nil and why == "mine:1: undefined label 'nowhere'", why)
assert(load('for i = 1, 3 do if i < 3 then goto continue end do return i end ::continue:: end')() == 3)
local rounds = 0
for i = 1, 10 do
   if i % 2 == 0 then goto continue end
   for j = 1, 10 do
      if j > i then goto continue elseif j == 8 then break end
      rounds = rounds + 1;;
   end
   ::continue::
end
assert(rounds == 1 + 3 + 5 + 7 + 7, rounds)
-- os tells the time and nothing else.
assert(type(os.time()) == 'number' and os.time{year = 2000, month = 1, day = 2, hour = 12} < os.time())
assert(os.getenv('HOME') == nil and os.date('!%Y', 0) == '1970' and os.difftime(3, 1) == 2 and os.clock() >= 0)
-- The collector.
assert(collectgarbage('count') > 0 and collectgarbage() == 0 and collectgarbage('setpause', 100) == 0)
assert(not pcall(collectgarbage, 'nonsense'))
-- debug has traceback, without our frames.
local trace = debug.traceback('message')
assert(trace:match('^message\nstack traceback:\n') and trace:find('net.lua:') and not trace:find('[digits]', 1, true), trace)
assert(arg and #arg == 0)
-- Modules of the base are answered by require, and package shows what is loaded.
assert(require 'string' == string and package.loaded.math == math)
