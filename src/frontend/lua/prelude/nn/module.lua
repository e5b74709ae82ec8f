-- nn.Module and nn.Criterion: what every layer and every loss can do (spec section 1.2).
--
-- The classes written in Rust get their updateOutput, updateGradInput, accGradParameters, reset and __tostring__ from
-- src/frontend/lua/library/specs.rs.

local torch, nn, native = ...

local Module = torch.class('nn.Module')

function Module:__init()
   self.gradInput = native.empty()
   self.output = native.empty()
   self._type = torch.typename(self.output)
end

function Module:parameters()
   if self.weight and self.bias then
      return {self.weight, self.bias}, {self.gradWeight, self.gradBias}
   elseif self.weight then
      return {self.weight}, {self.gradWeight}
   elseif self.bias then
      return {self.bias}, {self.gradBias}
   end
end

function Module:updateOutput(input)
   return self.output
end

function Module:forward(input)
   return self:updateOutput(input)
end

function Module:backward(input, gradOutput, scale)
   scale = scale or 1
   self:updateGradInput(input, gradOutput)
   self:accGradParameters(input, gradOutput, scale)
   return self.gradInput
end

function Module:backwardUpdate(input, gradOutput, lr)
   self:updateGradInput(input, gradOutput)
   self:accUpdateGradParameters(input, gradOutput, lr)
   return self.gradInput
end

function Module:updateGradInput(input, gradOutput)
   return self.gradInput
end

function Module:accGradParameters(input, gradOutput, scale)
end

function Module:accUpdateGradParameters(input, gradOutput, lr)
   if self.shared then
      self:sharedAccUpdateGradParameters(input, gradOutput, lr)
   else
      self:defaultAccUpdateGradParameters(input, gradOutput, lr)
   end
end

function Module:defaultAccUpdateGradParameters(input, gradOutput, lr)
   local gradWeight, gradBias = self.gradWeight, self.gradBias
   self.gradWeight, self.gradBias = self.weight, self.bias
   self:accGradParameters(input, gradOutput, -lr)
   self.gradWeight, self.gradBias = gradWeight, gradBias
end

function Module:sharedAccUpdateGradParameters(input, gradOutput, lr)
   if self:parameters() then
      self:zeroGradParameters()
      self:accGradParameters(input, gradOutput, 1)
      self:updateParameters(lr)
   end
end

function Module:zeroGradParameters()
   local _, gradients = self:parameters()
   for _, gradient in ipairs(gradients or {}) do gradient:zero() end
end

function Module:updateParameters(learningRate)
   local parameters, gradients = self:parameters()
   for i, parameter in ipairs(parameters or {}) do parameter:add(-learningRate, gradients[i]) end
end

function Module:training()
   self.train = true
end

function Module:evaluate()
   self.train = false
end

function Module:reset()
end

-- Every tensor in every field, tables and modules included; one cache a call keeps sharing.
local function convert(value, typename, cache, seen)
   local kind = torch.type(value)
   if native.is_tensor(value) then
      return native.convert(value, typename, cache)
   elseif type(value) == 'table' then
      if seen[value] then return value end
      seen[value] = true
      if torch.isTypeOf(value, 'nn.Module') or torch.isTypeOf(value, 'nn.Criterion') then
         value:type(typename, cache)
      else
         for key, entry in pairs(value) do
            if type(entry) == 'table' or type(entry) == 'userdata' then
               value[key] = convert(entry, typename, cache, seen)
            end
         end
      end
   end
   return value
end

local function type_method(self, typename, cache)
   if not typename then return self._type end
   typename = native.full_typename(typename)
   cache = native.cache_of(cache)
   local seen = {[self] = true}
   for key, value in pairs(self) do
      if type(value) == 'table' or type(value) == 'userdata' then
         self[key] = convert(value, typename, cache, seen)
      end
   end
   self._type = typename
   native.forget(self)
   return self
end

Module.type = type_method

local conversions = {
   float = 'torch.FloatTensor', double = 'torch.DoubleTensor', half = 'torch.HalfTensor',
   cuda = 'torch.CudaTensor', cudaDouble = 'torch.CudaDoubleTensor', cudaHalf = 'torch.CudaHalfTensor',
}
for name, typename in pairs(conversions) do
   Module[name] = function(self, cache) return self:type(typename, cache) end
end

-- Parameters in one vector, to which they all are re-pointed.
function Module.flatten(parameters)
   return native.flatten(parameters or {})
end

function Module:getParameters()
   local parameters, gradients = self:parameters()
   local flat, gradient = Module.flatten(parameters), Module.flatten(gradients)
   assert(flat:nElement() == gradient:nElement(), 'check that you are sharing parameters and gradParameters')
   for i, parameter in ipairs(parameters or {}) do
      if not gradients[i] or parameter:storageOffset() ~= gradients[i]:storageOffset() then
         error('misaligned parameter at ' .. i, 2)
      end
   end
   return flat, gradient
end

-- A deep copy. Functions are shared, not copied: they hold no state that a module of this kind changes.
function Module:clone(...)
   local names = {...}
   local copy = native.copy_without(self, names, #names > 0 and self:sharers() or nil)
   if #names > 0 then copy:share(self, ...) end
   return copy
end

-- The modules whose fields `share` re-points: a copy of them need not copy these fields.
function Module:sharers(list)
   list = list or {}
   if self.share == Module.share then list[#list + 1] = self end
   return list
end

function Module:share(other, ...)
   for _, name in ipairs({...}) do
      if self[name] ~= nil then
         self[name]:set(other[name])
         self.shared, other.shared = true, true
      end
   end
   return self
end

function Module:apply(f)
   f(self)
   for _, child in ipairs(self.modules or {}) do child:apply(f) end
end

function Module:replace(f)
   local out = f(self)
   if self.modules then
      for i, child in ipairs(self.modules) do self.modules[i] = child:replace(f) end
   end
   return out
end

function Module:findModules(typename, container)
   container = container or self
   local nodes, containers = {}, {}
   if torch.typename(self) == typename then
      nodes[1], containers[1] = self, container
   end
   for _, child in ipairs(self.modules or {}) do
      local found, where = child:findModules(typename, self)
      for i = 1, #found do
         nodes[#nodes + 1], containers[#containers + 1] = found[i], where[i]
      end
   end
   return nodes, containers
end

function Module:listModules()
   local list = {}
   self:apply(function(module) list[#list + 1] = module end)
   return list
end

function Module:clearState()
   native.forget(self)
   return nn.utils.clear(self, 'output', 'gradInput', unpack(native.buffers(self)))
end

function Module:__call__(input, gradOutput)
   self:forward(input)
   if gradOutput ~= nil then
      self:backward(input, gradOutput)
      return self.output, self.gradInput
   end
   return self.output
end

local Criterion = torch.class('nn.Criterion')

function Criterion:__init()
   self.gradInput = native.empty()
   self.output = 0
   self._type = torch.typename(self.gradInput)
end

function Criterion:updateOutput(input, target)
end

function Criterion:forward(input, target)
   return self:updateOutput(input, target)
end

function Criterion:backward(input, target)
   return self:updateGradInput(input, target)
end

function Criterion:updateGradInput(input, target)
end

Criterion.clone = Module.clone
function Criterion:sharers() return {} end
Criterion.type = type_method
for name, typename in pairs(conversions) do
   Criterion[name] = function(self, cache) return self:type(typename, cache) end
end

function Criterion:__call__(input, target)
   self.output = self:forward(input, target)
   self.gradInput = self:backward(input, target)
   return self.output, self.gradInput
end
