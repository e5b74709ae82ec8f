-- nn.IndexLinear: a linear layer of sparse inputs {keys, values}, its weight [features, out] held key by key.
--
-- A sample is a vector of keys and one of values; a batch is tables of these, or {all keys, all values, sizes}. Gradients
-- are kept as rows beside their keys (`running`) and reach the weight in updateParameters. With `normalize` the first four
-- columns of the weight hold, for each feature: the largest |value| seen, its inverse, the scale of updates, a bias.

local torch, nn, native = ...

local IndexLinear, Module = torch.class('nn.IndexLinear', 'nn.Module')

local LARGEST, INVERSE, SCALE, BIAS = 1, 2, 3, 4

function IndexLinear:__init(inputSize, outputSize, doGradInput, keysOffset, weight, bias, normalize)
   local usage = '(inputSize, outputSize[, doGradInput=false][, keysOffset][, weight][, bias][, normalize=false])'
   if not (weight and bias) then
      native.expect('nn.IndexLinear', usage, 'inputSize', 'number', inputSize, 'outputSize', 'number', outputSize)
   end
   Module.__init(self)
   self.normalize = normalize and 4 or 0
   self.weight = weight or torch.Tensor(inputSize, outputSize + self.normalize):zero()
   self.bias = bias or torch.Tensor(outputSize):zero()
   self.inputSize = self.weight:size(1)
   self.outputSize = self.weight:size(2) - self.normalize
   self.gradWeight = torch.Tensor()
   self.gradBias = torch.Tensor(self.outputSize):zero()
   self.weightDecay = 0
   self.doGradInput = doGradInput or false
   self.offset = keysOffset and keysOffset - 1 or -1
   self:forget()
end

-- What the accumulations since the last zeroGradParameters left: for each sample its keys, rows and, with normalize, the
-- gradients of the features' biases.
function IndexLinear:forget()
   self.running = {keys = {}, gradWeight = {}, gradFeature = {}}
end

function IndexLinear:reset(stdv)
   stdv = stdv and stdv * math.sqrt(3) or 1 / math.sqrt(self.weight:size(2))
   self.weight:uniform(-stdv, stdv)
   self.bias:uniform(-stdv, stdv):mul(1e-6)
   if self.normalize > 0 then self.weight:narrow(2, 1, self.normalize):zero() end
   return self
end

