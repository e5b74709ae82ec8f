-- Modules that are made of other modules, and small ones that only Lua can be (printing, criteria as modules).
--
-- The first three are nn.Sequential with children: they are lowered like any Sequential.

local torch, nn, native = ...

local LayerNormalization, Sequential = torch.class('nn.LayerNormalization', 'nn.Sequential')

-- (x − mean) / ‖x − mean‖ · √n, then a learned gain and bias.
function LayerNormalization:__init(nOutput, bias, eps, affine)
   native.expect('nn.LayerNormalization', '(nOutput[, bias=0][, eps=1e-10][, affine=true])',
      'nOutput', 'number', nOutput, 'bias', 'number?', bias, 'eps', 'number?', eps)
   Sequential.__init(self)
   local mean = nn.Sequential():add(nn.Mean(1, 1)):add(nn.Replicate(nOutput, 1, 1))
   self:add(nn.ConcatTable():add(nn.Identity()):add(mean))
   self:add(nn.CSubTable())
   self:add(nn.Normalize(2, eps or 1e-10))
   self:add(nn.MulConstant(math.sqrt(nOutput)))
   if affine ~= false then
      local gain, offset = nn.CMul(nOutput), nn.Add(nOutput, false)
      gain.weight:fill(1)
      offset.bias:fill(bias or 0)
      self:add(gain):add(offset)
   end
end

local Maxout = torch.class('nn.Maxout', 'nn.Sequential')

-- The largest of `maxoutNumber` linear functions for each output.
function Maxout:__init(inputSize, outputSize, maxoutNumber, preprocess)
   native.expect('nn.Maxout', '(inputSize, outputSize, maxoutNumber[, preprocess])', 'inputSize', 'number', inputSize,
      'outputSize', 'number', outputSize, 'maxoutNumber', 'number', maxoutNumber, 'preprocess', 'module?', preprocess)
   Sequential.__init(self)
   self:add(nn.Linear(inputSize, outputSize * maxoutNumber))
   self:add(nn.View(maxoutNumber, outputSize):setNumInputDims(1))
   if preprocess then self:add(preprocess) end
   self:add(nn.Max(1, 2))
end

local SpatialLPPooling = torch.class('nn.SpatialLPPooling', 'nn.Sequential')

-- (Σ xᵖ over the window)^(1/p)
function SpatialLPPooling:__init(nInputPlane, pnorm, kW, kH, dW, dH)
   native.expect('nn.SpatialLPPooling', '(nInputPlane, pnorm, kW, kH[, dW][, dH])', 'nInputPlane', 'number', nInputPlane,
      'pnorm', 'number', pnorm, 'kW', 'number', kW, 'kH', 'number', kH, 'dW', 'number?', dW, 'dH', 'number?', dH)
   Sequential.__init(self)
   self.kW, self.kH, self.dW, self.dH = kW, kH, dW or kW, dH or kH
   local power = pnorm == 2 and nn.Square() or nn.Power(pnorm)
   local root = pnorm == 2 and nn.Sqrt() or nn.Power(1 / pnorm)
   self:add(power):add(nn.SpatialAveragePooling(kW, kH, self.dW, self.dH)):add(nn.MulConstant(kW * kH)):add(root)
end

-- It has nothing to learn.
local function nothing() end
for _, method in ipairs{'reset', 'accGradParameters', 'accUpdateGradParameters', 'zeroGradParameters',
                        'updateParameters'} do
   SpatialLPPooling[method] = nothing
end

---------------------------------------------------------------------------------------------------------------

local PrintSize, Module = torch.class('nn.PrintSize', 'nn.Module')

function PrintSize:__init(prefix)
   Module.__init(self)
   self.prefix = prefix or 'PrintSize'
end

local function show(self, what, value)
   local size = value
   if value == nil then
      size = 'missing size'
   elseif native.is_tensor(value) then
      size = value:size()
   end
   print(self.prefix .. ':' .. what .. '\n', size)
end

function PrintSize:updateOutput(input)
   self.output = input
   show(self, 'input', input)
   return self.output
end

function PrintSize:updateGradInput(input, gradOutput)
   show(self, 'gradOutput', gradOutput)
   self.gradInput = gradOutput
   return self.gradInput
end

---------------------------------------------------------------------------------------------------------------

-- A criterion as a module that takes {input, target}.
local CriterionTable = torch.class('nn.CriterionTable', 'nn.Module')

function CriterionTable:__init(criterion)
   native.expect('nn.CriterionTable', '(criterion)', 'criterion', 'criterion', criterion)
   Module.__init(self)
   self.criterion = criterion
   self.gradInput = {criterion.gradInput}
end

function CriterionTable:updateOutput(input)
   self.output = self.criterion:updateOutput(unpack(input))
   return self.output
end

function CriterionTable:updateGradInput(input)
   self.gradInput = {self.criterion:updateGradInput(unpack(input))}
   return self.gradInput
end

---------------------------------------------------------------------------------------------------------------

local StochasticGradient = torch.class('nn.StochasticGradient')

function StochasticGradient:__init(module, criterion)
   self.learningRate = 0.01
   self.learningRateDecay = 0
   self.maxIteration = 25
   self.shuffleIndices = true
   self.module = module
   self.criterion = criterion
   self.verbose = true
end

-- One step of gradient descent for each example, `maxIteration` times through the set.
function StochasticGradient:train(dataset)
   local module, criterion, count = self.module, self.criterion, dataset:size()
   local order = self.shuffleIndices and torch.randperm(count, 'torch.LongTensor') or torch.range(1, count):long()
   local rate, iteration = self.learningRate, 1
   print('# StochasticGradient: training')
   while true do
      local sum = 0
      for t = 1, count do
         local example = dataset[order[t]]
         local input, target = example[1], example[2]
         sum = sum + criterion:forward(module:forward(input), target)
         module:updateGradInput(input, criterion:updateGradInput(module.output, target))
         module:accUpdateGradParameters(input, criterion.gradInput, rate)
         if self.hookExample then self.hookExample(self, example) end
      end
      local current = sum / count
      if self.hookIteration then self.hookIteration(self, iteration, current) end
      if self.verbose then print('# current error = ' .. current) end
      iteration = iteration + 1
      rate = self.learningRate / (1 + iteration * self.learningRateDecay)
      if self.maxIteration > 0 and iteration > self.maxIteration then
         print('# StochasticGradient: you have reached the maximum number of iterations')
         print('# training error = ' .. current)
         return
      end
   end
end
