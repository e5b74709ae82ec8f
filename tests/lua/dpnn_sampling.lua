-- dpnn's modules that draw: their distributions, their slopes against finite differences of the log-probability, rewards;
-- noise-contrastive estimation, glimpses, binary convolution, Serial.
require 'dpnn'
torch.setdefaulttensortype('torch.DoubleTensor')
torch.manualSeed(3)

local differences = ...
local function near(a, b, what, tolerance)
   local difference = torch.isTensor(a) and (a - b):abs():max() or math.abs(a - b)
   assert(difference < (tolerance or 1e-6), what .. ': off by ' .. tostring(difference))
end

-- Slopes of log f(sample, parameter) by finite differences, against gradInput / -reward.
local function slope(module, input, log_probability, pick)
   module:forward(input)
   local reward = torch.Tensor(input[1] and torch.isTensor(input) and input:size(1) or input[1]:size(1)):fill(2)
   module:reinforce(reward)
   local gradient = module:backward(input, nil)
   local parameter = pick and input[pick] or input
   gradient = pick and gradient[pick] or gradient
   for i = 1, 3 do
      local flat = parameter:view(-1)
      local old = flat[i]
      flat[i] = old + 1e-5
      local above = log_probability(module.output)
      flat[i] = old - 1e-5
      local below = log_probability(module.output)
      flat[i] = old
      near(gradient:view(-1)[i], -2 * (above - below) / 2e-5, torch.type(module), 1e-4)
   end
end

local mean, stdev = torch.randn(4, 3), torch.rand(4, 3):add(0.5)
local function normal(x)
   return -torch.cdiv(x - mean, stdev):pow(2):sum() / 2 - torch.log(stdev):sum()
end
slope(nn.ReinforceNormal(), {mean, stdev}, normal, 1)
slope(nn.ReinforceNormal(), {mean, stdev}, normal, 2)
local p = torch.rand(4, 3):mul(0.8):add(0.1)
slope(nn.ReinforceBernoulli(), p, function(x)
   return torch.log(torch.cmul(x, p) + torch.cmul(torch.add(torch.mul(x, -1), 1), torch.add(torch.mul(p, -1), 1))):sum()
end)
slope(nn.ReinforceCategorical(), p, function(x) return torch.cmul(x, torch.log(p)):sum() end)
-- Of a gamma distribution of scale t: (k - 1) ln x - x / t - k ln t - ln Γ(k); Γ(5) = 24, and its slope is known.
local shape, scale = torch.Tensor(4, 3):fill(5), torch.rand(4, 3):add(0.5)
local gamma = nn.ReinforceGamma()
slope(gamma, {shape, scale}, function(x)
   return -torch.cdiv(x, scale):sum() - torch.cmul(shape, torch.log(scale)):sum()
end, 2)
local of_shape = gamma:backward({shape, scale}, nil)[1]
near(of_shape, (torch.log(gamma.output) - 1.5061176684318 - torch.log(scale)) * -2, 'the slope by the shape')
for _, k in ipairs{0.5, 3} do
   local drawn = nn.ReinforceGamma(2):forward(torch.Tensor(100, 200):fill(k))
   near(drawn:mean(), 2 * k, 'mean of a gamma distribution', 0.1)
   near(drawn:var(), 4 * k, 'variance of a gamma distribution', 0.4)
end
local quiet = nn.ReinforceNormal(1)
quiet:evaluate()
near(quiet:forward(mean), mean, 'no draws in an evaluation')
assert(not pcall(quiet.backward, quiet, mean, nil), 'a gradient without a reward')

-- A bandit: the reward teaches which of three arms is right.
local arm = nn.Sequential():add(nn.Linear(1, 3)):add(nn.SoftMax()):add(nn.ReinforceCategorical())
local agent = nn.Sequential():add(nn.ConcatTable():add(arm):add(nn.Linear(1, 1)))
local loss = nn.VRClassReward(agent)
local ones, right = torch.ones(20, 1), torch.Tensor(20):fill(2)
for _ = 1, 150 do
   agent:zeroGradParameters()
   loss:forward(agent:forward(ones), right)
   agent:backward(ones, loss:backward(agent.output, right))
   agent:updateParameters(0.5)
end
agent:evaluate()
assert(arm:forward(ones)[1][2] > 0.9, 'the agent has not learned')

-- Noise-contrastive estimation: with the batch's draws fixed its gradient is that of the loss.
local nce, criterion = nn.NCEModule(3, 20, 4, torch.range(1, 20), 1), nn.NCECriterion()
local x, classes = torch.randn(5, 3), torch.LongTensor{1, 5, 9, 20, 5}
for _, batchnoise in ipairs{true, false} do
   nce.batchnoise = batchnoise
   nce.unigrams:div(nce.unigrams:sum())
   local kept = nn.NCEModule.noiseSample(nce, torch.LongTensor(), batchnoise and 1 or 5, 4)
   nce.noiseSample = function(_, into) return into:resizeAs(kept):copy(kept) end
   local parameters, gradients = nce:getParameters()
   local function value() return criterion:forward(nce:forward{x, classes}) end
   value()
   nce:zeroGradParameters()
   local gradient = nce:backward({x, classes}, criterion:backward(nce.output))[1]:clone()
   for _, pair in ipairs{{parameters, gradients}, {x:view(-1), gradient:view(-1)}} do
      differences(pair[1], pair[2], value, 5, function(slope, found) near(found, slope, 'NCE', 1e-5) end)
   end
