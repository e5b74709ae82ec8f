-- dpnn: modules that draw samples and learn from a reward (Williams 1992), and the criteria that hand out rewards. The gradient
-- they are given counts for nothing: theirs is -reward times the slope of the logarithm of the sample's probability.

local torch, nn, native = ...
local Reinforce, Module = torch.class('nn.Reinforce', 'nn.Module')

-- stochastic: draws when evaluating, too.
function Reinforce:__init(stochastic)
   native.expect(torch.type(self), '([stochastic=false])', 'stochastic', 'boolean?', stochastic)
   Module.__init(self)
   self.stochastic = stochastic or false
end

-- One number a sample.
function Reinforce:reinforce(reward)
   Module.reinforce(self, reward)
   self.reward = reward
end

function Reinforce:draws() return self.stochastic or self.train ~= false end

-- The reward of each sample, in the shape of `input`.
function Reinforce:rewardAs(input)
   local reward = self.reward
   if not reward then error(torch.type(self) .. ': backward comes after reinforce(reward)', 3) end
   if input:size(1) ~= reward:size(1) then
      error(string.format('%s: %d samples but %d rewards', torch.type(self), input:size(1), reward:size(1)), 3)
   end
   local sizes = torch.LongStorage(input:dim()):fill(1)
   sizes[1] = reward:size(1)
   return reward:contiguous():view(sizes):expandAs(input)
end

function Reinforce:updateOutput(input)
   self.output:set(input)
   return self.output
end

function Reinforce:updateGradInput(input)
   self.gradInput = self:toReward(self:slope(input), input)
   return self.gradInput
end

-- -reward times slopes.
function Reinforce:toReward(slopes)
   return slopes:cmul(self:rewardAs(slopes)):mul(-1)
end

local function family(name, slope)
   local class = torch.class('nn.' .. name, 'nn.Reinforce')
   class.slope = slope
   return class
end

-- Samples of probabilities p: 1 or 0.
local Bernoulli = family('ReinforceBernoulli', function(self, p)
   local variance = torch.cmul(p, torch.add(torch.mul(p, -1), 1))
   return torch.add(self.output, -1, p):cdiv(variance)
end)
function Bernoulli:updateOutput(input)
   self.output:resizeAs(input):copy(input)
   if self:draws() then self.output:copy(torch.lt(torch.rand(input:size()):typeAs(input), input)) end
   return self.output
end

-- Rows of probabilities: one 1 among zeros.
local Categorical = family('ReinforceCategorical', function(self, p)
   return torch.cdiv(self.output, torch.add(p, 1e-8))
end)
function Categorical:updateOutput(input)
   self.output:resizeAs(input):copy(input)
   if self:draws() then
      self._index = torch.multinomial(input, 1)
      self.output:zero():scatter(2, self._index, 1)
   end
   return self.output
end

---------------------------------------------------------------------------------------------------------------
-- Two parameters: the second is a number of the module, or the input's second tensor.

local function pair_of(self, input, own)
   if native.is_tensor(input) then
      if not self[own] then
         error(torch.type(self) .. ': give ' .. own .. ' to the constructor, or a table of two tensors', 3)
      end
      return input, torch.Tensor():typeAs(input):resizeAs(input):fill(self[own])
   end
   return input[1], input[2]
end

local function pair_gradients(self, input, first, second)
   first = self:toReward(first)
   if native.is_tensor(input) then
      self.gradInput = first
   else
      self.gradInput = {first, self:toReward(second)}
   end
   return self.gradInput
end

-- Means and standard deviations.
local Normal = torch.class('nn.ReinforceNormal', 'nn.Reinforce')
function Normal:__init(stdev, stochastic)
   native.expect('nn.ReinforceNormal', '([stdev][, stochastic=false])', 'stdev', 'number?', stdev)
   Reinforce.__init(self, stochastic)
   self.stdev = stdev
end
function Normal:updateOutput(input)
   local mean, stdev = pair_of(self, input, 'stdev')
   self.output:resizeAs(mean):copy(mean)
   if self:draws() then self.output:addcmul(1, torch.randn(mean:size()):typeAs(mean), stdev) end
   return self.output
end
function Normal:updateGradInput(input)
   local mean, stdev = pair_of(self, input, 'stdev')
   local off = torch.add(self.output, -1, mean)
   local variance = torch.cmul(stdev, stdev)
   local of_stdev = torch.cmul(off, off):add(-1, variance):cdiv(torch.cmul(variance, stdev):add(1e-8))
   return pair_gradients(self, input, off:cdiv(variance), of_stdev)
end

