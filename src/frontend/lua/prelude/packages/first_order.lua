-- optim, methods that take one gradient a step: `x, {f} = optim.M(opfunc, x, config[, state])` (spec section 4).
--
-- The same rules over flat vectors are in Rust for `digits-rs run` (src/optim); tests/it/optim.rs compares the two.
-- State lives in `state`, or in `config` itself, under Torch's names. x changes in place.

local torch, nn, native, packages = ...
local optim = packages.optim

-- A tensor of x's type and the gradient's size.
local function like(gradient, x)
   return x.new():resizeAs(gradient):zero()
end

-- One step: `rule(config, state, x, gradient)` changes x. `before(config, state, x)` runs ahead of the function.
local function method(name, rule, before)
   optim[name] = function(opfunc, x, config, state)
      config = config or {}
      state = state or config
      if before then before(config, state, x) end
      local value, gradient = opfunc(x)
      local decay = config.weightDecay or 0
      if decay ~= 0 then gradient:add(decay, x) end
      local more = rule(config, state, x, gradient)
      return x, {value}, more
   end
end

-- Learning rate after decay; t counts the steps taken.
local function rate(config, default, t)
   return (config.learningRate or default) / (1 + t * (config.learningRateDecay or 0))
end

-- x <- x - size * step, where single parameters may have rates of their own.
local function descend(config, state, x, size, step)
   if config.learningRates then
      state.deltaParameters = state.deltaParameters or like(step, x)
      step = state.deltaParameters:copy(config.learningRates):cmul(step)
   end
   x:add(-size, step)
   return step
end

method('sgd', function(config, state, x, gradient)
   local momentum = config.momentum or 0
   local dampening = config.dampening or momentum
   if (config.weightDecay or 0) == 0 and config.weightDecays then
      state.decayParameters = state.decayParameters or like(gradient, x)
      gradient:add(state.decayParameters:copy(config.weightDecays):cmul(x))
   end
   if momentum ~= 0 then
      if state.dfdx then
         state.dfdx:mul(momentum):add(1 - dampening, gradient)
      else
         state.dfdx = like(gradient, gradient):copy(gradient)
      end
      gradient = config.nesterov and gradient:add(momentum, state.dfdx) or state.dfdx
   end
   descend(config, state, x, rate(config, 1e-3, state.evalCounter), gradient)
   state.evalCounter = state.evalCounter + 1
end, function(config, state)
   local momentum = config.momentum or 0
   assert(not config.nesterov or (momentum > 0 and (config.dampening or momentum) == 0),
      'Nesterov momentum requires a momentum and zero dampening')
   state.evalCounter = state.evalCounter or 0
end)

method('nag', function(config, state, x, gradient)
   local size = rate(config, 1e-3, state.evalCounter)
   if state.dfdx then
      state.dfdx:mul(config.momentum or 0.9)
   else
      state.dfdx = like(gradient, gradient)
   end
   state.dfdx:add(-size, descend(config, state, x, size, gradient))
   state.evalCounter = state.evalCounter + 1
end, function(config, state, x)
   local momentum = config.momentum or 0.9
   if momentum <= 0 then error('Momentum must be positive for Nesterov Accelerated Gradient', 3) end
   state.evalCounter = state.evalCounter or 0
   if state.dfdx then x:add(momentum, state.dfdx) end
end)

method('asgd', function(config, state, x, gradient)
   x:mul(1 - config.lambda * state.eta_t):add(-state.eta_t, gradient)
   state.ax = state.ax or like(x, x)
   state.tmp = state.tmp or like(x, x)
   if state.mu_t == 1 then
      state.ax:copy(x)
   else
      state.ax:add(state.mu_t, state.tmp:copy(x):add(-1, state.ax))
   end
   state.t = state.t + 1
   state.eta_t = config.eta0 / (1 + config.lambda * config.eta0 * state.t) ^ config.alpha
   state.mu_t = 1 / math.max(1, state.t - config.t0)
   return state.ax
end, function(config, state)
   config.eta0, config.lambda = config.eta0 or 1e-4, config.lambda or 1e-4
   config.alpha, config.t0 = config.alpha or 0.75, config.t0 or 1e6
   state.eta_t, state.mu_t, state.t = state.eta_t or config.eta0, state.mu_t or 1, state.t or 0
end)

-- m and v: decaying means of the gradient and of its square.
method('adam', function(config, state, x, gradient)
   local beta1, beta2 = config.beta1 or 0.9, config.beta2 or 0.999
   state.m = state.m or like(gradient, x)
   state.v = state.v or like(gradient, x)
   state.denom = state.denom or like(gradient, x)
   local size = rate(config, 1e-3, state.t)
   state.t = state.t + 1
   state.m:mul(beta1):add(1 - beta1, gradient)
   state.v:mul(beta2):addcmul(1 - beta2, gradient, gradient)
   state.denom:copy(state.v):sqrt():add(config.epsilon or 1e-8)
   size = size * math.sqrt(1 - beta2 ^ state.t) / (1 - beta1 ^ state.t)
   x:addcdiv(-size, state.m, state.denom)
end, function(config, state) state.t = state.t or 0 end)