end
nce:evaluate()
nce.normalized = true
near(nce:forward{x, classes}:sum(2), torch.ones(5, 1), 'probabilities of all classes')

-- Glimpses: the middle as it is, then twice as much of it, averaged.
local glimpse, picture = nn.SpatialGlimpse(2, 2), torch.range(1, 64):view(1, 1, 8, 8)
local seen = glimpse:forward{picture, torch.zeros(1, 2)}
near(seen[1][1], picture[1][1]:narrow(1, 4, 2):narrow(2, 4, 2), 'the middle')
near(seen[1][2][1][1], picture[1][1]:narrow(1, 3, 2):narrow(2, 3, 2):mean(), 'twice as much')
near(glimpse:backward({picture, torch.zeros(1, 2)}, torch.ones(1, 2, 2, 2))[1]:sum(), 8, 'its gradient')

-- Binary weights: signs times a mean.
local binary = nn.SpatialBinaryConvolution(1, 2, 3, 3)
local plain = nn.SpatialConvolution(1, 2, 3, 3)
plain.bias:copy(binary.bias)
for o = 1, 2 do plain.weight[o]:copy(torch.sign(binary.weight[o]) * binary.weight[o]:clone():abs():mean()) end
near(binary:forward(picture), plain:forward(picture), 'binary convolution')
binary:zeroGradParameters()
plain:zeroGradParameters()
near(binary:backward(picture, binary.output), plain:backward(picture, binary.output), 'its gradient')
local alpha = binary.weight[1]:clone():abs():mean()
near(binary.gradWeight[1], plain.gradWeight[1] * (1 / 9 + alpha), 'the gradient of its weights')

-- What a Serial leaves out of a copy.
local net = nn.Sequential():extend(nn.Linear(3, 4), nn.Tanh())
net:forward(torch.randn(2, 3))
local light = net:Serial():lightSerial('torch.FloatTensor'):clone()
assert(light.modules[1].output:nElement() == 0 and light.modules[1]:get(1).gradWeight:nElement() == 0)
assert(light:forward(torch.randn(2, 3):float()):size(2) == 4 and net.output:nElement() == 8)

-- Rewards of classes: `scale` for a right one; samplers get what it is above the baseline, which learns it by its own criterion.
local sampler, got = nn.ReinforceBernoulli(), nil
function sampler:reinforce(reward) got = reward:clone() end
for _, case in ipairs{
   {nn.BinaryClassReward(sampler, 3), torch.Tensor{0.9, 0.2, 0.4, 0.6}, torch.Tensor{1, 1, 0, 0}},
   {nn.VRClassReward(sampler, 3), torch.Tensor{{0, 1}, {1, 0}, {0, 2}, {0, 1}}, torch.Tensor{2, 2, 2, 1}},
} do
   local criterion, scores, target = unpack(case)
   local baseline, rewards = torch.Tensor{1, 2, 3, 0.5}, torch.Tensor{3, 0, 3, 0}
   for _, average in ipairs{true, false} do
      criterion.sizeAverage = average
      local n = average and 4 or 1
      near(criterion:forward({scores, baseline}, target), -6 / n, torch.type(criterion))
      local gradient = criterion:backward({scores, baseline}, target)
      near(got, (rewards - baseline) / n, torch.type(criterion) .. ', what samplers get')
      near(gradient[1], scores:clone():zero(), torch.type(criterion) .. ', of the scores')
      near(gradient[2], (baseline - rewards) * 2 / 4, torch.type(criterion) .. ', of the baseline')
   end
   assert(criterion:float().module == sampler)
   criterion:double()
end

-- nnx: bilinear, corners on corners, by size or by factors.
require 'nnx'
local picture = torch.Tensor{{0, 3}, {6, 9}}:view(1, 2, 2)
near(nn.SpatialReSampling{owidth = 4, oheight = 2}:forward(picture), torch.Tensor{{0, 1, 2, 3}, {6, 7, 8, 9}}:view(1, 2, 4), 'SpatialReSampling')
local twice = nn.SpatialReSampling{rwidth = 2, rheight = 1.5}
assert(table.concat(twice:forward(torch.randn(2, 3, 4, 5)):size():totable(), ' ') == '2 3 6 10')
near(nn.Jacobian.testJacobian(nn.SpatialReSampling{owidth = 5, oheight = 3}, torch.randn(2, 4, 3)), 0, 'SpatialReSampling, gradInput', 1e-5)
assert(not pcall(nn.SpatialReSampling, {owidth = 4}))
