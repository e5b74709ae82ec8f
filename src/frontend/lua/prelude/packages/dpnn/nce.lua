-- dpnn: noise-contrastive estimation (Mnih and Teh 2012): nn.NCEModule in the place of a large linear layer and its softmax, with
-- nn.NCECriterion.

local torch, nn, native = ...
local NCE, Module = torch.class('nn.NCEModule', 'nn.Module')

-- k: noise samples an example; unigrams: frequency of each class; Z: what stands for the softmax's denominator, or -1 to take it from
-- the first batch.
function NCE:__init(inputSize, outputSize, k, unigrams, Z)
   native.expect('nn.NCEModule', '(inputSize, outputSize, k, unigrams[, Z=exp(9)])', 'inputSize', 'number', inputSize,
      'outputSize', 'number', outputSize, 'k', 'number', k, 'unigrams', 'tensor', unigrams, 'Z', 'number?', Z)
   Module.__init(self)
   if unigrams:nElement() ~= outputSize then
      error(string.format('nn.NCEModule: %d classes but %d unigrams', outputSize, unigrams:nElement()), 2)
   end
   self.inputSize, self.outputSize, self.k = inputSize, outputSize, k
   self.weight, self.bias = torch.Tensor(outputSize, inputSize), torch.Tensor(outputSize)
   self.gradWeight, self.gradBias = torch.Tensor(outputSize, inputSize):zero(), torch.Tensor(outputSize):zero()
   self.unigrams = torch.Tensor(outputSize):copy(unigrams)
   self.Z = torch.Tensor{Z or math.exp(9)}
   -- One draw of noise for the whole batch.
   self.batchnoise = true
   -- When evaluating: probabilities of all classes, or their logarithms.
   self.normalized, self.logsoftmax = false, false
   self.output, self.gradInput = {}, {native.empty(), native.empty()}
   self:reset()
end

function NCE:reset(stdv)
   stdv = stdv and stdv * math.sqrt(3) or 1 / math.sqrt(self.inputSize)
   self.weight:uniform(-stdv, stdv)
   self.bias:uniform(-stdv, stdv)
   return self
end

-- Fills `sampleidx` with [batchsize, k] classes drawn by their unigrams.
function NCE:noiseSample(sampleidx, batchsize, k)
   sampleidx:resize(batchsize, k)
   sampleidx:copy(torch.multinomial(self.unigrams, batchsize * k, true):view(batchsize, k))
   return sampleidx
end

-- exp(w x + b) of each class of `index` for its row of x: [n, m].
local function scores(self, x, index)
   local n, m = index:size(1), index:size(2)
   local weights = self.weight:index(1, index:view(-1)):view(n, m, -1)
   return torch.bmm(weights, x:contiguous():view(n, -1, 1)):view(n, m):add(self.bias:index(1, index:view(-1)):view(n, m))
end

function NCE:updateOutput(pair)
   if self.train == false and self.normalized then
      local x = native.is_tensor(pair) and pair or pair[1]
      local sums = torch.mm(x, self.weight:t()):add(self.bias:view(1, -1):expand(x:size(1), self.outputSize))
      self._softmax = self._softmax or (self.logsoftmax and nn.LogSoftMax() or nn.SoftMax()):type(self._type)
      self.output = self._softmax:updateOutput(sums)
      return self.output
   end
   local x, target = pair[1], pair[2]:contiguous():view(-1):long()
   local n, k = x:size(1), self.k
   local noise = self:noiseSample(torch.LongTensor(), self.batchnoise and 1 or n, k)
   self._target = target:view(n, 1)
   if self.batchnoise then
      -- The noise, then the classes of the batch.
      self.sampleidx = torch.cat(noise:view(-1), target, 1)
      self._noise = noise:view(1, k):expand(n, k):contiguous()
   else
      self.sampleidx = torch.cat(self._target, noise, 2)
      self._noise = noise
   end
   local right, wrong = scores(self, x, self._target):exp():view(-1), nil
   if self.batchnoise then
      local index = noise:view(-1)
      wrong = torch.mm(x, self.weight:index(1, index):t()):add(self.bias:index(1, index):view(1, k):expand(n, k)):exp()
   else
      wrong = scores(self, x, noise):exp()
   end
   if self.Z[1] <= 0 then
      -- The mean over noise is that over all classes, as far as the first batch can tell.
      self.Z[1] = wrong:mean() * self.outputSize
   end
   self.output = {
      right:div(self.Z[1]), wrong:div(self.Z[1]),
      self.unigrams:index(1, target), self.unigrams:index(1, self._noise:view(-1)):view(n, k),
   }
   return self.output
