-- nn.utils: what modules written in Lua do to tensors and to tables of tensors; nn.tables: connection tables.

local torch, nn, native = ...

nn.utils = {}
nn.tables = {}

local function refuse(a, b)
   error(string.format('expecting nested tensors or tables. Got %s and %s instead', torch.type(a), torch.type(b)), 3)
end

-- Converts tensors in place of their fields; tensors that shared memory share it afterwards (one cache a call).
function nn.utils.recursiveType(value, typename, cache)
   cache = native.cache_of(cache)
   if native.is_tensor(value) then
      return native.convert(value, typename, cache)
   elseif torch.isTypeOf(value, 'nn.Module') or torch.isTypeOf(value, 'nn.Criterion') then
      value:type(typename, cache)
   elseif torch.type(value) == 'table' then
      for key, entry in pairs(value) do value[key] = nn.utils.recursiveType(entry, typename, cache) end
   end
   return value
end

-- Applies `leaf(a, b)` to the tensors of b and what a has in their places; a becomes like b.
local function zip(a, b, leaf, prune)
   if torch.type(b) == 'table' then
      a = torch.type(a) == 'table' and a or {a}
      for key in pairs(b) do a[key] = zip(a[key], b[key], leaf, prune) end
      if prune then
         for key in pairs(a) do
            if b[key] == nil then a[key] = nil end
         end
      end
      return a
   elseif native.is_tensor(b) then
      return leaf(a, b)
   end
   refuse(a, b)
end

local function shaped(a, b)
   a = native.is_tensor(a) and a or b.new()
   return a:resize(b:size())
end

function nn.utils.recursiveResizeAs(a, b)
   return zip(a, b, shaped, true), b
end

function nn.utils.recursiveCopy(a, b)
   return zip(a, b, function(x, y) return shaped(x, y):copy(y) end), b
end

-- a + factor·b, in a.
function nn.utils.recursiveAdd(a, factor, b)
   if b == nil then factor, b = 1, factor end
   assert(b ~= nil, 'expecting at least two arguments')
   factor = factor or 1
   return zip(a, b, function(x, y)
      if not native.is_tensor(x) then refuse(x, y) end
      return x:add(factor, y)
   end), b
end

function nn.utils.recursiveFill(value, number)
   if torch.type(value) == 'table' then
      for _, entry in pairs(value) do nn.utils.recursiveFill(entry, number) end
   elseif native.is_tensor(value) then
      value:fill(number)
   else
      error(string.format('expecting tensor or table thereof. Got %s instead', torch.type(value)), 2)
   end
   return value
end

-- A view of t with a dim of size 1 at position dim: addSingletonDimension([view,] t [, dim]).
function nn.utils.addSingletonDimension(...)
   local view, t, dim
   if select('#', ...) < 3 then
      t, dim = ...
   else
      view, t, dim = ...
      assert(native.is_tensor(view), 'output tensor expected, got ' .. torch.type(view))
   end
   assert(native.is_tensor(t), 'input tensor expected')
   dim = dim or 1
   assert(dim > 0 and dim <= t:dim() + 1,
      string.format('invalid dimension: %s. Tensor is of %d dimensions.', tostring(dim), t:dim()))
   local sizes, strides = t:size():totable(), t:stride():totable()
   table.insert(sizes, dim, 1)
   table.insert(strides, dim, 1)
   view = view or t.new()
   view:set(t:storage(), t:storageOffset(), torch.LongStorage(sizes), torch.LongStorage(strides))
   return view
end

function nn.utils.contiguousView(output, input, ...)
   output = output or input.new()
   if input:isContiguous() then
      output:view(input, ...)
   else
      output:resize(input:size()):copy(input)
      output:view(output, ...)
   end
   return output
end

local function clear(self, name)
   local value = self[name]
   if native.is_tensor(value) then
      value:set()
   elseif type(value) == 'table' then
      self[name] = {}
   elseif value then
      self[name] = nil
   end
end

-- Empties fields: clear(self, 'a', 'b') or clear(self, {'a', 'b'}).
function nn.utils.clear(self, ...)
   local names = ...
   names = type(names) == 'table' and names or {...}
   for _, name in ipairs(names) do clear(self, name) end
   return self
end

---------------------------------------------------------------------------------------------------------------
-- Connection tables: rows of (input plane, output plane).

function nn.tables.full(nin, nout)
   local rows = torch.Tensor(nin * nout, 2)
   for k = 1, nin * nout do
      rows[k][1] = (k - 1) % nin + 1
      rows[k][2] = math.floor((k - 1) / nin) + 1
   end
   return rows
end

function nn.tables.oneToOne(nfeat)
   local rows = torch.Tensor(nfeat, 2)
   for k = 1, nfeat do rows[k]:fill(k) end
   return rows
end

-- Each output sees nto inputs; over the whole table every input is used about equally often.
function nn.tables.random(nin, nout, nto)
   local rows, waiting = torch.Tensor(nto * nout, 2), {}
   local function draw(taken)
      for _ = 1, 2 do
         for i = 1, #waiting do
            if not taken[waiting[i]] then return table.remove(waiting, i) end
         end
         local order = torch.randperm(nin)
         for i = 1, nin do waiting[#waiting + 1] = order[i] end
      end
   end
   assert(nto <= nin, 'an output cannot see more inputs than there are')
   for out = 1, nout do
      local taken = {}
      for k = 1, nto do
         local row, from = rows[(out - 1) * nto + k], draw(taken)
         taken[from] = true
         row[1], row[2] = from, out
      end
   end
   return rows
end
