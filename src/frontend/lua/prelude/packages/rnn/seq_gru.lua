-- rnn: nn.SeqGRU, a GRU over a whole tensor as nn.SeqLSTM is an LSTM; nn.SeqBRNN, two SeqLSTMs in opposite directions.

local torch, nn, native, packages = ...
local rnn = packages.rnn
local SeqLSTM = torch.getmetatable('nn.SeqLSTM')
local SeqGRU, Module = torch.class('nn.SeqGRU', 'nn.Module')
rnn.remembering(SeqGRU)

function SeqGRU:__init(inputsize, outputsize)
   native.expect('nn.SeqGRU', '(inputsize, outputsize)', 'inputsize', 'number', inputsize, 'outputsize', 'number?', outputsize)
   Module.__init(self)
   outputsize = outputsize or inputsize
   self.inputsize, self.outputsize = inputsize, outputsize
   -- Columns: reset gate, update gate, candidate. Rows: inputs, then the last output.
   self.weight = torch.Tensor(inputsize + outputsize, 3 * outputsize)
   self.gradWeight = torch.Tensor(inputsize + outputsize, 3 * outputsize):zero()
   self.bias = torch.Tensor(3 * outputsize)
   self.gradBias = torch.Tensor(3 * outputsize):zero()
   self._remember = 'neither'
   self.batchfirst, self.maskzero = false, false
   self:reset()
end

function SeqGRU:reset(std)
   self.weight:normal(0, std or 1 / math.sqrt(self.outputsize + self.inputsize))
   self.bias:zero()
   return self
end

SeqGRU.forget, SeqGRU.resetStates = SeqLSTM.forget, SeqLSTM.forget
SeqGRU.clearState, SeqGRU.type, SeqGRU.maskZero = SeqLSTM.clearState, SeqLSTM.type, SeqLSTM.maskZero

function SeqGRU:updateOutput(input)
   local _, h0, x = rnn.taken_apart(input)
   x = rnn.steps_first(self, x, self.inputsize, 'an input')
   local T, N, D, H = x:size(1), x:size(2), self.inputsize, self.outputsize
   self.h0 = rnn.initial(self, h0 or self.userPrevOutput, self._last, N, H)
   self.userPrevOutput = nil
   local mask = rnn.step_mask(self, x)
   local gates = torch.mm(x:view(T * N, D), self.weight:narrow(1, 1, D)):add(self.bias:view(1, 3 * H):expand(T * N, 3 * H)):view(T, N, 3 * H)
   local recurrent = self.weight:narrow(1, D + 1, H)
   local to_gates, to_candidate = recurrent:narrow(2, 1, 2 * H), recurrent:narrow(2, 2 * H + 1, H)
   local pass = {x = x, gates = gates, mask = mask, outputs = x.new(T, N, H), resets = x.new(T, N, H)}
   local h = self.h0
   for t = 1, T do
      gates[t]:narrow(2, 1, 2 * H):addmm(h, to_gates):sigmoid()
      local reset, update = gates[t]:narrow(2, 1, H), gates[t]:narrow(2, H + 1, H)
      local candidate = gates[t]:narrow(2, 2 * H + 1, H)
      candidate:addmm(torch.cmul(pass.resets[t], reset, h), to_candidate):tanh()
      h = pass.outputs[t]:copy(candidate):addcmul(1, update, h - candidate)
      rnn.mask_rows(h, mask and mask[t])
   end
   self._pass = pass
   self._last = h:clone()
   local output = self.batchfirst and pass.outputs:transpose(1, 2) or pass.outputs
   self.output:resize(output:size()):copy(output)
   return self.output
end

function SeqGRU:updateGradInput(input, gradOutput)
   local pass = self._pass
   if not pass then error(torch.type(self) .. ': backward comes after forward', 2) end
   gradOutput = rnn.steps_first(self, gradOutput, self.outputsize, 'a gradient')
   local T, N, D, H = pass.x:size(1), pass.x:size(2), self.inputsize, self.outputsize
   local recurrent = self.weight:narrow(1, D + 1, H)
   local to_gates, to_candidate = recurrent:narrow(2, 1, 2 * H):t(), recurrent:narrow(2, 2 * H + 1, H):t()
   local sums = pass.x.new(T, N, 3 * H)
   local dh = self.gradPrevOutput and self.gradPrevOutput:clone() or pass.x.new(N, H):zero()
   for t = T, 1, -1 do
      local gate, before = pass.gates[t], t > 1 and pass.outputs[t - 1] or self.h0
      local reset, update, candidate = gate:narrow(2, 1, H), gate:narrow(2, H + 1, H), gate:narrow(2, 2 * H + 1, H)
      dh = rnn.mask_rows(dh + gradOutput[t], pass.mask and pass.mask[t])
      local kept = torch.cmul(dh, update)
      -- tanh's slope for the candidate, the sigmoid's for the gates.
      local dcandidate = torch.add(sums[t]:narrow(2, 2 * H + 1, H), dh, -1, kept):cmul(torch.cmul(candidate, candidate):mul(-1):add(1))
      local through = torch.mm(dcandidate, to_candidate)
      torch.cmul(sums[t]:narrow(2, 1, H), through, before)
      torch.cmul(sums[t]:narrow(2, H + 1, H), dh, before - candidate)
      local gates = gate:narrow(2, 1, 2 * H)
      local dgates = sums[t]:narrow(2, 1, 2 * H):cmul(gates):cmul(gates:clone():mul(-1):add(1))
      dh = kept:addcmul(1, through, reset):addmm(dgates, to_gates)
   end
   self._grads = sums
   self.gradPrevOutput, self.userGradPrevOutput = nil, dh
   local gradient = torch.mm(sums:view(T * N, -1), self.weight:narrow(1, 1, D):t()):view(T, N, -1)
   if self.batchfirst then gradient = gradient:transpose(1, 2):contiguous() end
   self.gradInput = native.is_tensor(input) and gradient or {dh, gradient}
   return self.gradInput