end

-- The slopes of the sums of each class that took part: [n, 1] and [n, k].
local function slopes(self, gradOutput)
   if not self._noise or #self.output ~= 4 then error('nn.NCEModule: backward is for training', 3) end
   return torch.cmul(gradOutput[1], self.output[1]):view(-1, 1), torch.cmul(gradOutput[2], self.output[2])
end

function NCE:updateGradInput(pair, gradOutput)
   local right, wrong = slopes(self, gradOutput)
   local n = right:size(1)
   local all, index = torch.cat(right, wrong, 2), torch.cat(self._target, self._noise, 2)
   local weights = self.weight:index(1, index:view(-1)):view(n, index:size(2), -1)
   self.gradInput = {torch.bmm(all:view(n, 1, -1), weights):view(n, -1), pair[2]:clone():zero()}
   return self.gradInput
end

function NCE:accGradParameters(pair, gradOutput, scale)
   local right, wrong = slopes(self, gradOutput)
   local n = right:size(1)
   local all, index = torch.cat(right, wrong, 2):mul(scale or 1), torch.cat(self._target, self._noise, 2)
   local outer = torch.bmm(all:view(n, -1, 1), pair[1]:contiguous():view(n, 1, -1))
   self.gradWeight:indexAdd(1, index:view(-1), outer:view(-1, self.inputSize))
   self.gradBias:indexAdd(1, index:view(-1), all:view(-1))
end

function NCE:type(typename, cache)
   if typename then self._softmax, self._noise, self._target, self.sampleidx = nil, nil, nil, nil end
   return Module.type(self, typename, cache)
end

function NCE:clearState()
   self._softmax, self._noise, self._target, self.sampleidx = nil, nil, nil, nil
   self.output, self.gradInput = {}, {self.weight.new(), self.weight.new()}
   return self
end

function NCE:__tostring__()
   return string.format('%s(%d -> %d, k %d)', torch.type(self), self.inputSize, self.outputSize, self.k)
end

---------------------------------------------------------------------------------------------------------------
-- -log P(right classes come from the model) - Σ log P(noise comes from noise), of a NCEModule's output; divided by the batch.

local Loss, Criterion = torch.class('nn.NCECriterion', 'nn.Criterion')
local EPSILON = 1e-7

function Loss:__init()
   Criterion.__init(self)
   self.sizeAverage = true
   self.gradInput = {}
end

-- The denominators: P(model) + k P(noise).
local function totals(input)
   local k = input[2]:size(2)
   return torch.add(input[1], k, input[3]):add(EPSILON), torch.add(input[2], k, input[4]):add(EPSILON), k
end

function Loss:updateOutput(input)
   local of_right, of_noise, k = totals(input)
   local sum = torch.cdiv(input[1], of_right):log():sum() + torch.mul(input[4], k):cdiv(of_noise):log():sum()
   self.output = -sum / (self.sizeAverage and input[1]:size(1) or 1)
   return self.output
end

function Loss:updateGradInput(input)
   local of_right, of_noise, k = totals(input)
   local count = self.sizeAverage and input[1]:size(1) or 1
   self.gradInput = {
      torch.mul(input[3], -k):cdiv(of_right):cdiv(torch.add(input[1], EPSILON)):div(count),
      torch.cdiv(input[2], of_noise):cdiv(torch.add(input[2], EPSILON)):div(count),
      input[3]:clone():zero(), input[4]:clone():zero(),
   }
   return self.gradInput
end