-- The input as lists of keys (rows of the weight, from 1) and values.
local function samples(self, input)
   assert(type(input) == 'table' and (#input == 2 or #input == 3), 'Wrong input format.')
   local keys, values = input[1], input[2]
   self.isFlat, self.noBatch = #input == 3, false
   if self.isFlat then
      assert(keys:dim() == 1 and keys:nElement() == values:nElement(), 'Keys and values should be 1D, of same size')
      local sizes = torch.isTensor(input[3]) and input[3]:totable() or {input[3]}
      local all_keys, all_values, offset = keys, values, 1
      keys, values = {}, {}
      for i, size in ipairs(sizes) do
         keys[i], values[i] = all_keys:narrow(1, offset, size), all_values:narrow(1, offset, size)
         offset = offset + size
      end
   elseif torch.isTensor(keys) and torch.isTensor(values) then
      keys, values, self.noBatch = {keys}, {values}, true
   elseif torch.isTensor(keys) or torch.isTensor(values) then
      error('Wrong input format.', 3)
   end
   local rows = {}
   for i = 1, #keys do
      assert(keys[i]:dim() == 1 and values[i]:dim() == 1, 'keys and values should be 1D')
      rows[i] = self.offset == -1 and keys[i]:long() or keys[i]:long() + (self.offset + 1)
   end
   return rows, values
end

-- The weight's columns without those of the features.
local function weights(self)
   return self.normalize > 0 and self.weight:narrow(2, self.normalize + 1, self.outputSize) or self.weight
end

-- value / largest |value| of its feature, plus the feature's bias. A training pass moves the largest.
local function normalized(self, keys, values)
   if self.normalize == 0 then return values end
   local column = function(c) return self.weight:select(2, c) end
   if self.train then
      local largest, inverse, scale = column(LARGEST), column(INVERSE), column(SCALE)
      for i = 1, keys:nElement() do
         local key, size = keys[i], math.abs(values[i])
         if size > largest[key] then largest[key], inverse[key] = size, 1 / size end
         scale[key] = 1
      end
   end
   local scaled = torch.cmul(values, column(INVERSE):index(1, keys))
   local beyond = torch.gt(torch.abs(values), column(LARGEST):index(1, keys))
   if beyond:sum() > 0 then scaled[beyond] = torch.sign(values)[beyond] end
   return scaled:add(column(BIAS):index(1, keys))
end

function IndexLinear:updateOutput(input)
   self.keys, self.values = samples(self, input)
   self.output:resize(#self.keys, self.outputSize)
   self.normalizedValues = {}
   for i, keys in ipairs(self.keys) do
      local values = normalized(self, keys, self.values[i])
      self.normalizedValues[i] = values
      self.output[i]:mv(weights(self):index(1, keys):t(), values):add(self.bias)
   end
   if self.noBatch then self.output:resize(self.outputSize) end
   return self.output
end

local function batch(self, gradOutput)
   return gradOutput:dim() == 1 and gradOutput:view(1, -1) or gradOutput
end

-- For each sample: keys, the gradient's rows, and the gradients of the features' biases.
local function gradients(self, gradOutput, scale, visit)
   gradOutput = batch(self, gradOutput)
   for i, keys in ipairs(self.keys) do
      local g = gradOutput[i] * scale
      local feature = self.normalize > 0 and torch.mv(weights(self):index(1, keys), g) or nil
      visit(keys, torch.ger(self.normalizedValues[i], g), feature)
   end
   return gradOutput:sum(1):mul(scale):view(-1)
end

function IndexLinear:accGradParameters(_, gradOutput, scale)
   local running = self.running
   local bias = gradients(self, gradOutput, scale or 1, function(keys, rows, feature)
      table.insert(running.keys, keys:clone())
      table.insert(running.gradWeight, rows)
      table.insert(running.gradFeature, feature)
   end)
   self.gradBias:add(bias)
end

-- weight −= rate·rows, with sparse weight decay on the touched rows.
local function step(self, keys, rows, feature, rate)
   local decay = self.weightDecay or 0
   if feature then
      local factor = self.weight:select(2, SCALE):index(1, keys)
      self.weight:select(2, BIAS):indexAdd(1, keys, torch.cmul(feature, factor):mul(-rate))
      rows = torch.cmul(rows, factor:view(-1, 1):expandAs(rows))
   end
   local whole = weights(self)
   if decay ~= 0 then whole:indexAdd(1, keys, whole:index(1, keys):mul(-decay)) end
   whole:indexAdd(1, keys, rows:mul(-rate))
end

function IndexLinear:accUpdateGradParameters(_, gradOutput, rate)
   local bias = gradients(self, gradOutput, 1, function(keys, rows, feature)
      step(self, keys, rows, feature, rate or 1)
   end)
   self.bias:add(-(rate or 1), bias)
end
IndexLinear.sharedAccUpdateGradParameters = IndexLinear.accUpdateGradParameters

function IndexLinear:updateParameters(rate)
   if not rate then error('You must specify a learning rate', 2) end
   if #self.running.keys == 0 then return end
   for i, keys in ipairs(self.running.keys) do
      step(self, keys, self.running.gradWeight[i]:clone(), self.running.gradFeature[i], rate)
   end
   self.bias:add(-rate, self.gradBias)
end

function IndexLinear:zeroGradParameters()
   self.gradBias:zero()
   self:forget()
end

function IndexLinear:parameters()
   return {self.weight, self.bias}, {self.running, self.gradBias}
end

-- Dense: every key, with the gradient of its value.
function IndexLinear:updateGradInput(_, gradOutput)
   self.gradInput = {}
   if not self.doGradInput then return self.gradInput end
   if self.normalize > 0 then error('updateGradInput is not implemented in max-normalize mode') end
   local dense = batch(self, gradOutput) * self.weight:t()
   local count, features = dense:size(1), self.weight:size(1)
   local all = torch.range(1, features):long()
   if self.isFlat then
      self.gradInput = {torch.repeatTensor(all, count, 1), dense}
      if gradOutput:dim() == 1 then
         self.gradInput = {self.gradInput[1]:view(features), dense:view(features)}
      end
   elseif self.noBatch then
      self.gradInput = {all, dense:view(features)}
   else
      self.gradInput = {{}, {}}
      for i = 1, count do
         self.gradInput[1][i], self.gradInput[2][i] = all:clone(), dense[i]:clone()
      end
   end
   return self.gradInput
end

function IndexLinear:clearState()
   self:forget()
   self.keys, self.values, self.normalizedValues = nil, nil, nil
   return Module.clearState(self)
end