-- u: the largest gradient of late, older ones fading.
method('adamax', function(config, state, x, gradient)
   local beta1, beta2 = config.beta1 or 0.9, config.beta2 or 0.999
   state.m = state.m or like(gradient, x)
   state.u = state.u or like(gradient, x)
   state.max = state.max or like(gradient, x)
   state.t = state.t + 1
   state.m:mul(beta1):add(1 - beta1, gradient)
   state.max:copy(gradient):abs():add(config.epsilon or 1e-38)
   state.u:mul(beta2):cmax(state.max)
   x:addcdiv(-(config.learningRate or 2e-3) / (1 - beta1 ^ state.t), state.m, state.u)
end, function(config, state) state.t = state.t or 0 end)

method('adagrad', function(config, state, x, gradient)
   state.paramVariance = state.paramVariance or like(gradient, x)
   state.paramStd = state.paramStd or like(gradient, x)
   state.paramVariance:addcmul(1, gradient, gradient)
   state.paramStd:copy(state.paramVariance):sqrt():add(1e-10)
   x:addcdiv(-rate(config, 1e-3, state.evalCounter), gradient, state.paramStd)
   state.evalCounter = state.evalCounter + 1
end, function(config, state) state.evalCounter = state.evalCounter or 0 end)

method('rmsprop', function(config, state, x, gradient)
   local alpha = config.alpha or 0.99
   state.m = state.m or like(gradient, x):fill(config.initialMean or 0)
   state.tmp = state.tmp or like(gradient, x)
   state.m:mul(alpha):addcmul(1 - alpha, gradient, gradient)
   state.tmp:copy(state.m):sqrt():add(config.epsilon or 1e-8)
   x:addcdiv(-(config.learningRate or 1e-2), gradient, state.tmp)
end)

method('adadelta', function(config, state, x, gradient)
   local rho, eps = config.rho or 0.9, config.eps or 1e-6
   for _, name in ipairs{'paramVariance', 'paramStd', 'delta', 'accDelta'} do
      state[name] = state[name] or like(gradient, x)
   end
   state.paramVariance:mul(rho):addcmul(1 - rho, gradient, gradient)
   state.paramStd:copy(state.paramVariance):add(eps):sqrt()
   state.delta:copy(state.accDelta):add(eps):sqrt():cdiv(state.paramStd):cmul(gradient)
   x:add(-1, state.delta)
   state.accDelta:mul(rho):addcmul(1 - rho, state.delta, state.delta)
   state.evalCounter = state.evalCounter + 1
end, function(config, state) state.evalCounter = state.evalCounter or 0 end)

-- A step size for each parameter: larger while its gradient keeps its sign, smaller after a change, and then no step.
function optim.rprop(opfunc, x, config, state)
   config = config or {}
   state = state or config
   local values = {}
   for i = 1, config.niter or 1 do
      local value, gradient = opfunc(x)
      if not state.delta then
         state.delta = like(gradient, gradient)
         state.stepsize = like(gradient, gradient):fill(config.stepsize or 0.1)
         state.sign = like(gradient, gradient)
      end
      state.sign:copy(gradient):cmul(state.delta)
      state.psign, state.nsign = state.sign:gt(0), state.sign:lt(0)
      state.sign:fill(1)
      state.sign:maskedFill(state.psign, config.etaplus or 1.2)
      state.sign:maskedFill(state.nsign, config.etaminus or 0.5)
      state.stepsize:cmul(state.sign)
      state.stepsize:clamp(config.stepsizemin or 1e-6, config.stepsizemax or 50)
      gradient:maskedFill(state.nsign, 0)
      state.sign:copy(gradient):sign()
      x:addcmul(-1, state.sign, state.stepsize)
      state.delta:copy(gradient)
      values[i] = value
   end
   return x, values
end

-- How far a gradient is from central differences: relative distance, the gradient, the differences.
function optim.checkgrad(opfunc, x, eps)
   eps = eps or 1e-7
   local _, gradient = opfunc(x)
   gradient = gradient:clone():resize(x:size())
   local numeric = gradient:clone():zero()
   for i = 1, gradient:size(1) do
      local kept = x[i]
      x[i] = kept + eps
      local above = opfunc(x)
      x[i] = kept - eps
      local below = opfunc(x)
      x[i] = kept
      if torch.isTensor(above) then above, below = above[1], below[1] end
      numeric[i] = (above - below) / (2 * eps)
   end
   return torch.norm(gradient - numeric) / torch.norm(gradient + numeric), gradient, numeric
end
