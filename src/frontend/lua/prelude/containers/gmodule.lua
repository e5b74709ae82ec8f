-- Graphs of modules: nn.gModule (spec section 6).
--
-- The classes exist from the start, so that saved networks load; building nodes by `nn.Linear(3, 4)(node)` begins
-- with `require 'nngraph'` (packages/nngraph.lua). Training runs the Rust module that a gModule is lowered to; the
-- loops below serve `net:forward(x)` and `net:backward(x, g)` called from Lua.

local torch, nn, native, packages = ...
local nngraph = packages.nngraph
local walks = native.walks

-- What stands where a node should: usually a module whose second pair of brackets was forgotten.
function nngraph.expect_node(value, list, index)
   if torch.typename(value) == 'nngraph.Node' then return value end
   if value == nil then
      error(string.format('%s[%d] is nil (typo / bad index?)', list, index), 3)
   elseif torch.isTypeOf(value, 'nn.Module') then
      error(string.format('%s[%d] is an nn.Module, specifically a %s, but the only valid thing to pass is an instance of '
         .. 'nngraph.Node. Did you forget a second set of parens, which convert a nn.Module to a nngraph.Node?',
         list, index, torch.typename(value)), 3)
   end
   error(string.format('%s[%d] should be an nngraph.Node but is of type %s', list, index, torch.type(value)), 3)
end

local gModule, container = torch.class('nn.gModule', 'nn.Container')