-- Marsaglia and Tsang 2000, with all places that were refused drawn again; shapes below 1 by their boost.
local function gamma_samples(shape)
   local boosted = torch.cmax(shape, 1)
   local d = torch.add(torch.lt(shape, 1):typeAs(shape), shape):add(-1 / 3)
   local c = torch.sqrt(torch.mul(d, 9)):pow(-1)
   local samples, open = boosted:clone():zero(), torch.ByteTensor(shape:size()):fill(1)
   while open:sum() > 0 do
      local z, u = torch.randn(shape:size()):typeAs(shape), torch.rand(shape:size()):typeAs(shape)
      local v = torch.cmul(c, z):add(1)
      local positive = torch.gt(v, 0)
      v = torch.cmax(v, 1e-10):pow(3)
      local bound = torch.cmul(z, z):mul(0.5):add(d):add(-1, torch.cmul(d, v)):add(torch.cmul(d, torch.log(v)))
      local taken = torch.lt(torch.log(u), bound):cmul(positive):cmul(open)
      samples:addcmul(1, taken:typeAs(shape), torch.cmul(d, v))
      open:add(-1, taken)
   end
   local small = torch.lt(shape, 1)
   if small:sum() > 0 then
      local boost = torch.cpow(torch.rand(shape:size()):typeAs(shape), torch.pow(shape, -1))
      samples[small] = torch.cmul(samples, boost)[small]
   end
   return samples
end

-- The slope of ln Γ: recurrence to arguments above 6, then the asymptotic series.
local function digamma(x)
   x = x:clone()
   local result = x:clone():zero()
   for _ = 1, 6 do
      result:add(-1, torch.pow(x, -1))
      x:add(1)
   end
   local inverse = torch.pow(x, -2)
   local series = torch.mul(inverse, -1 / 252):add(1 / 120):cmul(inverse):add(-1 / 12):cmul(inverse)
   return result:add(torch.log(x)):add(-0.5, torch.pow(x, -1)):add(series)
end

-- Shapes k and scales t.
local Gamma = torch.class('nn.ReinforceGamma', 'nn.Reinforce')
function Gamma:__init(scale, stochastic)
   native.expect('nn.ReinforceGamma', '([scale][, stochastic=false])', 'scale', 'number?', scale)
   Reinforce.__init(self, stochastic)
   self.scale = scale
end
function Gamma:updateOutput(input)
   local shape, scale = pair_of(self, input, 'scale')
   local samples = self:draws() and gamma_samples(shape) or shape
   self.output:resizeAs(shape):cmul(samples, scale)
   return self.output
end
function Gamma:updateGradInput(input)
   local shape, scale = pair_of(self, input, 'scale')
   local of_shape = torch.log(self.output):add(-1, digamma(shape)):add(-1, torch.log(scale))
   local of_scale = torch.cdiv(self.output, torch.cmul(scale, scale)):add(-1, torch.cdiv(shape, scale))
   return pair_gradients(self, input, of_shape, of_scale)
end

---------------------------------------------------------------------------------------------------------------
-- Criteria of {scores, baseline}: the reward is `scale` where the class is right; all samplers in `module` get what it is above the baseline.

local function rewarding(name, right)
   local class, Criterion = torch.class('nn.' .. name, 'nn.Criterion')
   function class:__init(module, scale, criterion)
      native.expect('nn.' .. name, '(module[, scale=1][, criterion=MSECriterion])', 'module', 'module', module,
         'scale', 'number?', scale, 'criterion', 'criterion?', criterion)
      Criterion.__init(self)
      self.module, self.scale, self.criterion = module, scale or 1, criterion or nn.MSECriterion()
      self.sizeAverage = true
      self.gradInput = {native.empty()}
   end
   function class:updateOutput(input, target)
      self.reward = right(input[1], target):typeAs(input[1]):mul(self.scale)
      self.output = self.sizeAverage and -self.reward:mean() or -self.reward:sum()
      return self.output
   end
   function class:updateGradInput(input, target)
      local scores, baseline = input[1], input[2]:contiguous():view(-1)
      self.vrReward = torch.add(self.reward, -1, baseline)
      if self.sizeAverage then self.vrReward:div(scores:size(1)) end
      self.module:reinforce(self.vrReward)
      local of_baseline = self.criterion:backward(baseline, self.reward)
      self.gradInput = {scores:clone():zero(), of_baseline:clone():viewAs(input[2])}
      return self.gradInput
   end
   -- The module is the network that learns, which is converted by whoever owns it.
   function class:type(typename, cache)
      local module = self.module
      self.module = nil
      local result = Criterion.type(self, typename, cache)
      self.module = module
      return result
   end
end

rewarding('VRClassReward', function(scores, target)
   local _, best = scores:max(2)
   return torch.eq(best:select(2, 1):long(), target:long():view(-1))
end)

rewarding('BinaryClassReward', function(scores, target)
   return torch.eq(torch.gt(scores:contiguous():view(-1), 0.5):long(), target:long():view(-1))
end)
