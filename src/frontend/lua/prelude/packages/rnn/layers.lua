-- rnn: the small layers that its recurrences are made of.

local torch, nn, native = ...

-- A linear layer without bias.
local NoBias, Linear = torch.class('nn.LinearNoBias', 'nn.Linear')
function NoBias:__init(inputSize, outputSize)
   Linear.__init(self, inputSize, outputSize, false)
end

-- x + addend, negated when asked: 1 - x is nn.SAdd(-1, true).
local SAdd, Module = torch.class('nn.SAdd', 'nn.Module')
function SAdd:__init(addend, negate)
   native.expect('nn.SAdd', '(addend[, negate=false])', 'addend', 'number', addend, 'negate', 'boolean?', negate)
   Module.__init(self)
   self.addend, self.negate = addend, negate or false
end
function SAdd:updateOutput(input)
   self.output:resizeAs(input):copy(input):add(self.addend)
   return self.negate and self.output:mul(-1) or self.output
end
function SAdd:updateGradInput(input, gradOutput)
   self.gradInput:resizeAs(gradOutput):copy(gradOutput)
   return self.negate and self.gradInput:mul(-1) or self.gradInput
end

-- Hands its input on, and a copy of the gradient back.
local CopyGrad = torch.class('nn.CopyGrad', 'nn.Identity')
function CopyGrad:updateGradInput(input, gradOutput)
   return self.gradInput:resizeAs(gradOutput):copy(gradOutput)
end

-- An embedding whose index 0 is a row of zeros, for padding. Row i + 1 of the weight is index i.
local Masked, Lookup = torch.class('nn.LookupTableMaskZero', 'nn.LookupTable')
function Masked:__init(nIndex, nOutput, ...)
   native.expect('nn.LookupTableMaskZero', '(nIndex, nOutput)', 'nIndex', 'number', nIndex, 'nOutput', 'number', nOutput)
   Lookup.__init(self, nIndex + 1, nOutput, ...)
end
function Masked:updateOutput(input)
   self.weight[1]:zero()
   self._rows = torch.add(input, 1)
   return Lookup.updateOutput(self, self._rows)
end
function Masked:updateGradInput(input, gradOutput)
   return Lookup.updateGradInput(self, self._rows, gradOutput)
end
function Masked:accGradParameters(input, gradOutput, scale)
   Lookup.accGradParameters(self, torch.add(input, 1), gradOutput, scale)
   if self.gradWeight then self.gradWeight[1]:zero() end
end
function Masked:accUpdateGradParameters(input, gradOutput, lr)
   Lookup.accUpdateGradParameters(self, torch.add(input, 1), gradOutput, lr)
   self.weight[1]:zero()
end

-- A tensor turned round along a dimension.
local Reverse = torch.class('nn.SeqReverseSequence', 'nn.Module')
function Reverse:__init(dim)
   native.expect('nn.SeqReverseSequence', '(dim)', 'dim', 'number', dim)
   Module.__init(self)
   if dim < 1 or dim > 3 then error('nn.SeqReverseSequence has dimensions 1 to 3, not ' .. dim, 2) end
   self.dim = dim
end
function Reverse:reverseOutput(tensor)
   local n = tensor:size(self.dim)
   return tensor:index(self.dim, torch.range(n, 1, -1):long())
end
function Reverse:updateOutput(input)
   self.output = self:reverseOutput(input)
   return self.output
end
function Reverse:updateGradInput(input, gradOutput)
   self.gradInput = self:reverseOutput(gradOutput)
   return self.gradInput
end
function Reverse:__tostring__() return torch.type(self) .. '(' .. self.dim .. ')' end

---------------------------------------------------------------------------------------------------------------

-- nn.Dropout(p, v1, inplace, lazy, mono): a lazy one drops the same numbers at every step of a sequence, until `forget`;
-- mono drops the same of every sample.
local Dropout = torch.getmetatable('nn.Dropout')
local init = rawget(Dropout, '__init')

-- What the clones of a lazy one for all time-steps have in common.
Dropout.dpnn_stepShared = {'lazyNoise'}

local function lazy_output(self, input)
   self.output:resizeAs(input):copy(input)
   if self.train == false or self.p == 0 then return self.output end
   local kept = self.lazyNoise
   if not (self.lazy and kept.ready) then
      local sizes = input:size():totable()
      if self.mono and #sizes > 1 then sizes[1] = 1 end
      kept.noise = input.new(unpack(sizes)):bernoulli(1 - self.p)
      if not self.v1 then kept.noise:div(1 - self.p) end
      kept.ready = true
   end
   local noise = kept.noise
   if self.mono and input:dim() > 1 then noise = noise:expandAs(input) end
   return self.output:cmul(noise)
end

local function lazy_gradient(self, input, gradOutput)
   self.gradInput:resizeAs(gradOutput):copy(gradOutput)
   local noise = self.lazyNoise.noise
   if self.train == false or self.p == 0 or not noise then return self.gradInput end
   if self.mono and input:dim() > 1 then noise = noise:expandAs(input) end
   return self.gradInput:cmul(noise)
end

local function lazy_forget(self)
   self.lazyNoise.ready = false
   return self
end

Dropout.__init = function(self, p, v1, inplace, lazy, mono)
   init(self, p, v1, inplace)
   if not (lazy or mono) then return end
   self.lazy, self.mono, self.lazyNoise, self.v2 = lazy, mono, {}, not v1
   self.v1 = v1
   self.updateOutput, self.updateGradInput, self.forget = lazy_output, lazy_gradient, lazy_forget
end
