-- inn: the fixed affine layer that stands for a trained batch normalisation, and inn.utils, which puts it there.

local torch, nn, native, packages = ...
local inn = packages.inn

-- y = a x + b for each plane of [n, planes] or [n, planes, h, w], without learning.
local ConstAffine, Module = torch.class('inn.ConstAffine', 'nn.Module', inn)

function ConstAffine:__init(nOutputPlane, inplace)
   native.expect('inn.ConstAffine', '(nOutputPlane[, inplace=false])', 'nOutputPlane', 'number', nOutputPlane)
   Module.__init(self)
   self.a, self.b = torch.Tensor(nOutputPlane), torch.Tensor(nOutputPlane)
   self.inplace = inplace or false
   self:reset()
end

function ConstAffine:reset()
   self.a:fill(1)
   self.b:zero()
end

-- The numbers of each plane, as wide as the input.
local function spread(values, input)
   local size = torch.LongStorage(input:dim()):fill(1)
   if input:dim() < 2 or input:size(2) ~= values:nElement() then
      error(string.format('inn.ConstAffine: [n, %d] or [n, %d, h, w] is wanted, not %s (size mismatch)', values:nElement(),
         values:nElement(), table.concat(input:size():totable(), ' x ')), 3)
   end
   size[2] = values:nElement()
   return values:view(size):expandAs(input)
end

function ConstAffine:updateOutput(input)
   if self.inplace then self.output:set(input) else self.output:resizeAs(input):copy(input) end
   self.output:cmul(spread(self.a, input)):add(spread(self.b, input))
   return self.output
end

function ConstAffine:updateGradInput(input, gradOutput)
   if self.inplace then self.gradInput:set(gradOutput) else self.gradInput:resizeAs(gradOutput):copy(gradOutput) end
   return self.gradInput:cmul(spread(self.a, input))
end

---------------------------------------------------------------------------------------------------------------

local utils = {}
inn.utils = utils

local function is_normalisation(module) return torch.typename(module):find('BatchNormalization', 1, true) ~= nil end

-- The factor and the summand of each plane that a trained normalisation comes to.
local function factors(norm)
   local a = torch.pow(torch.add(norm.running_var, norm.eps), -0.5)
   local b = torch.cmul(norm.running_mean, a):mul(-1)
   if norm.weight then
      a:cmul(norm.weight)
      b:cmul(norm.weight):add(norm.bias)
   end
   return a, b
end

-- Whether a normalisation's planes are those that the layer before makes.
local FOLDS = {{'SpatialBatchNormalization', 'SpatialConvolution'}, {'VolumetricBatchNormalization', 'VolumetricConvolution'}, {'BatchNormalization', 'Linear'}}
local function folds(norm, before)
   local class, last = torch.typename(norm):match('%.(.*)$'), torch.typename(before):match('%.(.*)$')
   for _, pair in ipairs(FOLDS) do
      if class == pair[1] and last and last:find('^' .. pair[2]) and before.weight then return true end
   end
   return false
end

local function fold(net)
   for i = #net.modules, 1, -1 do
      local norm, before = net.modules[i], net.modules[i - 1]
      if norm.modules then
         fold(norm)
      elseif before and torch.isTypeOf(net, 'nn.Sequential') and is_normalisation(norm) and folds(norm, before) then
         local a, b = factors(norm)
         local planes = before.weight:size(1)
         local matrix = before.weight:view(planes, -1)
         if not before.bias then
            before.bias, before.gradBias = a:clone():zero(), a:clone():zero()
         end
         matrix:cmul(a:view(planes, 1):expandAs(matrix))
         before.bias:cmul(a):add(b)
         net:remove(i)
      end
   end
end

-- Folds each normalisation into the convolution or linear layer before it, in place; what is left over is printed.
function utils.foldBatchNorm(net)
   fold(net)
   local left = {}
   for _, module in ipairs(net:listModules()) do
      if is_normalisation(module) then left[#left + 1] = module end
   end
   if #left > 0 then print("Couldnt fold these:", left) end
end

-- Puts an inn.ConstAffine in the place of each normalisation.
function utils.BNtoFixed(net, inplace)
   return net:replace(function(module)
      if not is_normalisation(module) then return module end
      local fixed = inn.ConstAffine(module.running_mean:nElement(), inplace):type(module.running_mean:type())
      local a, b = factors(module)
      fixed.a:copy(a)
      fixed.b:copy(b)
      return fixed
   end)
end

-- The largest difference that f(net, …) makes to the output.
function utils.testSurgery(input, f, net, ...)
   local before = net:forward(input):clone()
   f(net, ...)
   return (before - net:forward(input)):abs():max()
end