function gModule:__init(inputs, outputs)
   container.__init(self)
   native.expect('nn.gModule', '({input nodes}, {output nodes})', 'inputs', 'table', inputs, 'outputs', 'table', outputs)
   for i = 1, table.maxn(outputs) do nngraph.expect_node(outputs[i], 'outputs', i) end
   for i = 1, table.maxn(inputs) do nngraph.expect_node(inputs[i], 'inputs', i) end
   assert(#inputs > 0, 'nn.gModule needs an input node: #1 (inputs) is an empty table, or its first entry is nil')

   -- One node before all inputs and one behind all outputs close the graph.
   local outnode, innode = nngraph.Node({input = {}}), nngraph.Node({input = {}})
   for _, output in ipairs(outputs) do outnode:add(output, true) end
   if #inputs == 1 then
      inputs[1]:add(innode, true)
   else
      for _, input in ipairs(inputs) do
         assert(#input.children == 0, 'an input should have no inputs')
      end
      for i, part in ipairs{innode:split(#inputs)} do inputs[i]:add(part, true) end
   end

   -- bg leads from the output to the inputs, as gradients flow; fg is its mirror image on the same data.
   self.bg = outnode:graph()
   self.fg = self.bg:reverse()
   for _, root in ipairs(self.fg:roots()) do
      if root.data == innode.data then
         self.innode = root
      else
         local kind = root.data.module and torch.typename(root.data.module)
         assert(kind == 'nnop.Parameters', 'expecting only one start, found a node without an input at '
            .. tostring(root.data.annotations._debugLabel))
      end
   end
   assert(self.innode, 'expecting only one start')
   self.outnode = outnode
   self.verbose = false
   self.nInputs = #inputs
   self.forwardnodes = self.fg:topsort()
   self.backwardnodes = self.bg:topsort()

   local inside = {}
   for _, node in ipairs(self.forwardnodes) do inside[node.data] = true end
   for _, node in ipairs(self.forwardnodes) do
      local data = node.data
      if data.nSplitOutputs and data.nSplitOutputs ~= #node.children then
         error(string.format('%s of split(%s) outputs from the node declared at %s are unused',
            data.nSplitOutputs - #node.children, data.nSplitOutputs, data.annotations._debugLabel), 2)
      end
      for user in pairs(data.reverseMap) do
         if not inside[user.data] then
            error(string.format('node declared on %s does not connect to gmodule output',
               user.data.annotations._debugLabel), 2)
         end
      end
      data.forwardNodeId = node.id
      if data.module then self:add(data.module) end
   end
   self.output = #outnode.children > 1 and outnode.data.input or nil
   self.gradInput = nil
end

-- The graph as numbers, for lowering: for every node in forward order its module's place in `modules` (or 0), the
-- entry it selects (or 0), how many entries its output must have (or 0), then the nodes it takes; 0 is the input.
function gModule:wiring()
   local position, steps, used = {}, {}, 0
   for i, node in ipairs(self.forwardnodes) do position[node.data] = i end
   local place = {}
   for i, module in ipairs(self.modules) do place[module] = place[module] or i end
   for i, node in ipairs(self.forwardnodes) do
      local data, child = node.data, 0
      if data.module then
         used = used + 1
         child = rawequal(self.modules[used], data.module) and used or place[data.module]
         if not child then
            error('node ' .. i .. ' holds a ' .. torch.type(data.module) .. ' that is not in the modules of the graph', 0)
         end
      end
      local step = {child, data.selectindex or 0, data.nSplitOutputs or 0}
      if data == self.innode.data then step[4] = 0 end
      for _, source in ipairs(data.mapindex) do step[#step + 1] = position[source] end
      steps[i] = step
   end
   return steps
end

-- What a node's module is given: its only input, or the list of all.
local function only(list)
   local first = list[1]
   if first ~= nil and list[2] == nil then return first end
   return list
end

-- Makes `list` hold `count` entries at most.
local function cut(list, count)
   for i = #list, count + 1, -1 do list[i] = nil end
   return list
end

function gModule:runForwardFunction(method, input)
   local named = type(method) == 'string'
   local first, verbose = self.innode.data, self.verbose
   local count = self.nInputs or #self.innode.children
   if count > 1 then
      if type(input) ~= 'table' then error(string.format('expecting table of %s inputs', count)) end
      if #input ~= count then error(string.format('Got %s inputs instead of %s', #input, count)) end
   end
   local walk = walks.of(self)
   local datas, takes, values, entries, splits = walk.datas, walk.takes, walk.values or {}, walk.entries, walk.parts
   walk.values = nil
   for i = 1, #takes do
      local data, from = datas[i], takes[i]
      local list, value = data.input, nil
      if not list then
         list = {}
         data.input = list
      end
      if data == first then
         for k = 1, count do list[k] = count > 1 and input[k] or input end
         value = only(cut(list, count))
      elseif type(from) == 'number' then
         value = values[from]
         if value == nil or list[1] ~= value or list[2] ~= nil then
            list[1] = value
            cut(list, 1)
         end
      else
         for k = 1, #from do list[k] = values[from[k]] end
         value = only(cut(list, #from))
      end

      local entry, module = entries[i], data.module
      if entry then
         assert(type(value) == 'table', 'the input for a split should be a table')
         value = value[entry]
      else
         if module then
            if named then value = module[method](module, value) else value = method(module, value) end
         end
         local split = splits[i]
         if split and split ~= #value then
            error(string.format('split(%s) cannot split %s outputs', split, #value))
         end
      end
      values[i] = value
      if verbose then print(' V : ' .. self.forwardnodes[i]:label()) end
   end
   walk.values = values
   self.output = only(self.outnode.data.input)
   return self.output
end

function gModule:updateOutput(input) return self:runForwardFunction('updateOutput', input) end

-- Adds table b to table a, which is ours, entry by entry; a missing entry counts as nothing.
local function add_to(a, b)
   if native.is_tensor(a) then return a:add(b) end
   for key, entry in pairs(b) do
      if a[key] == nil then a[key] = nn.utils.recursiveCopy(nil, entry) else add_to(a[key], entry) end
   end
   return a
end

-- The tensors that gradients were summed in, by the data of their nodes: the next call's sums go there, too.
local sums = setmetatable({}, {__mode = 'k'})

-- The gradient of a node's output: the sum of what its users sent. Summed once, then kept.
local function total(data)
   local parts = data.gradOutput
   local count = #parts
   if count < 2 then return parts[1] end
   local sum = data.gradOutputBuffer
   if sum == nil then
      local before, first, second = sums[data], parts[1], parts[2]
      if native.sum_into(before, first, second) then
         sum = before
      else
         -- Without gaps, also where it was expanded.
         sum = add_to((nn.utils.recursiveCopy(nil, first)), second)
         sums[data] = native.is_tensor(sum) and sum or nil
      end
      for i = 3, count do add_to(sum, parts[i]) end
      data.gradOutputBuffer = sum
   end
   return sum
end

-- Calls `call`, by which a module learns, unless it is known to learn nothing by it.
local function learn(quiet, data, module, call, factor)
   local known = quiet[module]
   if known == call then return end
   call(module, only(data.input or {}), total(data), factor)
   if known == nil then
      quiet[module] = (call == nn.Module.accGradParameters or native.never_learns(module, call)) and call
   end
end

-- Sends the gradient back through the graph, and answers the data of the nodes whose modules learn, the last one first; nil
-- where not all of them do so by native methods.
local function walk_back(self, gradOutput)
   local outputs = #self.outnode.children
   if outputs > 1 and #gradOutput ~= outputs then
      error(string.format('Got %s gradOutputs instead of %s', #gradOutput, outputs))
   end
   local walk = walks.of(self)
   local back = walks.backward(walk)
   local datas, sends, slots, whole = back.datas, back.sends, back.slots, {}
   -- Parts that come one after the other find an empty list; a single one replaces the last.
   for i = 1, #slots do
      local data = datas[i]
      if slots[i] > 1 then data.gradOutput, data.gradOutputBuffer = cut(data.gradOutput or {}, 0), nil end
   end
   local function send(to, gradient)
      local data = datas[to]
      local parts = data.gradOutput
      if slots[to] > 1 then
         parts[#parts + 1] = gradient
      elseif gradient == nil or not parts or parts[1] ~= gradient or parts[2] ~= nil then
         data.gradOutput, data.gradOutputBuffer = {gradient}, nil
      end
   end
   -- What the parts of a split output write their gradients into is new in each walk.
   for _, to in ipairs(back.split) do
      whole[to] = {}
      send(to, whole[to])
   end
   self.outnode.data.gradOutput, self.outnode.data.gradOutputBuffer = {gradOutput}, nil
   local passes, entries, apart = back.passes, back.entries, nil
   local learning, quiet, learners = back.learning, walk.quiet, {}
   for i = 1, #slots do
      local data, to = datas[i], sends[i]
      local gradient, entry, module = total(data), entries[i], data.module
      if entry then
         whole[to][entry] = gradient
      else
         if passes[i] and apart == nil then apart = native.lie_apart(datas, back.keeping) end
         if passes[i] and apart and module and walks.passed_on(back, i, module, gradient) then
            gradient = module.gradInput
         elseif module then
            gradient = module:updateGradInput(only(data.input or {}), gradient)
         end
         if module and learners then
            local call = module.accGradParameters
            if call ~= quiet[module] then
               if call == learning[i] then learners[#learners + 1] = data else learners = nil end
            end
         end
         if type(to) == 'number' then
            send(to, gradient)
         else
            for k = 1, #to do send(to[k], gradient[k]) end
         end
      end
   end
   self.gradInput = total(self.innode.data)
   return learners
end

function gModule:updateGradInput(input, gradOutput)
   walk_back(self, gradOutput)
   return self.gradInput
end

-- Lets all modules learn by `method`.
local function over_modules(self, method, factor)
   local walk = walks.of(self)
   local datas, quiet = walk.datas, walk.quiet
   for i = 1, #walk.takes do
      local data = datas[i]
      local module = data.module
      if module then learn(quiet, data, module, module[method], factor) end
   end
end

function gModule:accGradParameters(input, gradOutput, scale) over_modules(self, 'accGradParameters', scale) end

function gModule:accUpdateGradParameters(input, gradOutput, rate) over_modules(self, 'accUpdateGradParameters', rate) end

local halves = {gModule.updateGradInput, gModule.accGradParameters}

function gModule:backward(input, gradOutput, scale)
   scale = scale or 1
   if self.updateGradInput ~= halves[1] or self.accGradParameters ~= halves[2] then
      return nn.Module.backward(self, input, gradOutput, scale)
   end
   local learners = walk_back(self, gradOutput)
   if learners then
      -- Only they need be looked at: most modules of a graph have nothing to learn.
      local quiet = walks.of(self).quiet
      for i = #learners, 1, -1 do
         local data = learners[i]
         learn(quiet, data, data.module, data.module.accGradParameters, scale)
      end
   else
      self:accGradParameters(input, gradOutput, scale)
   end
   return self.gradInput
end

function gModule:type(typename, cache)
   if not typename then return self._type end
   typename = native.full_typename(typename)
   cache = native.cache_of(cache)
   local function convert(value)
      if native.is_tensor(value) then return native.convert(value, typename, cache) end
      if torch.type(value) == 'table' then
         for key, entry in pairs(value) do value[key] = convert(entry) end
      end
      return value
   end
   for _, module in ipairs(self.modules) do module:type(typename, cache) end
   self.output, self.gradInput = convert(self.output), convert(self.gradInput)
   walks.forget(self)
   for _, node in ipairs(self.forwardnodes) do
      for _, field in ipairs{'input', 'gradOutput', 'gradOutputBuffer'} do
         node.data[field] = convert(node.data[field])
      end
   end
   self._type = typename
   return self
end

function gModule:clearState()
   walks.forget(self)
   for _, node in ipairs(self.forwardnodes) do
      node.data.input, node.data.gradOutput, node.data.gradOutputBuffer = nil, nil, nil
   end
   return container.clearState(self)
end

-- Calls f with the modules at the same place of two graphs of one structure.
function gModule:map(other, f)
   for i, node in ipairs(self.forwardnodes) do
      local twin = other.forwardnodes[i]
      assert(twin and (twin.data.module ~= nil) == (node.data.module ~= nil),
         'trying to map another gModule with a different structure')
      if node.data.module then f(node.data.module, twin.data.module) end
   end
end

function gModule:replace(f)
   local out, place = f(self), {}
   for i, module in ipairs(self.modules) do place[module] = i end
   for _, node in ipairs(self.forwardnodes) do
      local module = node.data.module
      if module then
         node.data.module = module:replace(f)
         self.modules[place[module]] = node.data.module
      end
   end
   return out
end
