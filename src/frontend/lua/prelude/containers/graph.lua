-- graph.Node, graph.Edge, graph.Graph: directed graphs and their walks (spec section 6).
--
-- A graph is a list of nodes and a list of edges. Both lists also map each entry to its position.

local torch, nn, native, packages = ...
local graph = packages.graph

local function enlist(list, entry)
   if not list[entry] then
      list[#list + 1] = entry
      list[entry] = #list
   end
   return list[entry]
end

local Node = torch.class('graph.Node', graph)

function Node:__init(data)
   self.data = data
   self.id = 0
   self.children = {}
   self.visited = false
   self.marked = false
end

function Node:add(child)
   if torch.typename(child) then
      enlist(self.children, child)
   else
      for _, one in ipairs(child) do self:add(one) end
   end
end

function Node:label()
   return tostring(self.data)
end

-- Nodes that can be reached, nearest first; f sees each once.
function Node:bfs(f)
   local queue = {}
   enlist(queue, self)
   local i = 1
   while queue[i] do
      f(queue[i])
      for _, child in ipairs(queue[i].children) do enlist(queue, child) end
      i = i + 1
   end
end

-- Nodes that can be reached, each after its children.
function Node:dfs(f)
   local seen = {}
   local function visit(node)
      seen[node] = true
      for _, child in ipairs(node.children) do
         if not seen[child] then visit(child) end
      end
      f(node)
   end
   visit(self)
end

function Node:hasCycle()
   local state = {}
   local function visit(node)
      state[node] = 'open'
      for _, child in ipairs(node.children) do
         if state[child] == 'open' or (not state[child] and visit(child)) then return true end
      end
      state[node] = 'closed'
      return false
   end
   return visit(self)
end

function Node:graph()
   local whole = graph.Graph()
   self:bfs(function(node)
      for _, child in ipairs(node.children) do whole:add(graph.Edge(node, child)) end
   end)
   return whole
end

local Edge = torch.class('graph.Edge', graph)

function Edge:__init(from, to)
   self.from = from
   self.to = to
end

local Graph = torch.class('graph.Graph', graph)

function Graph:__init()
   self.nodes = {}
   self.edges = {}
end

function Graph:add(edge)
   if type(edge) ~= 'table' then error('graph.Edge or {graph.Edges} expected', 2) end
   if not torch.typename(edge) then
      for _, one in ipairs(edge) do self:add(one) end
      return
   end
   enlist(self.edges, edge)
   edge.from.id = enlist(self.nodes, edge.from)
   edge.to.id = enlist(self.nodes, edge.to)
   edge.from:add(edge.to)
end

-- New nodes on the same data, with every edge as `direct` says.
local function rebuilt(self, direct)
   local copies, result = {}, graph.Graph()
   for _, edge in ipairs(self.edges) do
      for _, node in ipairs{edge.from, edge.to} do
         copies[node] = copies[node] or node.new(node.data)
      end
      result:add(edge.new(direct(copies[edge.from], copies[edge.to])))
   end
   return result, copies
end

function Graph:clone()
   return (rebuilt(self, function(from, to) return from, to end))
end

function Graph:reverse()
   return rebuilt(self, function(from, to) return to, from end)
end

local function ends(self, near, far)
   local inner, found = {}, {}
   for _, edge in ipairs(self.edges) do inner[edge[far]] = true end
   for _, node in ipairs(self.nodes) do
      if not inner[node] then found[#found + 1] = node end
   end
   return found
end

function Graph:roots() return ends(self, 'from', 'to') end
function Graph:leaves() return ends(self, 'to', 'from') end

function Graph:hasCycle()
   local roots = self:roots()
   if #roots == 0 then return true end
   for _, root in ipairs(roots) do
      if root:hasCycle() then return true end
   end
   return false
end

-- Every node after all that lead to it: depth first from the ends, against the edges, in the edges' order.
function Graph:topsort()
   local before, sorted, state, order = {}, {}, {}, {}
   for _, edge in ipairs(self.edges) do
      enlist(order, edge.to)
      enlist(order, edge.from)
      before[edge.to] = before[edge.to] or {}
      enlist(before[edge.to], edge.from)
   end
   local function visit(node)
      state[node] = 'open'
      for _, earlier in ipairs(before[node] or {}) do
         if state[earlier] == 'open' then error('Graph has cycles', 0) end
         if not state[earlier] then visit(earlier) end
      end
      state[node] = 'closed'
      sorted[#sorted + 1] = node
   end
   local last = self:leaves()
   table.sort(last, function(a, b) return order[a] < order[b] end)
   for _, node in ipairs(last) do visit(node) end
   if #sorted ~= #self.nodes then error('Graph has cycles', 2) end
   return sorted
end
