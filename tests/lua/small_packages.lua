-- cjson, bit32, nninit, optnet, tds, threads, torchx, csvigo: an example of each rule.
torch.setdefaulttensortype('torch.FloatTensor')

local function same(a, b, what)
   local _ = require 'moses'
   if not _.isEqual(a, b) then
      local cjson = require 'cjson'
      local function shown(x) return select(2, pcall(cjson.encode, x)) end
      error(what .. ': ' .. tostring(shown(a)) .. ' is not ' .. tostring(shown(b)), 2)
   end
end
local function refused(f, words, ...)
   local ok, message = pcall(f, ...)
   assert(not ok and tostring(message):find(words, 1, true), 'not refused with "' .. words .. '": ' .. tostring(message))
end

local cjson = require 'cjson'
same(cjson.encode{1, 2.5, 'a"/\n\1', true, cjson.null}, '[1,2.5,"a\\"\\/\\n\\u0001",true,null]', 'encode')
same(cjson.encode{}, '{}', 'an empty table')
same(cjson.encode{[1] = 1, [3] = 3}, '[1,null,3]', 'a hole')
same(cjson.encode{x = {1e15, 0.1, -3}}, '{"x":[1e+15,0.1,-3]}', 'numbers')
same(cjson.encode{[1.5] = 1}, '{"1.5":1}', 'a number as key')
refused(cjson.encode, 'must not be NaN or Inf', 0 / 0)
refused(cjson.encode, 'excessively sparse array', {[1] = 1, [100] = 1})
refused(cjson.encode, 'Cannot serialise function: type not supported', print)
refused(cjson.encode, 'table key must be a number or string', {[true] = 1})
local deep = {}
for _ = 1, 1001 do deep = {deep} end
refused(cjson.encode, 'excessive depth (1001)', deep)
same(cjson.decode ' { "a" : [ 1 , -2.5e3 , true , false , { } ] } ', {a = {1, -2500, true, false, {}}}, 'decode')
same(cjson.decode '"\\u00e9\\ud834\\udd1e\\t\\/"', '\195\169\240\157\132\158\t/', 'escapes')
assert(cjson.decode('[null]')[1] == cjson.null and type(cjson.null) == 'userdata' and cjson.null ~= nil)
same(cjson.decode '[0x10, -0x1F, 007, Infinity]', {16, -31, 7, math.huge}, 'numbers that JSON has not')
refused(cjson.decode, 'Expected value but found invalid token at character 2', '[x]')
refused(cjson.decode, 'Expected object key string but found T_NUMBER at character 2', '{1:2}')
refused(cjson.decode, 'Expected comma or array end but found T_END at character 3', '[1')
refused(cjson.decode, 'Expected the end but found T_COMMA at character 2', '1,2')
refused(cjson.decode, 'too many nested data structures', ('['):rep(1001))
same(select('#', require('cjson.safe').decode '[') , 2, 'cjson.safe')
local own = cjson.new()
own.encode_sparse_array(true)
own.encode_number_precision(3)
same(own.encode{[100] = math.pi}, '{"100":3.14}', 'settings')
refused(cjson.encode, 'sparse', {[100] = 1})

local util = require 'cjson.util'
same({util.is_array{}, util.is_array{1, nil, 3}, util.is_array{1, [9] = 2}, util.is_array{a = 1}, util.is_array{[0] = 1}},
   {0, 3, -1, -1, -1}, 'is_array')
same(util.serialise_value{1, 'a"\n', {}}, '{\n  1,\n  "a\\"\\\n",\n  {\n    \n  }\n}', 'serialise_value')
same(util.serialise_value({a = cjson.null}, false), '{ ["a"] = cjson.null }', 'in one line')
same(util.serialise_value(print), '"<function>"', 'a function')
local ring = {}
ring[1] = ring
assert(util.serialise_value(ring):find('too many nested tables', 1, true))
assert(util.compare_values({1, {a = 2}}, {1, {a = 2}}) and not util.compare_values({1}, {1, 2}))
refused(util.file_load, 'is not available to network files', '/nothing/here')

local bit32 = require 'bit32'
same({bit32.band(0xF0F0F0F0, 0xFF00FF00), bit32.bor(1, 2 ^ 31), bit32.bxor(), bit32.bnot(0), bit32.band()},
   {0xF000F000, 2 ^ 31 + 1, 0, 2 ^ 32 - 1, 2 ^ 32 - 1}, 'bit32')
