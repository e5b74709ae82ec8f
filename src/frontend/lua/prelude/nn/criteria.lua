-- Criteria that hold criteria or modules: sums, the cross entropy, a criterion behind modules (spec section 2.8).
--
-- The loops serve calls from Lua; training lowers all but ModuleCriterion whole.

local torch, nn, native = ...

local MultiCriterion, Criterion = torch.class('nn.MultiCriterion', 'nn.Criterion')

function MultiCriterion:__init()
   Criterion.__init(self)
   self.criterions = {}
   self.weights = torch.DoubleStorage()
end

function MultiCriterion:add(criterion, weight)
   native.expect('nn.MultiCriterion:add', '(criterion[, weight=1])', 'criterion', 'criterion', criterion, 'weight', 'number?', weight)
   table.insert(self.criterions, criterion)
   self.weights:resize(#self.criterions)
   self.weights[#self.criterions] = weight or 1
   return self
end

function MultiCriterion:updateOutput(input, target)
   self.output = 0
   for i, criterion in ipairs(self.criterions) do
      self.output = self.output + self.weights[i] * criterion:updateOutput(input, target)
   end
   return self.output
end

function MultiCriterion:updateGradInput(input, target)
   self.gradInput = nn.utils.recursiveResizeAs(self.gradInput, input)
   nn.utils.recursiveFill(self.gradInput, 0)
   for i, criterion in ipairs(self.criterions) do
      nn.utils.recursiveAdd(self.gradInput, self.weights[i], criterion:updateGradInput(input, target))
   end
   return self.gradInput
end

---------------------------------------------------------------------------------------------------------------

local ParallelCriterion = torch.class('nn.ParallelCriterion', 'nn.Criterion')

function ParallelCriterion:__init(repeatTarget)
   Criterion.__init(self)
   self.criterions = {}
   self.weights = {}
   self.gradInput = {}
   self.repeatTarget = repeatTarget
end

function ParallelCriterion:add(criterion, weight)
   native.expect('nn.ParallelCriterion:add', '(criterion[, weight=1])', 'criterion', 'criterion', criterion, 'weight', 'number?', weight)
   table.insert(self.criterions, criterion)
   table.insert(self.weights, weight or 1)
   return self
end

function ParallelCriterion:updateOutput(input, target)
   self.output = 0
   for i, criterion in ipairs(self.criterions) do
      local t = self.repeatTarget and target or target[i]
      self.output = self.output + self.weights[i] * criterion:updateOutput(input[i], t)
   end
   return self.output
end

function ParallelCriterion:updateGradInput(input, target)
   self.gradInput = nn.utils.recursiveResizeAs(self.gradInput, input)
   nn.utils.recursiveFill(self.gradInput, 0)
   for i, criterion in ipairs(self.criterions) do
      local t = self.repeatTarget and target or target[i]
      nn.utils.recursiveAdd(self.gradInput[i], self.weights[i], criterion:updateGradInput(input[i], t))
   end
   return self.gradInput
end

function ParallelCriterion:type(typename, cache)
   if typename then self.gradInput = {} end
   return Criterion.type(self, typename, cache)
end

---------------------------------------------------------------------------------------------------------------

-- nn.LogSoftMax and nn.ClassNLLCriterion in one.
local CrossEntropy = torch.class('nn.CrossEntropyCriterion', 'nn.Criterion')

function CrossEntropy:__init(weights, sizeAverage)
   native.expect('nn.CrossEntropyCriterion', '([weights][, sizeAverage=true])', 'weights', 'tensor?', weights,
      'sizeAverage', 'boolean?', sizeAverage)
   Criterion.__init(self)
   self.lsm = nn.LogSoftMax()
   self.nll = nn.ClassNLLCriterion(weights, sizeAverage)
   self.sizeAverage = self.nll.sizeAverage
   self.oldSizeAverage = self.sizeAverage
end

-- A changed sizeAverage reaches the inner criterion; one set there directly stays.
local function propagate(self)
   if self.sizeAverage ~= self.oldSizeAverage then
      self.nll.sizeAverage = self.sizeAverage
      self.oldSizeAverage = self.sizeAverage
   end
end

local function squeezed(value)
   return type(value) == 'number' and value or value:squeeze()
end

function CrossEntropy:updateOutput(input, target)
   propagate(self)
   self.lsm:updateOutput(input:squeeze())
   self.output = self.nll:updateOutput(self.lsm.output, squeezed(target))
   return self.output
end

function CrossEntropy:updateGradInput(input, target)
   propagate(self)
   self.nll:updateGradInput(self.lsm.output, squeezed(target))
   self.lsm:updateGradInput(input:squeeze(), self.nll.gradInput)
   self.gradInput:view(self.lsm.gradInput, input:size())
   return self.gradInput
end

function CrossEntropy:type(typename, cache)
   propagate(self)
   return Criterion.type(self, typename, cache)
end

---------------------------------------------------------------------------------------------------------------

-- A criterion of what modules make of input and target.
local ModuleCriterion = torch.class('nn.ModuleCriterion', 'nn.Criterion')

function ModuleCriterion:__init(criterion, inputModule, targetModule, castTarget)
   native.expect('nn.ModuleCriterion', '(criterion[, inputModule][, targetModule][, castTarget=true])', 'criterion',
      'criterion', criterion, 'inputModule', 'module?', inputModule, 'targetModule', 'module?', targetModule)
   Criterion.__init(self)
   self.inputModule = inputModule
   self.targetModule = targetModule
   self.castTarget = castTarget == nil or castTarget
   if inputModule and #(inputModule:parameters() or {}) > 0 then
      print("Warning: nn.ModuleCriterion doesn't support parameter updates")
   end
   self.criterion = criterion
end

function ModuleCriterion:updateOutput(input, target)
   self.input = self.inputModule and self.inputModule:forward(input) or nil
   self.target = self.targetModule and self.targetModule:forward(target) or nil
   self.output = self.criterion:forward(self.input or input, self.target or target)
   return self.output
end

function ModuleCriterion:updateGradInput(input, target)
   self.gradInput = self.criterion:backward(self.input or input, self.target or target)
   if self.inputModule then
      self.gradInput = self.inputModule:backward(input, self.gradInput)
   end
   return self.gradInput
end

function ModuleCriterion:type(typename, cache)
   if not typename then return Criterion.type(self) end
   local kept = self.targetModule
   if not self.castTarget then self.targetModule = nil end
   Criterion.type(self, typename, cache)
   self.targetModule = kept
   return self
end
