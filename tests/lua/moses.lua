-- moses: an example of each kind of function.
local _ = require 'moses'

local function same(a, b, what)
   assert(_.isEqual(a, b), what .. ': ' .. table.concat(_.map(_.flatten{a}, function(_, v) return tostring(v) end), ' '))
end

same(_.map({1, 2, 3}, function(i, v) return i * v end), {1, 4, 9}, 'map')
same(_.map({a = 1}, function(k, v) return k .. k, v * 2 end), {aa = 2}, 'map of pairs')
same(_.select({1, 2, 3, 4}, function(_, v) return v % 2 == 0 end), {2, 4}, 'select')
same(_.reduce({1, 2, 3, 4}, function(a, b) return a - b end), -8, 'reduce')
same(_.reduceRight({1, 2, 4, 16}, function(a, b) return a / b end, 256), 2, 'reduceRight')
same(_.groupBy({1, 2, 3}, function(_, v) return v % 2 == 0 and 'even' or 'odd' end), {odd = {1, 3}, even = {2}}, 'groupBy')
same(_.size{1, 2, x = 3}, 3, 'size')
same(_.slice({1, 2, 3, 4}, 2, 3), {2, 3}, 'slice')
same(_.first({1, 2, 3}, 2), {1, 2}, 'first')
same(_.last({1, 2, 3}, 2), {2, 3}, 'last')
same(_.reverse{1, 2, 3}, {3, 2, 1}, 'reverse')
same(_.range(3), {0, 1, 2, 3}, 'range')
same(_.range(1, 2, 0.5), {1, 1.5, 2}, 'range with a step')
same(_.flatten{1, {2, {3}}}, {1, 2, 3}, 'flatten')
same(_.union({1, 2}, {2, 3}), {1, 2, 3}, 'union')
same(_.zip({1, 2}, {'a', 'b'}), {{1, 'a'}, {2, 'b'}}, 'zip')
same(_.compact{1, false, 2}, {1, 2}, 'compact')
same(_.pull({1, 2, 1, 3}, 1), {2, 3}, 'pull')
same({_.unshift{1, 2, 3}}, {3}, 'unshift')
same(_.compose(function(x) return x ^ 2 end, function(x) return x + 1 end)(4), 25, 'compose')
same(_.partial(function(a, b) return a - b end, '_', 5)(20), 15, 'partial')
same(_.curry(function(x, y) return x * y end)(5)(4), 20, 'curry')
same(_.pick({a = 1, b = 2}, 'a'), {a = 1}, 'pick')
same(_.chain{1, 2, 3}:map(function(_, v) return v + 1 end):max():value(), 4, 'chain')
same(_({3, 1, 2}):sort():value(), {1, 2, 3}, 'a chain by call')
local pieces = {}
for piece in _.partition({1, 2, 3}, 2, 0) do pieces[#pieces + 1] = piece end
same(pieces, {{1, 2}, {3, 0}}, 'partition')
local count = 0
for _ in _.permutation{1, 2, 3} do count = count + 1 end
same(count, 6, 'permutation')
assert(_.isFinite(1) and not _.isFinite(1 / 0) and _.isNaN(0 / 0) and _.isArray{1} and not _.isArray{x = 1})
assert(_.contains == _.include and _.import({}).map == _.map)
