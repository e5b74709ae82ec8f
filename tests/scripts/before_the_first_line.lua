-- What Torch7's `th` had before a script's first line: nothing here is required. Run in a folder that holds `parts/`, which
-- tests/it/scripts.rs makes.

assert(paths.dirp 'parts' and sys.clock() > 0 and xlua.formatTime(61) == '1m1s')
assert(path.join('a','b') == 'a/b' and path.splitext('x/y.t7') == 'x/y' and path.extension('a.b/c') == '')
assert(stringx.lstrip('  a') == 'a')
assert(('a,b,,c'):split(',')[3] == '' and #(',a,b,'):split(',') == 2, #(',a,b,'):split(','))
assert('%d' % {3} == '3' and '%s-%s' % {'a', {}} ~= nil and '%5.2f' % 3.14159 == ' 3.14' and '$x!' % {x=4} == '4!')
assert(#table.splice({1,2,3}, 1, 2) == 1 and #table.prune({1,1,2}) == 2)
assert(require('trepl').colorize.red('x') == 'x')
local opt = lapp[[
Train a network.
   -s,--save          (default "logs")      folder
   -b,--batchSize     (default 128)   batch
   -r,--learningRate  (default 0.05)  rate
   --momentum         (default 0.9)   m
   -n,--network       (default none)
   -f,--full                          use it all
   -t,--threads       (default 4)     n
   --type (float|double default float) type
   --range (1..10 default 3)
   --optional-name (optional string) x
   --no-cuda
   --flag (default true)
   <files...> (default x)
]]
assert(opt.save == 'logs' and opt.batchSize == 128 and opt.network == 'none' and opt.full == false and opt.type == 'float', opt.type)
assert(opt.no_cuda == false and opt.range == 3 and opt.files[1] == 'x' and opt.optional_name == nil and opt.flag == true)
opt = lapp.process_options_string(lapp.usage, {'-b', '3', '-r0.5', '--save=q', '-f', '--type', 'double', '--no-cuda', '--flag', 'one', 'two', '--range', '7'})
assert(opt.batchSize == 3 and opt.learningRate == 0.5 and opt.save == 'q' and opt.full and opt.type == 'double' and opt.no_cuda)
assert(#opt.files == 2 and opt.files[2] == 'two' and opt.range == 7 and opt.flag == false)
local o = lapp.process_options_string('  <name> (string) the file\n -v verbose\n -o (number)\n <n> (default 5)\n', {'x', '-v', '-o', '3'})
assert(o.name == 'x' and o.v == true and o.o == 3 and o.n == 5)
class.Animal()
function Animal:_init(name) self.name = name end
function Animal:say() return self.name end
class.Dog(Animal)
function Dog:_init(name, n) self:super(name) self.n = n end
class.Puppy(Dog)
local Other = class(Puppy)
function Other:_init(x) self:super(x, 2) self.x = x end
local p = Other('rex')
assert(p.name == 'rex' and p.n == 2 and p:say() == 'rex' and p:is_a(Animal) and p:is_a(Other) and Dog:class_of(p) and not Dog:class_of(Animal('a')))
local om = OrderedMap() om:set('b', 1) om:set('a', 2) om.c = 3
assert(table.concat(om:keys(), '') == 'bac' and om.a == 2)
local s = Set{1,2,3} * Set{2,3,4}
assert(tostring(s) == '[2,3]' and Set{1} < Set{1,2} and Set{1} == Set{1} and Set.len(Set{1,2} + Set{3}) == 3)
assert(Map{a=1}:len() == 1)
assert(dir.fnmatch('a.lua', '*.lua') and not dir.fnmatch('alua', '*.lua'))
assert(tablex.reduce(function(a,b) return a+b end, {1,2,3}) == 6)

-- Files beside the one that asks.
assert(include 'parts/outer.lua' == 'inner' and dofile 'parts/outer.lua' == 'inner')
assert(require './parts/inner' == 'inner' and require 'parts.inner' == 'inner')
assert(require './parts'.name == 'a folder')
assert(torch.packageLuaPath 'parts.inner' == './parts' and torch.include('parts.inner', 'outer.lua') == 'inner')
assert(not pcall(require, './parts/nothing'))

-- Files and folders.
local lfs = require 'lfs'
local facts = lfs.attributes 'parts/inner.lua'
assert(facts.mode == 'file' and facts.size == #file.read 'parts/inner.lua' and lfs.attributes('parts', 'mode') == 'directory')
assert(lfs.attributes 'nothing' == nil)
local names = {}
for name in lfs.dir 'parts' do names[name] = true end
assert(names['inner.lua'] and names['..'])
assert(lfs.mkdir 'new' and not lfs.mkdir 'new' and lfs.rmdir 'new' and not path.exists 'new')
assert(#dir.getfiles('parts', '*.lua') == 3 and path.basename(dir.getfiles('parts', 'inn*')[1]) == 'inner.lua')
assert(file.write('new.txt', 'a\nb\n') and utils.readlines('new.txt')[2] == 'b')
local here = lfs.currentdir()
assert(lfs.chdir 'parts' and path.isfile 'inner.lua' and lfs.chdir(here))

-- What pulls cutorch in makes it global.
require 'cunn'
assert(cutorch)
print 'as in th'
