-- dpnn: what it adds to every module, and its small modules (spec section 2.9).

local torch, nn, native, packages = ...
local dpnn = packages.dpnn
local Module = torch.getmetatable('nn.Module')

local function each_child(self, method, ...)
   for _, child in ipairs(self.modules or {}) do child[method](child, ...) end
end

function Module:sparseParameters() return self:parameters() end

-- The size of what the module gives for an input of this size.
function Module:outside(size)
   local input = torch.randn(torch.type(size) == 'table' and torch.LongStorage(size) or size)
   return self:updateOutput(input:typeAs(self.output)):size()
end

function Module:accept(visitor) visitor:visit(self) end

-- Scales rows (and columns) of each parameter of two and more dims to a largest norm.
function Module:maxParamNorm(maxOut, maxIn)
   maxOut, maxIn = self.maxOutNorm or maxOut, self.maxInNorm or maxIn
   if not (maxOut or maxIn) then return end
   if self.modules then return each_child(self, 'maxParamNorm', maxOut, maxIn) end
   for _, parameter in ipairs(self:parameters() or {}) do
      if parameter:dim() > 1 then
         if maxOut and maxOut > 0 then parameter:renorm(2, 1, maxOut) end
         if maxIn and maxIn > 0 then parameter:renorm(2, 2, maxIn) end
      end
   end
end

-- Scales the gradients down to a largest norm, all together or module by module; gives the norm.
function Module:gradParamClip(cutoff, moduleLocal)
   cutoff = self.cutoffNorm or cutoff
   if cutoff <= 0 then return end
   if self.moduleLocal ~= nil then moduleLocal = self.moduleLocal end
   local square = 0
   if moduleLocal and self.modules then
      for _, child in ipairs(self.modules) do square = square + (child:gradParamClip(cutoff, true) or 0) ^ 2 end
      return math.sqrt(square)
   end
   local _, gradients = self:parameters()
   for _, gradient in ipairs(gradients or {}) do square = square + gradient:norm() ^ 2 end
   local norm = math.sqrt(square)
   if cutoff < norm then
      for _, gradient in ipairs(gradients) do gradient:mul(cutoff / norm) end
   end
   return norm
end

function Module:weightDecay(factor, least_dims)
   factor, least_dims = self.wdFactor or factor, self.wdMinDim or least_dims or 2
   if factor <= 0 then return end
   if self.modules then return each_child(self, 'weightDecay', factor, least_dims) end
   local parameters, gradients = self:parameters()
   for i, parameter in ipairs(parameters or {}) do
      if parameter:dim() >= least_dims then gradients[i]:add(factor, parameter) end
   end
end

function Module:momentumGradParameters()
   if not self.momGradParams then
      local _, gradients = self:parameters()
      if not gradients or #gradients == 0 then return end
      self.momGradParams = {}
      for i, gradient in ipairs(gradients) do self.momGradParams[i] = gradient:clone() end
      return self.momGradParams, true
   end
   return self.momGradParams
end

-- Replaces the gradients by their running mean, or by Nesterov's look ahead.
function Module:updateGradParameters(factor, dampening, nesterov)
   factor = self.momFactor or factor
   if factor <= 0 then return end
   dampening = self.momDamp or dampening or factor
   if self.momNesterov ~= nil then nesterov = self.momNesterov end
   if self.modules then return each_child(self, 'updateGradParameters', factor, dampening, nesterov) end
   local _, gradients = self:parameters()
   local moving, fresh = self:momentumGradParameters()
   for i, gradient in ipairs(moving and gradients or {}) do
      if not fresh then moving[i]:mul(factor):add(1 - dampening, gradient) end
      if nesterov then gradient:add(factor, moving[i]) else gradient:copy(moving[i]) end
   end
end

function Module:checkParameters()
   for i, parameter in ipairs(self:parameters() or {}) do
      local sum = parameter:sum()
      if sum ~= sum then error('NaN Error for param at index' .. i, 2) end
   end
end

function Module:dontBackward()
   for _, method in ipairs{'backward', 'updateGradInput', 'accGradParameters', 'accUpdateGradParameters'} do
      self[method] = function() end
   end
   return self
end

-- Several modules at once.
local Container = torch.getmetatable('nn.Container')
function Container:extend(...)
   for _, module in ipairs{...} do self:add(module) end
   return self
end

function Module:toBatch(tensor, dims, at)
   self.dpnn_online = tensor:dim() == dims
   return self.dpnn_online and nn.utils.addSingletonDimension(tensor, at or 1) or tensor
end

function Module:fromBatch(tensor, at)
   return self.dpnn_online and tensor:select(at or 1, 1) or tensor
end

function Module:reinforce(reward) each_child(self, 'reinforce', reward) end

---------------------------------------------------------------------------------------------------------------

-- Drops the whole input with one throw of the dice.
local TotalDropout, parent = torch.class('nn.TotalDropout', 'nn.Module')
function TotalDropout:__init(p)
   native.expect('nn.TotalDropout', '([p=0.5])', 'p', 'number?', p)
   parent.__init(self)
   self.p, self.train = p or 0.5, true
   if self.p >= 1 or self.p < 0 then error('<TotalDropout> illegal percentage, must be 0 <= p < 1', 2) end
end
function TotalDropout:updateOutput(input)
   self.noise = self.train and torch.bernoulli(1 - self.p) or 1
   self.output = input:clone():mul(self.noise)
   return self.output
end
function TotalDropout:updateGradInput(input, gradOutput)
   self.gradInput = gradOutput:clone():mul(self.noise)
   return self.gradInput
end
function TotalDropout:setp(p) self.p = p end
