-- nn.WeightNorm: the weight of a module as g · v / ‖v‖, row by row of one of its dims; and what nn.LinearWeightNorm, which
-- is the same for a linear layer and lowered natively, has beside its Rust file.
--
-- v and g are what it learns. A lowered network runs it, and the module inside, in Lua.

local torch, nn = ...

local WeightNorm, Decorator = torch.class('nn.WeightNorm', 'nn.Decorator')

function WeightNorm:__init(module, outputDim)
   Decorator.__init(self, module)
   assert(module.weight, 'the module has no weight')
   self.outputDim = outputDim or 1
   self.weight, self.gradWeight = module.weight, module.gradWeight
   self.bias, self.gradBias = module.bias, module.gradBias
   self.weightSize = self.weight:size()
   local rows = self.weight:size(self.outputDim)
   self.viewIn = torch.LongStorage{rows, self.weight:nElement() / rows}
   self.v, self.g = torch.Tensor(self.viewIn), torch.Tensor(rows, 1)
   self.gradV, self.gradG = torch.Tensor(self.viewIn):zero(), torch.Tensor(rows, 1):zero()
   self:resetInit()
end

function WeightNorm:resetInit()
   self.v:normal(0, math.sqrt(2 / self.viewIn[2]))
   self.g:copy(self.v:norm(2, 2))
   if self.bias then self.bias:zero() end
end

-- A weight with its output dim in front, as a matrix; and back.
function WeightNorm:permuteIn(weight)
   for d = self.outputDim - 1, 1, -1 do weight = weight:transpose(d, d + 1) end
   return weight
end

function WeightNorm:permuteOut(weight)
   for d = 1, self.outputDim - 1 do weight = weight:transpose(d, d + 1) end
   return weight
end

-- ‖v‖ of each row, kept away from 0, and g / ‖v‖, both as wide as v.
local function norms(self)
   local norm = self.v:norm(2, 2):pow(2):add(1e-4):sqrt()
   local scale = torch.cdiv(self.g:view(-1, 1), norm)
   return norm:expandAs(self.v), scale:expandAs(self.v)
end

function WeightNorm:updateWeight()
   local _, scale = norms(self)
   local front = self:permuteIn(self.weight)
   front:copy(torch.cmul(self.v, scale))
end

function WeightNorm:evaluate()
   if self.train ~= false then self:updateWeight() end
   Decorator.evaluate(self)
end

function WeightNorm:updateOutput(input)
   if self.train ~= false then self:updateWeight() end
   self.output = self.modules[1]:updateOutput(input)
   return self.output
end

-- What the child adds to its gradient is a step along the weight: it is carried over to v and g.
function WeightNorm:accGradParameters(input, gradOutput, scale)
   local child = self.modules[1]
   self.gradWeight:zero()
   child:accGradParameters(input, gradOutput, scale or 1)
   local norm, factor = norms(self)
   local gradient = self:permuteIn(self.gradWeight):contiguous():view(self.viewIn)
   local along = torch.cmul(gradient, self.v):cdiv(norm):sum(2)
   self.gradG:add(along)
   self.gradV:add(torch.cmul(gradient, factor))
   self.gradV:add(-1, torch.cmul(self.v, factor):cdiv(norm):cmul(along:expandAs(self.v)))
end

function WeightNorm:zeroGradParameters()
   self.modules[1]:zeroGradParameters()
   self.gradV:zero()
   self.gradG:zero()
end

function WeightNorm:updateParameters(rate)
   self.v:add(-rate, self.gradV)
   self.g:add(-rate, self.gradG)
   if self.bias then self.bias:add(-rate, self.gradBias) end
end

function WeightNorm:parameters()
   return {self.v, self.g, self.bias}, {self.gradV, self.gradG, self.gradBias}
end

-- weight and gradWeight follow from v and g: they are not written.
local DERIVED = {'weight', 'gradWeight'}

function WeightNorm:write(file)
   local child, kept, fields = self.modules[1], {}, {}
   for _, name in ipairs(DERIVED) do
      kept[name] = child[name]
      child[name] = nil
   end
   for name, value in pairs(self) do
      if not kept[name] then fields[name] = value end
   end
   local ok, message = pcall(file.writeObject, file, fields)
   for name, tensor in pairs(kept) do child[name] = tensor end
   if not ok then error(message, 0) end
end

function WeightNorm:read(file)
   for name, value in pairs(file:readObject()) do self[name] = value end
   if self.weight then return end
   local child = self.modules[1]
   for _, name in ipairs(DERIVED) do
      self[name] = self.v.new(self.weightSize):zero()
      child[name] = self[name]
   end
   self:updateWeight()
end

---------------------------------------------------------------------------------------------------------------

local LinearWeightNorm, Module = torch.class('nn.LinearWeightNorm', 'nn.Module')

function LinearWeightNorm:parameters()
   return {self.v, self.g, self.bias}, {self.gradV, self.gradG, self.gradBias}
end

-- v and g that give this weight.
function LinearWeightNorm:initFromWeight(weight)
   weight = weight or self.weight
   self.g:copy(weight:norm(2, 2)):clamp(self.eps, math.huge)
   self.v:copy(weight)
   return self
end

function LinearWeightNorm:updateWeightMatrix()
   local scale = torch.cdiv(self.g, self.v:norm(2, 2):clamp(self.eps, math.huge))
   self.weight:resizeAs(self.v):cmul(self.v, scale:expandAs(self.v))
end

function LinearWeightNorm:evaluate()
   if self.train ~= false then self:updateWeightMatrix() end
   Module.evaluate(self)
end

local function copy_bias(from, to)
   if from.bias then to.bias:copy(from.bias) end
   return to
end

function LinearWeightNorm.fromLinear(linear)
   local weight = linear.weight
   local module = nn.LinearWeightNorm(weight:size(2), weight:size(1), linear.bias ~= nil)
   module.weight:copy(weight)
   return copy_bias(linear, module:initFromWeight())
end

function LinearWeightNorm:toLinear()
   self:updateWeightMatrix()
   local module = nn.Linear(self.inputSize, self.outputSize, self.bias ~= nil)
   module.weight:copy(self.weight)
   return copy_bias(self, module)
end

function LinearWeightNorm:defaultAccUpdateGradParameters(input, gradOutput, lr)
   local gradV, gradG, gradBias = self.gradV, self.gradG, self.gradBias
   self.gradV, self.gradG, self.gradBias = self.v, self.g, self.bias
   self:accGradParameters(input, gradOutput, -lr)
   self.gradV, self.gradG, self.gradBias = gradV, gradG, gradBias
end
