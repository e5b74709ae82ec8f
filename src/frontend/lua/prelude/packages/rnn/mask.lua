-- rnn: samples whose input is all zeros are padding: nn.MaskZero, nn.TrimZero.

local torch, nn, native, packages = ...
local rnn = packages.rnn
local MaskZero, Decorator = torch.class('nn.MaskZero', 'nn.Decorator')

-- nInputDim: dims of one sample of the input's first tensor. `silent`: nothing is said of a recurrence inside.
local function made(self, module, nInputDim, silent)
   native.expect(torch.typename(self), '(module, nInputDim)', 'module', 'module', module, 'nInputDim', 'number', nInputDim)
   Decorator.__init(self, module)
   if not silent and torch.isTypeOf(module, 'nn.AbstractRecurrent') then
      print(string.format('Warning: %s around %s masks what goes in and out, not the steps inside: call %s of the machine itself',
         torch.type(self), torch.type(module), torch.type(self):find('Trim') and 'trimZero' or 'maskZero'))
   end
   self.module, self.nInputDim = module, nInputDim
end

MaskZero.__init = made

-- One row a sample of the first tensor of a value: [n, rest], or [1, all] when it is no batch. And whether it is one.
local function rows(value, nInputDim, who)
   local first = rnn.first_tensor(value)
   if not first then error(who .. ': the input has no tensor', 0) end
   if first:dim() == nInputDim + 1 then return first:contiguous():view(first:size(1), -1), true end
   if first:dim() == nInputDim then return first:contiguous():view(1, -1), false end
   error(string.format('%s: the first tensor of the input has %d dimensions, not nInputDim = %d or one more for a batch', who,
      first:dim(), nInputDim), 0)
end

-- A ByteTensor of one number a sample, 1 where all is zero; and whether the input is a batch.
function rnn.zero_rows(value, nInputDim, who)
   local flat, is_batch = rows(value, nInputDim, who)
   return flat:ne(0):long():sum(2):eq(0):view(-1), is_batch
end

-- A copy of nested tensors in `into`, its masked samples zero.
local function masked(into, value, mask, is_batch)
   return rnn.zip(into, value, function(x, y)
      x = (x or y.new()):resize(y:size()):copy(y)
      if not is_batch then return mask[1] == 1 and x:zero() or x end
      if x:dim() == 0 then return x end
      local spread = mask:view(-1, unpack(torch.LongStorage(x:dim() - 1):fill(1):totable())):expandAs(x)
      return x:maskedFill(spread, 0)
   end)
end

function MaskZero:updateOutput(input)
   self.zeroMask, self._is_batch = rnn.zero_rows(input, self.nInputDim, 'nn.MaskZero')
   local output = self.modules[1]:updateOutput(input)
   self._masked = masked(self._masked, output, self.zeroMask, self._is_batch)
   self.output = self._masked
   return self.output
end

function MaskZero:updateGradInput(input, gradOutput)
   self._gradOutput = masked(self._gradOutput, gradOutput, self.zeroMask, self._is_batch)
   self.gradInput = self.modules[1]:updateGradInput(input, self._gradOutput)
   return self.gradInput
end

function MaskZero:accGradParameters(input, gradOutput, scale)
   self.modules[1]:accGradParameters(input, self._gradOutput, scale)
end

function MaskZero:clearState()
   nn.utils.clear(self, '_masked', '_gradOutput', 'zeroMask')
   return Decorator.clearState(self)
end

function MaskZero:type(typename, cache)
   if typename then self.zeroMask = nil end
   return Decorator.type(self, typename, cache)
end

---------------------------------------------------------------------------------------------------------------
-- The same result: its module sees only the samples that are not zero.

local TrimZero = torch.class('nn.TrimZero', 'nn.MaskZero')

-- Each tensor of the value without the samples that are masked.
local function trimmed(self, value)
   return rnn.zip(nil, value, function(_, y) return y:index(1, self._kept) end)
end

-- Each tensor with zeros where samples are missing.
local function widened(self, into, value)
   return rnn.zip(into, value, function(x, y)
      local sizes = y:size():totable()
      sizes[1] = self.zeroMask:size(1)
      x = (x or y.new()):resize(torch.LongStorage(sizes)):zero()
      return x:indexCopy(1, self._kept, y)
   end)
end

-- Which way the last forward took: nothing is masked, everything is, or a part.
local function extent(self)
   local zeros = self.zeroMask:sum()
   return not self._is_batch and 'none' or zeros == 0 and 'none' or zeros == self.zeroMask:size(1) and 'all' or 'part'
end

function TrimZero:updateOutput(input)
   self.zeroMask, self._is_batch = rnn.zero_rows(input, self.nInputDim, 'nn.TrimZero')
   self._extent = extent(self)
   -- A module's output tells its shape even where all of it is padding.
   if self._extent ~= 'part' then
      return MaskZero.updateOutput(self, input)
   end
   self._kept = torch.range(1, self.zeroMask:size(1)):long()[self.zeroMask:eq(0)]
   self._input = trimmed(self, input)
   self.output = widened(self, nil, self.modules[1]:updateOutput(self._input))
   return self.output
end

function TrimZero:updateGradInput(input, gradOutput)
   if self._extent ~= 'part' then return MaskZero.updateGradInput(self, input, gradOutput) end
   self._trimmed = trimmed(self, gradOutput)
   self.gradInput = widened(self, nil, self.modules[1]:updateGradInput(self._input, self._trimmed))
   return self.gradInput
end

function TrimZero:accGradParameters(input, gradOutput, scale)
   if self._extent ~= 'part' then return MaskZero.accGradParameters(self, input, gradOutput, scale) end
   self.modules[1]:accGradParameters(self._input, self._trimmed, scale)
end

function TrimZero:clearState()
   nn.utils.clear(self, '_input', '_trimmed', '_kept')
   return MaskZero.clearState(self)
end
