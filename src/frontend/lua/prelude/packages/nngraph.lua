-- nngraph: from here on a module called with nodes makes a node, and modules and nodes can be chained with `-`.

local torch, nn, native, packages = ...
local nngraph = packages.nngraph
require 'graph'

local Module, Criterion = torch.getmetatable('nn.Module'), torch.getmetatable('nn.Criterion')

function Module:__call__(...)
   assert(select('#', ...) <= 1, 'Use {input1, input2} to pass multiple inputs.')
   local inputs = ...
   if select('#', ...) == 1 then
      if type(inputs) == 'table' and next(inputs) == nil then
         error('cannot pass an empty table of inputs. To indicate no incoming connections, '
            .. 'leave the second set of parens blank.', 2)
      end
      if type(inputs) ~= 'table' or torch.typename(inputs) then inputs = {inputs} end
      if inputs[1] == nil and next(inputs) == nil then nngraph.expect_node(nil, 'inputs', 1) end
   else
      inputs = {}
   end
   local node = nngraph.Node({module = self})
   for i = 1, table.maxn(inputs) do
      node:add(nngraph.expect_node(inputs[i], 'inputs', i), true)
   end
   return node
end

function Criterion:__call__(...)
   return nn.ModuleFromCriterion(self)(...)
end

function Module:__unm__()
   return self()
end

local function chain(before, after)
   return after(before)
end
Module.__sub__ = chain
torch.getmetatable('nngraph.Node').__sub__ = chain

---------------------------------------------------------------------------------------------------------------

-- A loss inside a network: {prediction, target} -> one number; the target gets a gradient of zeros.
local FromCriterion, parent = torch.class('nn.ModuleFromCriterion', 'nn.Module')

function FromCriterion:__init(criterion)
   native.expect('nn.ModuleFromCriterion', '(criterion)', 'criterion', 'criterion', criterion)
   parent.__init(self)
   self.criterion = criterion
   self.output = torch.Tensor(1)
   self.gradInput = {torch.Tensor(), torch.Tensor()}
end

function FromCriterion:updateOutput(input)
   self.output:resize(1)
   self.output[1] = self.criterion:updateOutput(input[1], input[2])
   return self.output
end

local function scaled(gradient, factor)
   if native.is_tensor(gradient) then return gradient:clone():mul(factor) end
   local copy = {}
   for key, entry in pairs(gradient) do copy[key] = scaled(entry, factor) end
   return copy
end

function FromCriterion:updateGradInput(input, gradOutput)
   local gradient = self.criterion:updateGradInput(input[1], input[2])
   self.gradInput = {scaled(gradient, gradOutput[1]), scaled(input[2], 0)}
   return self.gradInput
end

---------------------------------------------------------------------------------------------------------------

-- A node for a table of nodes, however deep.
local function nested(what)
   if torch.typename(what) == 'nngraph.Node' then return what end
   if type(what) ~= 'table' or #what == 0 then
      error('what is this in the nest input? ' .. tostring(what), 3)
   end
   if #what == 1 then return nngraph.JustTable()(nested(what[1])) end
   local nodes = {}
   for i, entry in ipairs(what) do nodes[i] = nested(entry) end
   return nn.Identity()(nodes)
end

function nngraph.nest(...)
   assert(select('#', ...) <= 1, 'Use {input1, input2} to pass multiple inputs.')
   assert(... ~= nil, 'Pass an input.')
   return nested(...)
end

-- Torch drew the graph with the failing node in red; here the error page names the module and its line.
function nngraph.setDebug() end

-- Names nodes after the caller's local variables, where a script may look at those.
function nngraph.annotateNodes(level)
   if not native.files.trusted() then return end
   local i = 1
   while true do
      local name, value = debug.getlocal((level or 1) + 1, i)
      if not name then return end
      if torch.typename(value) == 'nngraph.Node' and not value.data.annotations.name then
         value:annotate({name = name})
      end
      i = i + 1
   end
end

nngraph.simple_print = {todot = function(g, title) return g:todot(title) end, dot = packages.graph.dot}
function nngraph.display(net) packages.graph.dot(net.fg) end