same({bit32.lshift(1, 31), bit32.lshift(1, 32), bit32.lshift(8, -3), bit32.rshift(2 ^ 31, 31), bit32.arshift(2 ^ 31, 4),
   bit32.arshift(2 ^ 31, 40)}, {2 ^ 31, 0, 1, 1, 0xF8000000, 2 ^ 32 - 1}, 'shifts')
same({bit32.lrotate(0x80000001, 1), bit32.rrotate(1, 1), bit32.extract(0xABCD, 4, 8), bit32.replace(0, 0xFF, 28, 4)},
   {3, 2 ^ 31, 0xBC, 0xF0000000}, 'fields')
refused(bit32.extract, 'non-existent bits', 1, 30, 4)

local class = require 'class'
local Animal = class('Animal')
function Animal:__init(name) self.name = name end
function Animal:says() return (self.name or 'nobody') .. ' says ' .. self:sound() end
function Animal:sound() return 'nothing' end
local Dog, parent = class.new('Dog', 'Animal')
function Dog:__init(name, age) Animal.__init(self, name); self.age = age end
function Dog:sound() return 'wau' end
local Pup = class('Pup', 'Dog')
local rex = Dog('Rex', 3)
same({rex:says(), rex.age, Animal.new('Tom'):says(), class.type(rex), class.type(5), class.factory('Dog').name or 'empty'},
   {'Rex says wau', 3, 'Tom says nothing', 'Dog', 'number', 'empty'}, 'class')
same({Pup('Rex'):says(), class.type(Pup), class.type(nn.Linear(1, 1))}, {'nobody says wau', 'Pup', 'nn.Linear'}, 'its own __init')
assert(class.istype(Pup(), 'Animal') and not class.istype(Animal(), 'Dog') and class.istype('x', 'string') and not class.istype(rex, 'table'))
assert(parent == class.metatable('Animal') and Dog.sound == class.metatable('Dog').sound and rawget(Dog, 'sound') == nil)
assert(getmetatable(rex) == class.metatable('Dog') and class.metatable('Cat') == nil)
refused(class, 'class <Dog> already exists', 'Dog')
refused(class, 'parent class <Cat> does not exist', 'Lion', 'Cat')
refused(class.factory, 'unknown class <Lion>', 'Lion')
local hear = require 'argcheck' {{name = 'animal', type = 'Animal'}, call = function(animal) return animal:sound() end}
same({hear(Pup()), pcall(hear, {}) or 'refused'}, {'wau', 'refused'}, 'argcheck knows classes')

local nninit = require 'nninit'
torch.manualSeed(1)
local linear = nn.Linear(400, 100):init('weight', nninit.xavier, {dist = 'normal', gain = 'relu'}):init('bias', nninit.constant, 3)
assert(math.abs(linear.weight:std() - math.sqrt(2 * 2 / 500)) < 1e-3 and linear.bias:min() == 3)
local convolution = nn.SpatialConvolution(8, 4, 3, 3):init('weight', nninit.kaiming, {gain = {'lrelu', leakiness = 0.3}})
assert(math.abs(convolution.weight:std() - math.sqrt(2 / (1.09 * 72))) < 2e-2)
convolution:init('weight', nninit.eye)
assert(math.abs(convolution:forward(torch.ones(8, 5, 5)):mean() - 1 - convolution.bias:mean()) < 1e-5)
for _, module in ipairs{nn.Linear(6, 4), nn.Linear(4, 6)} do
   local w = module:init('weight', nninit.orthogonal, {gain = 2}).weight
   local product = w:size(1) < w:size(2) and w * w:t() or w:t() * w
   assert((product - torch.eye(4):typeAs(w) * 4):abs():max() < 1e-4)
end
assert(nn.Linear(10, 10):init('weight', nninit.sparse, 0.2).weight:eq(0):sum() == 80)
same(linear:init({'bias', {{1, 2}}}, nninit.addConstant, 1).bias:narrow(1, 1, 3):totable(), {4, 4, 3}, 'a part')
refused(linear.init, 'accessor', linear, 'none', nninit.constant, 1)
refused(nninit.xavier, "no gain 'selu'", linear, linear.weight, {gain = 'selu'})

local optnet = require 'optnet'
optnet.optimizeMemory(linear, torch.randn(2, 400))
assert(optnet.countUsedMemory(nn.Linear(4, 4)).params == 20 * 4)

