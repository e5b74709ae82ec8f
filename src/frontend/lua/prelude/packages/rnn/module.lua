-- rnn: what it adds to every module, and its functions on nested tables of tensors.

local torch, nn, native, packages = ...
local rnn = packages.rnn
require 'dpnn'
require 'torchx'
local Module = torch.getmetatable('nn.Module')

packages.dpnn.version = packages.dpnn.version or 2
rnn.version = 2.1
nn.rnn = rnn

---------------------------------------------------------------------------------------------------------------
-- Modules that hold modules hand these on; those that know time-steps have their own.

local function handing_on(method)
   Module[method] = function(self, ...)
      for _, child in ipairs(self.modules or {}) do child[method](child, ...) end
      return self
   end
end
for _, method in ipairs{'forget', 'remember', 'setOutputStep', 'maxBPTTstep'} do handing_on(method) end

-- A copy for another time-step: parameters are shared, modules that manage time-steps are not copied.
function Module:stepClone(parameters, gradients)
   return self:sharedClone(parameters, gradients, true)
end

function Module:backwardOnline()
   print('backwardOnline is what rnn does by default since January 2016: the call does nothing')
   return self
end

-- The hidden states after a time-step (0: before the first), one a child that has some; and their gradients.
for _, kind in ipairs{'HiddenState', 'GradHiddenState'} do
   local get, set = 'get' .. kind, 'set' .. kind
   Module[get] = function(self, step, input)
      local states
      for i, child in ipairs(self.modules or {}) do
         local state = child[get](child, step, input)
         if state ~= nil then
            states = states or {}
            states[i] = state
         end
      end
      return states
   end
   Module[set] = function(self, step, states)
      if states == nil then return end
      for i, child in ipairs(self.modules or {}) do
         if states[i] ~= nil then child[set](child, step, states[i]) end
      end
   end
end

---------------------------------------------------------------------------------------------------------------

-- recursiveCopy(a, b): b's numbers in a's tensors, which are made where a has none. Gives both, as the others do.
rnn.recursiveCopy = nn.utils.recursiveCopy
rnn.recursiveResizeAs = nn.utils.recursiveResizeAs
rnn.recursiveType = nn.utils.recursiveType
rnn.recursiveFill = nn.utils.recursiveFill
function rnn.recursiveAdd(a, b) return nn.utils.recursiveAdd(a, b) end

-- Like `b` in shape, of what `leaf` makes of each tensor of a and b.
local function zip(a, b, leaf)
   if torch.type(b) == 'table' then
      a = torch.type(a) == 'table' and a or {a}
      for key, entry in pairs(b) do a[key] = zip(a[key], entry, leaf) end
      return a
   elseif native.is_tensor(b) then
      return leaf(native.is_tensor(a) and a or nil, b)
   end
   error('expecting nested tensors or tables. Got ' .. torch.type(a) .. ' and ' .. torch.type(b) .. ' instead', 3)
end
rnn.zip = zip

-- a's tensors look at b's memory.
function rnn.recursiveSet(a, b)
   return zip(a, b, function(x, y) return (x or y.new()):set(y) end), b
end

function rnn.recursiveNew(b)
   return zip(nil, b, function(_, y) return y.new() end)
end

function rnn.recursiveTensorEq(a, b)
   if torch.type(a) == 'table' and torch.type(b) == 'table' then
      for key, entry in pairs(a) do
         if not rnn.recursiveTensorEq(entry, b[key]) then return false end
      end
      for key in pairs(b) do
         if a[key] == nil then return false end
      end
      return true
   elseif native.is_tensor(a) and native.is_tensor(b) then
      return a:isSameSizeAs(b) and (a:nElement() == 0 or torch.add(a, -1, b):abs():max() < 1e-5)
   end
   error('expecting nested tensors or tables. Got ' .. torch.type(a) .. ' and ' .. torch.type(b) .. ' instead', 2)
end

function rnn.recursiveNormal(a)
   return zip(a, a, function(x) return x:fill(torch.normal()) end)
end

function rnn.recursiveSum(a)
   if native.is_tensor(a) then return a:sum() end
   local sum = 0
   for _, entry in pairs(a) do sum = sum + rnn.recursiveSum(entry) end
   return sum
end

-- The first tensor of a value, depth first.
function rnn.first_tensor(value)
   if native.is_tensor(value) then return value end
   if type(value) == 'table' then
      for _, entry in ipairs(value) do
         local found = rnn.first_tensor(entry)
         if found then return found end
      end
   end
end

-- A table's entries or a tensor's slices: how many, and number i.
function rnn.steps(sequence)
   if torch.type(sequence) == 'table' then return #sequence end
   return sequence:size(1)
end

-- Of a module whose steps share one input: its gradient is the sum of theirs, the last step's first.
function rnn.add_step(self, is_last, gradInput)
   if is_last then
      self.gradInput = rnn.recursiveCopy(self.gradInput, gradInput)
   else
      rnn.recursiveAdd(self.gradInput, gradInput)
   end
end
