-- ccn2: layers of cuda-convnet2, whose batch comes last: [planes, height, width, n]. Each is one of nn's between two turns.

local torch, nn, native, packages = ...
local ccn2 = packages.ccn2
require 'cudnn'

-- A class that keeps nn's module of its fields in `inner`.
local function class(name)
   local made, parent = torch.class('ccn2.' .. name, 'nn.Module', ccn2)
   function made:__init(...)
      parent.__init(self)
      self:configure(...)
   end
   return made
end

local function batch_first(tensor, who)
   if tensor:dim() ~= 4 then
      error(who .. ': images [planes, height, width, n] are wanted, not ' .. tensor:dim() .. ' dimensions', 3)
   end
   return tensor:permute(4, 1, 2, 3):contiguous()
end
local function batch_last(tensor) return tensor:permute(2, 3, 4, 1):contiguous() end

-- Forward and back through `inner`, which `self:ready()` gives.
local function through(made)
   function made:updateOutput(input)
      self.output = batch_last(self:ready():updateOutput(batch_first(input, torch.type(self))))
      return self.output
   end
   function made:updateGradInput(input, gradOutput)
      local x, g = batch_first(input, torch.type(self)), batch_first(gradOutput, torch.type(self))
      self.gradInput = batch_last(self:ready():updateGradInput(x, g))
      return self.gradInput
   end
   function made:ready() return self.inner end
end

---------------------------------------------------------------------------------------------------------------

local Convolution = class('SpatialConvolution')
through(Convolution)

-- Square windows of kH, steps of dH.
function Convolution:configure(nInputPlane, nOutputPlane, kH, dH, padding, groups)
   native.expect('ccn2.SpatialConvolution', '(nInputPlane, nOutputPlane, kH[, dH=1][, padding=0][, groups=1])', 'nInputPlane', 'number',
      nInputPlane, 'nOutputPlane', 'number', nOutputPlane, 'kH', 'number', kH, 'dH', 'number?', dH, 'padding', 'number?', padding,
      'groups', 'number?', groups)
   self.nInputPlane, self.nOutputPlane, self.kH, self.dH = nInputPlane, nOutputPlane, kH, dH or 1
   self.padding, self.groups = padding or 0, groups or 1
   self.inner = cudnn.SpatialConvolution(nInputPlane, nOutputPlane, kH, kH, self.dH, self.dH, self.padding, self.padding, self.groups)
   -- A row for each number that goes in, a column for each plane that comes out.
   local rows = nInputPlane * kH * kH / self.groups
   self.weight, self.bias = torch.Tensor(rows, nOutputPlane), torch.Tensor(nOutputPlane)
   self.gradWeight, self.gradBias = torch.Tensor(rows, nOutputPlane):zero(), torch.Tensor(nOutputPlane):zero()
   self:reset()
end

function Convolution:reset(stdv)
   stdv = stdv and stdv * math.sqrt(3) or 1 / math.sqrt(self.kH * self.kH * self.nInputPlane)
   self.weight:uniform(-stdv, stdv)
   self.bias:uniform(-stdv, stdv)
   return self
end

function Convolution:ready()
   local inner = self.inner
   inner.weight:copy(self.weight:t():contiguous():viewAs(inner.weight))
   inner.bias:copy(self.bias)
   return inner
end

function Convolution:accGradParameters(input, gradOutput, scale)
   local inner = self:ready()
   inner:zeroGradParameters()
   inner:accGradParameters(batch_first(input, 'ccn2.SpatialConvolution'), batch_first(gradOutput, 'ccn2.SpatialConvolution'), scale or 1)
   self.gradWeight:add(inner.gradWeight:view(self.nOutputPlane, -1):t())
   self.gradBias:add(inner.gradBias)
end

function Convolution:__tostring__()
   return string.format('%s(%d -> %d, %dx%d)', torch.type(self), self.nInputPlane, self.nOutputPlane, self.kH, self.kH)
end

---------------------------------------------------------------------------------------------------------------
-- Windows at the lower and right border may be cut off; a mean is over what is inside.

local function pooling(name, make)
   local made = class(name)
   through(made)
   function made:configure(kW, dW)
      native.expect('ccn2.' .. name, '(kW[, dW=kW])', 'kW', 'number', kW, 'dW', 'number?', dW)
      self.kW, self.dW = kW, dW or kW
      self.inner = make(self.kW, self.dW):ceil()
   end
   function made:__tostring__() return string.format('%s(%d, %d)', torch.type(self), self.kW, self.dW) end
end
pooling('SpatialMaxPooling', function(k, d) return nn.SpatialMaxPooling(k, k, d, d) end)
pooling('SpatialAvgPooling', function(k, d) return nn.SpatialAveragePooling(k, k, d, d):setCountExcludePad() end)

-- Each number over (minDiv + addScale / size · the squares of `size` planes around it) ^ powScale.
local Normal = class('SpatialCrossResponseNormalization')
through(Normal)
function Normal:configure(size, addScale, powScale, minDiv)
   native.expect('ccn2.SpatialCrossResponseNormalization', '(size[, addScale=0.0001][, powScale=0.75][, minDiv=1])', 'size', 'number',
      size, 'addScale', 'number?', addScale, 'powScale', 'number?', powScale, 'minDiv', 'number?', minDiv)
   self.size, self.addScale, self.powScale, self.minDiv = size, (addScale or 0.0001) / size, powScale or 0.75, minDiv or 1
   self.inner = nn.SpatialCrossMapLRN(size, self.addScale * size, self.powScale, self.minDiv)
end
