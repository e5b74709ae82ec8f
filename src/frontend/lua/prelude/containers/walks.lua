-- How an nn.gModule is laid out for its walks (gmodule.lua): which nodes take what from which, in flat lists by their positions.

local native = select(3, ...)

-- A graph laid out for its walks, by the graph: lists by the nodes' positions, so that a walk need not look through the nodes'
-- own tables, which lie all over the memory. The nodes have all they have in Torch7, written where it changes. Nothing in
-- here holds a node or a module, which may hold the graph: a key that its value holds is never let go.
--   lists: the graph's own two lists of nodes
--   datas, takes: of the forward order, the data of each node and what it takes: a position, or a list of these
--   entries, parts: the entry of a table that a node selects, and into how many its output is split; false where none
--   values: what each node answered in the last walk; absent while one is under way, so that one within another has its own
--   back: the backward order, see lay_out_backward
--   quiet: the method of each module that adds up no gradients; false of the others
local walks = setmetatable({}, {__mode = 'k'})
local function weak(mode) return setmetatable({}, {__mode = mode}) end

local function lay_out(graph)
   local walk = {connections = native.connections, lists = weak('v'), datas = weak('v'), takes = {}, quiet = weak('k'),
      entries = {}, parts = {}}
   walk.lists.forward, walk.lists.backward = graph.forwardnodes, graph.backwardnodes
   local position = {}
   for i, node in ipairs(graph.forwardnodes) do
      walk.datas[i], position[node.data] = node.data, i
   end
   for i, data in ipairs(walk.datas) do
      local from = {}
      for k, source in ipairs(data.mapindex) do from[k] = position[source] or 0 end
      walk.takes[i] = #from == 1 and from[1] or from
      walk.entries[i], walk.parts[i] = data.selectindex or false, data.nSplitOutputs or false
   end
   walks[graph] = walk
   return walk
end

local function walk_of(graph)
   local walk = walks[graph]
   local stands = walk and walk.connections == native.connections and walk.lists.forward == graph.forwardnodes
      and walk.lists.backward == graph.backwardnodes and #walk.takes == #graph.forwardnodes
   return stands and walk or lay_out(graph)
end

-- A sum's gradient is gradOutput once for each entry. In Torch7 each is a copy; where nobody can tell, a walk passes the one
-- tensor on: the sum's gradient is a tensor of the graph's own, all who take it read it alone, and no module writes its
-- gradInput where another does. Of each node false, or at which positions methods must be what they are: `gradient` and
-- `learning`, for `summed` to be the node whose users' gradients are summed first.
local function lay_out_passing(back)
   local treats, from = {}, {}
   for i, data in ipairs(back.datas) do
      local module = data.module
      treats[i] = module and not back.entries[i] and native.treats_gradient(module) or false
      if treats[i] == 'keeps' then table.insert(back.keeping, i) end
      back.learning[i] = treats[i] == 'keeps' and module.accGradParameters
      local sends = back.sends[i]
      for _, to in ipairs(type(sends) == 'table' and sends or {sends}) do from[to] = i end
   end
   for i, data in ipairs(back.datas) do
      local sends, involved = back.sends[i], {i}
      local passes = treats[i] == 'repeats' and type(sends) == 'table' and #sends > 1
      for _, to in ipairs(passes and sends or {}) do
         passes = passes and treats[to] == 'keeps'
         table.insert(involved, to)
      end
      -- Who made the gradient.
      local source = i
      while passes and back.slots[source] == 1 do
         source = from[source]
         passes = treats[source] == 'keeps' or treats[source] == 'looks'
         table.insert(involved, source)
         if treats[source] == 'keeps' then break end
      end
      if passes then
         passes = {at = involved, gradient = {}, learning = {}, summed = back.slots[source] > 1 and source}
         for k, at in ipairs(involved) do
            local module = back.datas[at].module
            passes.gradient[k], passes.learning[k] = module.updateGradInput, module.accGradParameters
         end
      end
      back.passes[i] = passes
   end
end

-- Whether the sum at `i` has passed `gradient` on.
local function passed_on(back, i, module, gradient)
   local passes, datas = back.passes[i], back.datas
   if module.inplace or (passes.summed and not datas[passes.summed].gradOutputBuffer) then return false end
   for k, at in ipairs(passes.at) do
      local involved = datas[at].module
      if not involved or involved.updateGradInput ~= passes.gradient[k] or involved.accGradParameters ~= passes.learning[k] then
         return false
      end
   end
   return native.repeat_gradient(module.gradInput, datas[i].input, gradient)
end

-- The backward order of a graph, laid out.
--   datas: the data of each node
--   sends: where its gradient goes: a position, or a list of these
--   slots: how many parts the gradient of each node's output has
--   split: the positions of nodes whose output is split
--   entries: the entry that a node selects; false where none
--   keeping: the positions of modules that keep their gradients
--   learning: the method of each by which it learns, which is native; false of all others
--   passes: see lay_out_passing
local function lay_out_backward(walk)
   local back = {datas = weak('v'), sends = {}, slots = {}, split = {}, entries = {}, keeping = {}, learning = {},
      passes = {}}
   local position, split = {}, {}
   for i, node in ipairs(walk.lists.backward) do
      back.datas[i], position[node.data], back.slots[i] = node.data, i, 0
      back.entries[i] = node.data.selectindex or false
   end
   for i, node in ipairs(walk.lists.backward) do
      local sends = {}
      for k, source in ipairs(node.children) do
         local to = position[source.data]
         sends[k] = to
         if not node.data.selectindex then
            back.slots[to] = back.slots[to] + 1
         elseif not split[to] then
            split[to], back.slots[to] = true, back.slots[to] + 1
            table.insert(back.split, to)
         end
      end
      back.sends[i] = #sends == 1 and sends[1] or sends
   end
   lay_out_passing(back)
   walk.back = back
   return back
end

native.walks = {
   -- The layout of a graph as it is now.
   of = walk_of,
   -- Its backward order.
   backward = function(walk) return walk.back or lay_out_backward(walk) end,
   forget = function(graph) walks[graph] = nil end,
   passed_on = passed_on,
}