end

function SeqGRU:accGradParameters(input, gradOutput, scale)
   local pass, D, H = self._pass, self.inputsize, self.outputsize
   local rows = pass.x:size(1) * pass.x:size(2)
   local sums = self._grads:view(rows, -1)
   scale = scale or 1
   self.gradWeight:narrow(1, 1, D):addmm(scale, pass.x:view(rows, D):t(), sums)
   local recurrent = self.gradWeight:narrow(1, D + 1, H)
   recurrent:narrow(2, 1, 2 * H):addmm(scale, rnn.states_before(self.h0, pass.outputs):t(), sums:narrow(2, 1, 2 * H))
   recurrent:narrow(2, 2 * H + 1, H):addmm(scale, pass.resets:view(rows, H):t(), sums:narrow(2, 2 * H + 1, H))
   self.gradBias:add(scale, sums:sum(1):view(-1))
end

function SeqGRU:getHiddenState(step)
   if step == 0 then return self.h0 end
   local pass = self._pass
   return pass and step <= pass.outputs:size(1) and pass.outputs[step] or nil
end

function SeqGRU:setHiddenState(step, state)
   if step ~= 0 then error('nn.SeqGRU takes a state for step 0 only, not ' .. tostring(step), 2) end
   self._last = state
   self:remember('both')
end

-- A GRU with these numbers, which it does not share.
function SeqGRU:toGRU()
   local D, H = self.inputsize, self.outputsize
   local gru = nn.GRU(D, H):type(self._type)
   local parameters, gradients = gru:parameters()
   -- Its layers: both gates from the input and from the output, the candidate from either.
   for own, list in pairs{weight = parameters, gradWeight = gradients} do
      local from = self[own]:t()
      list[1]:copy(from:narrow(2, 1, D):narrow(1, 1, 2 * H))
      list[3]:copy(from:narrow(2, D + 1, H):narrow(1, 1, 2 * H))
      list[4]:copy(from:narrow(2, 1, D):narrow(1, 2 * H + 1, H))
      list[6]:copy(from:narrow(2, D + 1, H):narrow(1, 2 * H + 1, H))
   end
   for own, list in pairs{bias = parameters, gradBias = gradients} do
      list[2]:copy(self[own]:narrow(1, 1, 2 * H))
      list[5]:copy(self[own]:narrow(1, 2 * H + 1, H))
   end
   if self.maskzero then gru:maskZero(1) end
   return gru
end

SeqGRU.__tostring__ = SeqLSTM.__tostring__

---------------------------------------------------------------------------------------------------------------

local SeqBRNN, Container = torch.class('nn.SeqBRNN', 'nn.Container')

-- merge: of the table of both outputs; their sum by default.
function SeqBRNN:__init(inputDim, hiddenDim, batchFirst, merge)
   native.expect('nn.SeqBRNN', '(inputDim, hiddenDim[, batchFirst=false][, merge=CAddTable])', 'inputDim', 'number', inputDim,
      'hiddenDim', 'number', hiddenDim, 'batchFirst', 'boolean?', batchFirst, 'merge', 'module?', merge)
   Container.__init(self)
   self.inputDim, self.hiddenDim, self.batchFirst = inputDim, hiddenDim, batchFirst
   self.forwardModule, self.backwardModule = nn.SeqLSTM(inputDim, hiddenDim), nn.SeqLSTM(inputDim, hiddenDim)
   self.merge = merge or nn.CAddTable()
   local turned = nn.Sequential():add(nn.SeqReverseSequence(1)):add(self.backwardModule):add(nn.SeqReverseSequence(1))
   self.module = nn.Sequential()
   if batchFirst then self.module:add(nn.Transpose({1, 2})) end
   self.module:add(nn.ConcatTable():add(self.forwardModule):add(turned)):add(self.merge)
   if batchFirst then self.module:add(nn.Transpose({1, 2})) end
   self.modules[1] = self.module
end

nn.Decorator.decorate(SeqBRNN)