local tds = require 'tds'
local hash = tds.Hash{x = 1, y = {2, 3}}
hash.z = 'z'
assert(hash.x == 1 and torch.type(hash.y) == 'tds.Hash' and hash.y[2] == 3 and hash:__len__() == 3)
local vec = tds.Vec(3, 1, 2)
vec:insert(4)
vec:insert(1, 5)
vec:sort()
same(vec:concat(' '), '1 2 3 4 5', 'tds.Vec')
assert(vec:remove(1) == 1 and vec:__len__() == 4)
vec:resize(2)
assert(vec:concat() == '23')
refused(function() hash.f = print end, 'not a function')

local threads = require 'threads'
local order = {}
local pool = threads.Threads(2, function(id) base = 10 * id end, function() base = base + 1 end)
for i = 1, 5 do
   pool:addjob(function(k)
      count = (count or 0) + 1
      return __threadid, base, count, k
   end, function(...) order[#order + 1] = {...} end, i)
end
assert(#order == 3 and base == nil and count == nil, 'callbacks come when threads are taken; globals are each thread\'s own')
pool:synchronize()
same(order, {{1, 11, 1, 1}, {2, 21, 1, 2}, {1, 11, 2, 3}, {2, 21, 2, 4}, {1, 11, 3, 5}}, 'jobs')
pool:addjob(function() error('in a job') end)
refused(pool.synchronize, 'in a job', pool)
pool:specific(true)
pool:addjob(2, function() return __threadid end, function(id) assert(id == 2) end)
pool:terminate()
-- Calls never overlap, so that a safe function is the function.
local calls = 0
local safe = threads.safe(function(a, ...) calls = calls + 1 return a, select('#', ...) end)
assert(select(2, safe('x', nil, nil)) == 2 and safe(7) == 7 and calls == 2)
refused(threads.safe(function() error('inside') end), 'inside')

require 'torchx'
same(torch.find(torch.Tensor{1, 2, 3, 1, 1, 2}, 1), {1, 4, 5}, 'find')
same(torch.find(torch.Tensor{{1, 2, 3, 4, 5}, {5, 6, 0.6, 0, 2}}, 2, 2), {{2}, {5}}, 'find by rows')
local groups = torch.group(torch.Tensor{5, 3, 4, 5, 3, 5})
assert(groups[3].idx:size(1) == 2 and groups[5].val:size(1) == 3 and groups[4].idx[1] == 3)
same(torch.md5.sumhexa('helloworld!'), '420e57b017066b44e05ea1577f6e2e12', 'md5')
same(require('md5').sumhexa 'helloworld!', '420e57b017066b44e05ea1577f6e2e12', 'the rock md5')
same(torch.md5.sumhexa(('a'):rep(120)), '5f61c0ccad4cac44c75ff505e1f1e537', 'md5 of two blocks')
local _, made = torch.remap({torch.ones(2), {torch.ones(3)}}, nil, function(x, y) y:resizeAs(x):copy(x) end)
assert(made[2][1]:size(1) == 3)
local a, b = torch.Tensor{{1, 2}}, torch.Tensor{{3, 4}}
same(torch.concat({a, b}):totable(), {{1, 2}, {3, 4}}, 'concat')
same(torch.concat({a, b}, 2):totable(), {{1, 2, 3, 4}}, 'concat by columns')
local result = torch.Tensor(7)
assert(torch.concat(result, {a, b}, 1) == result)
same(result:totable(), {{1, 2}, {3, 4}}, 'concat into a tensor')
local queue = torch.Queue()
for i = 1, 4 do queue:pushright(i) end
queue:pushleft(0)
same({queue:popleft(), queue:popright(), queue:popright(), queue:popleft(), queue:popleft(), queue:empty()}, {0, 4, 3, 1, 2, true}, 'Queue')
refused(queue.popleft, 'the queue is empty', queue)
refused(queue.popright, 'the queue is empty', queue)
queue:pushleft('again')
assert(queue:popright() == 'again' and queue:empty())
torch.manualSeed(4)
local alias, counts = torch.AliasMultinomial(torch.FloatTensor{0.1, 0.6, 0, 0.3}), torch.zeros(4)
local draws = alias:batchdraw(torch.LongTensor(40, 250))
for i = 1, 4 do counts[i] = draws:eq(i):sum() / 10000 end
for i, p in ipairs{0.1, 0.6, 0, 0.3} do assert(math.abs(counts[i] - p) < 0.02 and (p > 0 or counts[i] == 0), i .. ': ' .. counts[i]) end
for _ = 1, 50 do local one = alias:draw() assert(one == 1 or one == 2 or one == 4) end

-- totem tells a right gradient from a wrong one.
require 'totem'
torch.setdefaulttensortype('torch.DoubleTensor')
local function verdict(check, ...)
   local failures = 0
   local tester = {assert = function(_, ok) if not ok then failures = failures + 1 end end}
   function tester:assertle(a, b) self:assert(a <= b) end
   function tester:asserteq(a, b) self:assert(a == b) end
   function tester:eq(a, b, tolerance) self:assert(torch.isTensor(a) and (a - b):abs():max() <= tolerance) end
   totem.nn[check](tester, ...)
   return failures
end
local right, wrong = nn.Linear(3, 2), nn.Linear(3, 2)
function wrong:updateGradInput(input, gradOutput) return nn.Linear.updateGradInput(self, input, gradOutput):mul(2) end
assert(verdict('checkGradients', right, torch.randn(4, 3)) == 0 and verdict('checkGradients', wrong, torch.randn(4, 3)) == 1)
assert(verdict('checkMinibatch', right, torch.randn(4, 3)) == 0 and verdict('checkSerializable', right, torch.randn(3)) == 0)
assert(verdict('checkTypeCastable', right, torch.randn(3)) == 0 and verdict('checkTypePreservesSharing', right) == 0)
local report = totem.Tester()
report:add(totem.TestSuite())

-- Constructors take what Torch7's took: false for a number that is not given, text that is a number.
assert(nn.BatchNormalization(3, false).eps == 1e-5)
assert(nn.Linear('3', 2).weight:size(2) == 3)
assert(not pcall(nn.Linear, 'three', 2) and not pcall(nn.Linear, false, 2))
require 'argcheck.doc' [[a text]]

---------------------------------------------------------------------------------------------------------------
-- Penlight: lists, comparisons, strings, the lexer with patterns of one's own, tables of text.
do
   local pl = require('pl.import_into')()
   local List, tablex, stringx = pl.List, pl.tablex, pl.stringx
   assert(pl == require 'pl' and pl.import_into({}).List == List and require('pl.List') == List)
   local list = List{3, 1, 2}
   assert(tostring(list) == '{3,1,2}' and tostring(List{'a', true}) == '{"a",true}' and tostring(List()) == '{}')
   assert(tostring(list:sorted()) == '{1,2,3}' and tostring(list:sort('>')) == '{3,2,1}' and tostring(list:reverse()) == '{1,2,3}')
   assert(tostring(list:map('|x| x * 10')) == '{10,20,30}' and list:reduce('+') == 6 and tostring(list .. {4}) == '{1,2,3,4}')
   assert(tostring(List.range(2, 4):slice(-2)) == '{3,4}' and List.range(3) == list and List{1} ~= List{2})
   assert(tostring(list:clone():insert(2, 9):remove_value(3):put(0)) == '{0,1,9,2}' and list:index(2) == 2 and list:count(1) == 1)
   assert(tostring(list:clone():chop(1, 2)) == '{3}' and tostring(list:clone():slice_assign(1, 2, {7, 8, 9})) == '{7,8,9,3}')
   assert(select(2, list:minmax()) == 3 and list:clone():pop() == 3 and list:join('-') == '1-2-3' and #list:clone():clear() == 0)
   assert(tostring(list:partition('|x| x % 2')[1]) == '{1,3}' and tostring(list:map2('*', list)) == '{1,4,9}' and list:contains(3))
   local sum = 0
   for entry in list:iter() do sum = sum + entry end
   assert(sum == 6 and tostring(List(('abc'):gmatch('.'))) == '{"a","b","c"}' and tostring(List.split('a b')) == '{"a","b"}')

   assert(tablex.compare_no_order({1, 2, 2}, {2, 1, 2}) and not tablex.compare_no_order({1, 2, 2}, {2, 1, 1}))
   assert(tablex.compare({1, 2}, {1, 2}) and not tablex.compare({1, 2}, {2, 1}) and tablex.compare({1}, {2}, '<'))
   same({tablex.rfind({1, 2, 1}, 1), tablex.count_map{'a', 'a'}.a, #tablex.zip({1, 2}, {3, 4}), tablex.zip({1, 2}, {3, 4})[2][1]},
      {3, 2, 2, 2}, 'tablex')
   assert(tablex.difference({a = 1, b = 2}, {a = 1}).b == 2 and tablex.issubset({a = 1, b = 2}, {a = 0}) and tablex.keys({x = 1}):len() == 1)
   same({stringx.lfind('banana', 'an'), stringx.rfind('banana', 'an'), stringx.lfind('banana', 'x') or 'none'}, {2, 4, 'none'}, 'find')
   assert(stringx.title('two words') == 'Two Words' and stringx.center('a', 4, '.') == '.a..' and select(3, stringx.rpartition('a.b.c', '.')) == 'c')
   assert(tostring(stringx.split('a,b', ',')) == '{"a","b"}' and pl.stringio.open('one\ntwo'):read('*a') == 'one\ntwo')

   same({tablex.reduce('+', {1, 2, 3}), tablex.imap('_+1', {4, 9})[2], #tablex.filter({1, 2, 3}, '>', 1), tablex.map('|x| x*2', {a = 4}).a},
      {6, 10, 2, 8}, 'functions as text')
   local ordered = pl.OrderedMap()
   ordered:set('z', 1)
   ordered:set('a', 2)
   assert(tostring(ordered) == '{z=1,a=2}' and tostring(List('abc')) == '{"a","b","c"}')

   local found = {}
   local function word(token) return coroutine.yield('word', token) end
   local function blank(token) return coroutine.yield('blank', token) end
   for kind, token in pl.lexer.scan('to be, 2', {{'^%s+', blank}, {'^%w+', word}, {'^.', function(t) coroutine.yield('sign', t) end}}, {[blank] = true}) do
      found[#found + 1] = kind .. ':' .. token
   end
   same(found, {'word:to', 'word:be', 'sign:,', 'word:2'}, 'lexer')
   local kinds = {}
   for kind, value in pl.lexer.scan("x = 'a' + 1.5") do kinds[#kinds + 1] = kind .. ' ' .. value end
   same(kinds, {'iden x', '= =', 'string a', '+ +', 'number 1.5'}, 'plain lexer')

   local rows = pl.data.read(pl.stringio.open('Filename;Class Id\n a.ppm ;7\r\nb.ppm;8\n'))
   same({#rows, rows[1][1], rows[2][2], rows.fieldnames:index('Class_Id'), rows.original_fieldnames[2]}, {2, 'a.ppm', 8, 2, 'Class Id'}, 'data')
   assert(tostring(rows:column_by_name('Class_Id')) == '{7,8}')
   refused(function() return pl.seq.list end, "Penlight's seq is not here; of pl there are List, Map")
   refused(require, "module 'pl.seq' not found", 'pl.seq')
end

-- xlua's command line: words, `--name=value`, a flag of one's own in place of -h.
do
   local op = xlua.OptionParser('%prog [options]')
   op:option{'-t', '--threads', action = 'store', dest = 'threads', default = 8}
   op:option{'-h', '--height', action = 'store', dest = 'height', default = 480}
   op:option{'-s', '--source', action = 'store', dest = 'source', default = 'camera'}
   op:option{'-N', '--nogui', action = 'store_true', dest = 'nogui'}
   local options, rest = op:parse{'-h', '5', '--source=7', 'film.avi', '-N'}
   same({options.threads, options.height, options.source, options.nogui, #rest, rest[1]}, {8, 5, '7', true, 1, 'film.avi'}, 'options')
   local clock = xlua.Profiler()
   clock:start('step')
   assert(clock:lap('step') >= 0 and clock:lap('step') == 0 and clock:lap('none') == 0)
end

-- As LuaJIT: a NaN has no sign, wherever it becomes text.
do
   local nan = 0 / 0
   same({tostring(nan), tostring(-nan), 'x' .. nan, ('%.2f|%6.1f|%d'):format(nan, nan, 3), table.concat({nan, -1 / 0}, ' ')},
      {'nan', 'nan', 'xnan', 'nan|   nan|3', 'nan -inf'}, 'nan')
end

-- A class's own access, written into the table that torch.class answers, and into the global one.
do
   local Own = torch.class('OwnAccess')
   function Own:__init() self.kept = 1 end
   function Own:__index__(key) if key == 'made' then return 'MADE', true end return false end
   function Own:__newindex__(key) if key == 'fixed' then error('it is fixed') end return false end
   local own = OwnAccess()
   same({own.made, own.kept, own.other or 'none'}, {'MADE', 1, 'none'}, '__index__')
   refused(function() own.fixed = 2 end, 'it is fixed')
   own.free = 3
   torch.class('OwnChild', 'OwnAccess')
   same({own.free, OwnChild().made}, {3, 'MADE'}, '__newindex__ and a child')
end
