-- rnn: nn.BiSequencer and nn.BiSequencerLM: a sequence forwards through one recurrence and backwards through another.

local torch, nn, native, packages = ...
local rnn = packages.rnn
local Container = torch.getmetatable('nn.Container')

-- `merge` of the two outputs of a step: joined along the last dim of vectors, or of `merge` dims.
local function merging(self, merge)
   if merge == nil or type(merge) == 'number' then return nn.JoinTable(1, merge or 1) end
   native.expect_module(merge, self)
   return merge
end

local function backwards(forwards, backward)
   if backward then return backward end
   backward = forwards:clone()
   backward:reset()
   return backward
end

local BiSequencer = torch.class('nn.BiSequencer', 'nn.AbstractSequencer')

function BiSequencer:__init(fwd, bwd, merge)
   native.expect('nn.BiSequencer', '(fwd[, bwd][, merge])', 'fwd', 'module', fwd, 'bwd', 'module?', bwd)
   Container.__init(self)
   self.fwdSeq = nn.Sequencer(fwd)
   self.bwdSeq = nn.Sequencer(backwards(fwd, bwd))
   self.merge = merging(self, merge)
   self.mergeSeq = nn.Sequencer(self.merge)
   local turned = nn.Sequential():add(nn.ReverseTable()):add(self.bwdSeq):add(nn.ReverseTable())
   self.module = nn.Sequential()
      :add(nn.ConcatTable():add(self.fwdSeq):add(turned))
      :add(nn.ZipTable())
      :add(self.mergeSeq)
   self.modules[1] = self.module
   self.output, self.gradInput = {}, {}
   self._remember = 'neither'
end

nn.Decorator.decorate(torch.getmetatable('nn.BiSequencer'))

-- For language models: forwards over all but the last step, backwards over all but the first; a step sees what lies before it
-- and after it, not itself. The missing outputs at both ends are zeros.
local BiSequencerLM = torch.class('nn.BiSequencerLM', 'nn.AbstractSequencer')

function BiSequencerLM:__init(fwd, bwd, merge)
   native.expect('nn.BiSequencerLM', '(fwd[, bwd][, merge])', 'fwd', 'module', fwd, 'bwd', 'module?', bwd)
   Container.__init(self)
   self.fwdSeq = nn.Sequencer(fwd)
   self.bwdSeq = nn.Sequencer(backwards(fwd, bwd))
   self._merge = merging(self, merge)
   self.mergeSeq = nn.Sequential():add(nn.ZipTable()):add(nn.Sequencer(self._merge))
   self.modules = {self.fwdSeq, self.bwdSeq, self.mergeSeq}
   self.output, self.gradInput = {}, {}
   self._remember = 'neither'
end

-- Entries first to last, last to first when that comes first.
local function run(list, first, last)
   local part = {}
   for i = first, last, first <= last and 1 or -1 do part[#part + 1] = list[i] end
   return part
end

local function zero_like(tensor) return nn.utils.recursiveFill((rnn.recursiveResizeAs(nil, tensor)), 0) end

function BiSequencerLM:updateOutput(input)
   local n = #input
   if n < 2 then error('nn.BiSequencerLM: a sequence of at least two steps is wanted', 2) end
   self._fwdInput, self._bwdInput = run(input, 1, n - 1), run(input, n, 2)
   local forwards, backwards = self.fwdSeq:updateOutput(self._fwdInput), self.bwdSeq:updateOutput(self._bwdInput)
   local left, right = {zero_like(forwards[1])}, {}
   for i = 1, n - 1 do
      left[i + 1] = forwards[i]
      right[i] = backwards[n - i]
   end
   right[n] = zero_like(backwards[1])
   self._mergeInput = {left, right}
   self.output = self.mergeSeq:updateOutput(self._mergeInput)
   return self.output
end

-- The gradients for the two recurrences, in the order in which they met their inputs.
local function parted(gradients, n)
   return run(gradients[1], 2, n), run(gradients[2], n - 1, 1)
end

function BiSequencerLM:updateGradInput(input, gradOutput)
   local n = #input
   self._fwdGrad, self._bwdGrad = parted(self.mergeSeq:updateGradInput(self._mergeInput, gradOutput), n)
   local forwards = self.fwdSeq:updateGradInput(self._fwdInput, self._fwdGrad)
   local backwards = self.bwdSeq:updateGradInput(self._bwdInput, self._bwdGrad)
   self.gradInput = {}
   for i = 1, n do
      local from = {forwards[i], backwards[n - i + 1]}
      if i == 1 then
         self.gradInput[i] = forwards[1]
      elseif i == n then
         self.gradInput[i] = backwards[1]
      else
         self.gradInput[i] = rnn.recursiveCopy(nil, from[1])
         rnn.recursiveAdd(self.gradInput[i], from[2])
      end
   end
   return self.gradInput
end

function BiSequencerLM:accGradParameters(input, gradOutput, scale)
   self.mergeSeq:accGradParameters(self._mergeInput, gradOutput, scale)
   self.fwdSeq:accGradParameters(self._fwdInput, self._fwdGrad, scale)
   self.bwdSeq:accGradParameters(self._bwdInput, self._bwdGrad, scale)
end

function BiSequencerLM:clearState()
   nn.utils.clear(self, '_fwdInput', '_bwdInput', '_mergeInput', '_fwdGrad', '_bwdGrad')
   return Container.clearState(self)
end

function BiSequencerLM:__tostring__()
   local function part(module) return (tostring(module):gsub('\n', '\n  ')) end
   return torch.type(self) .. ' {\n  fwd: ' .. part(self.fwdSeq) .. '\n  bwd: ' .. part(self.bwdSeq)
      .. '\n  merge: ' .. part(self._merge) .. '\n}'
end
