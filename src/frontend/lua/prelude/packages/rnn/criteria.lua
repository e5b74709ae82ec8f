-- rnn: criteria of sequences: nn.SequencerCriterion, nn.RepeaterCriterion, nn.MaskZeroCriterion.

local torch, nn, native, packages = ...
local rnn = packages.rnn

-- A criterion a step, the same one's clones. `target_of(target, step)`.
local function over_steps(name, target_of)
   local class, Criterion = torch.class(name, 'nn.Criterion')

   -- sizeAverage: the mean over steps instead of the sum.
   function class:__init(criterion, sizeAverage)
      Criterion.__init(self)
      if torch.isTypeOf(criterion, 'nn.ModuleCriterion') then
         error(name .. ' around nn.ModuleCriterion: put it the other way round, with its modules in a nn.Sequencer', 2)
      end
      self.criterion = criterion
      self.sizeAverage = sizeAverage or false
      self.clones, self.gradInput = {}, {}
   end

   function class:getStepCriterion(step)
      if not self.criterion then error(name .. ' was made without a criterion', 2) end
      self.clones[step] = self.clones[step] or self.criterion:clone()
      return self.clones[step]
   end

   function class:updateOutput(input, target)
      local count = rnn.steps(input)
      self.output = 0
      for step = 1, count do
         self.output = self.output + self:getStepCriterion(step):forward(input[step], target_of(target, step))
      end
      if self.sizeAverage then self.output = self.output / count end
      return self.output
   end

   function class:updateGradInput(input, target)
      local count = rnn.steps(input)
      local whole = native.is_tensor(input)
      if whole then
         self.gradInput = (native.is_tensor(self.gradInput) and self.gradInput or input.new()):resizeAs(input)
      else
         self.gradInput = {}
      end
      for step = 1, count do
         local gradient = self:getStepCriterion(step):backward(input[step], target_of(target, step))
         if self.sizeAverage then
            gradient = rnn.zip(nil, gradient, function(_, y) return torch.div(y, count) end)
         end
         if whole then self.gradInput[step]:copy(gradient) else self.gradInput[step] = gradient end
      end
      return self.gradInput
   end

   function class:type(typename, cache)
      if typename then self.gradInput = {} end
      return Criterion.type(self, typename, cache)
   end

   function class:__tostring__()
      return torch.type(self) .. ' @ ' .. tostring(self.criterion)
   end
end

over_steps('nn.SequencerCriterion', function(target, step) return target[step] end)
over_steps('nn.RepeaterCriterion', function(target) return target end)

---------------------------------------------------------------------------------------------------------------
-- Samples whose input is all zeros count for nothing.

local MaskZero, Criterion = torch.class('nn.MaskZeroCriterion', 'nn.Criterion')

-- nInputDim: dims of one sample of the input's first tensor.
function MaskZero:__init(criterion, nInputDim)
   native.expect('nn.MaskZeroCriterion', '(criterion, nInputDim)', 'criterion', 'criterion', criterion, 'nInputDim', 'number', nInputDim)
   Criterion.__init(self)
   self.criterion, self.nInputDim = criterion, nInputDim
end

-- The samples of nested tensors that count; numbers stay.
local function chosen(value, rows)
   if native.is_tensor(value) then
      return value:dim() > 0 and value:index(1, rows) or value
   elseif torch.type(value) == 'table' then
      local part = {}
      for key, entry in pairs(value) do part[key] = chosen(entry, rows) end
      return part
   end
   return value
end

function MaskZero:updateOutput(input, target)
   local mask, is_batch = rnn.zero_rows(input, self.nInputDim, 'nn.MaskZeroCriterion')
   local zeros = mask:sum()
   self._none = zeros == mask:size(1)
   self._input, self._target, self._rows = input, target, nil
   if self._none then
      self.output = 0
      return 0
   end
   if is_batch and zeros > 0 then
      self._rows = torch.range(1, mask:size(1)):long()[mask:eq(0)]
      self._input, self._target = chosen(input, self._rows), chosen(target, self._rows)
   end
   self.output = self.criterion:updateOutput(self._input, self._target)
   return self.output
end

function MaskZero:updateGradInput(input, target)
   self.gradInput = rnn.recursiveFill((rnn.recursiveResizeAs(self.gradInput, input)), 0)
   if self._none then return self.gradInput end
   local gradient = self.criterion:updateGradInput(self._input, self._target)
   self.gradInput = rnn.zip(self.gradInput, gradient, function(x, y)
      if not self._rows or y:dim() == 0 then return x:resizeAs(y):copy(y) end
      return x:indexCopy(1, self._rows, y)
   end)
   return self.gradInput
end

function MaskZero:type(typename, cache)
   if typename then self._input, self._target, self._rows = nil, nil, nil end
   return Criterion.type(self, typename, cache)
end

function MaskZero:__tostring__()
   return torch.type(self) .. ' @ ' .. tostring(self.criterion)
end
