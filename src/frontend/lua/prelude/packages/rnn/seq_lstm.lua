-- rnn: nn.SeqLSTM and nn.SeqLSTMP, an LSTM over a whole tensor [steps, n, inputsize] a call ([n, steps, inputsize] when
-- `batchfirst`). All steps' inputs are one product; only what depends on the step before is done step by step.

local torch, nn, native, packages = ...
local rnn = packages.rnn
local SeqLSTM, Module = torch.class('nn.SeqLSTM', 'nn.Module')
local AbstractSequencer = torch.getmetatable('nn.AbstractSequencer')

-- What a module that holds its sequences' last states has of a sequencer, without being a container.
function rnn.remembering(class)
   class.remember, class.remembers = AbstractSequencer.remember, AbstractSequencer.remembers
   function class:training()
      if self.train == false then self:forget() end
      self.train = true
   end
   function class:evaluate()
      if self.train ~= false then self:forget() end
      self.train = false
   end
end
rnn.remembering(SeqLSTM)

function SeqLSTM:__init(inputsize, hiddensize, outputsize)
   native.expect('nn.SeqLSTM', '(inputsize, hiddensize)', 'inputsize', 'number', inputsize, 'hiddensize', 'number?', hiddensize)
   Module.__init(self)
   hiddensize = hiddensize or inputsize
   outputsize = outputsize or hiddensize
   self.inputsize, self.hiddensize, self.outputsize = inputsize, hiddensize, outputsize
   -- Columns: input gate, forget gate, output gate, hidden layer. Rows: inputs, then the last output.
   self.weight = torch.Tensor(inputsize + outputsize, 4 * hiddensize)
   self.gradWeight = torch.Tensor(inputsize + outputsize, 4 * hiddensize):zero()
   self.bias = torch.Tensor(4 * hiddensize)
   self.gradBias = torch.Tensor(4 * hiddensize):zero()
   self._remember = 'neither'
   self.batchfirst, self.maskzero = false, false
   self:reset()
end

-- The forget gate starts open.
function SeqLSTM:reset(std)
   local H = self.hiddensize
   self.weight:normal(0, std or 1 / math.sqrt(H + self.inputsize))
   self.bias:zero()
   self.bias:narrow(1, H + 1, H):fill(1)
   return self
end

function SeqLSTM:forget()
   self.h0, self.c0, self._last = nil, nil, nil
   return self
end
SeqLSTM.resetStates = SeqLSTM.forget

function SeqLSTM:clearState()
   self._pass, self._grads, self._mask, self.cell = nil, nil, nil, nil
   self.gradInput = native.empty():type(self._type)
   self.output:set()
   return self:forget()
end

function SeqLSTM:type(typename, cache)
   if typename then self:clearState() end
   return Module.type(self, typename, cache)
end

---------------------------------------------------------------------------------------------------------------

-- {c0, h0, x}, {h0, x} or x.
local function taken_apart(input)
   if native.is_tensor(input) then return nil, nil, input end
   if #input == 3 then return input[1], input[2], input[3] end
   if #input == 2 then return nil, input[1], input[2] end
   error('nn.SeqLSTM: the input is a tensor, {h0, input} or {c0, h0, input}', 3)
end
rnn.taken_apart = taken_apart

-- [steps, n, size], laid out in this order.
function rnn.steps_first(self, tensor, size, what)
   if tensor:dim() ~= 3 or (size and tensor:size(3) ~= size) then
      error(string.format('%s: %s of three dimensions is wanted, the last of size %s, not %s', torch.type(self), what, tostring(size),
         table.concat(tensor:size():totable(), ' x ')), 3)
   end
   return (self.batchfirst and tensor:transpose(1, 2) or tensor):contiguous()
end

-- [steps, n, 1]: 1 where a sample's step is all zeros; nil when nothing is masked.
function rnn.step_mask(self, x)
   if not self.maskzero then return nil end
   return x:norm(2, 3):eq(0)
end

-- Rows of `batch` whose mask is set become zeros.
function rnn.mask_rows(batch, mask)
   if mask then batch:maskedFill(mask:expandAs(batch), 0) end
   return batch
end

-- Samples whose step is all zeros have zeros for states and output there.
function SeqLSTM:maskZero()
   self.maskzero = true
   return self
end

-- The state before the first step: what was given, what is remembered, or zeros.
local function initial(self, given, remembered, n, size)
   if given and given:size(1) ~= n then
      error(string.format('%s: the state before the first step is that of %d samples, the input has %d', torch.type(self), given:size(1), n), 3)
   end
   local state = given or self:remembers() and remembered or nil
   if state and state:size(1) == n then return state:clone() end
   return self.weight.new(n, size):zero()
end
rnn.initial = initial

function SeqLSTM:updateOutput(input)
   local c0, h0, x = taken_apart(input)
   x = rnn.steps_first(self, x, self.inputsize, 'an input')
   local T, N, D, H, R = x:size(1), x:size(2), self.inputsize, self.hiddensize, self.outputsize
   local last = self._last or {}
   -- Scripts that couple an encoder and a decoder put states into the fields `user…`, which hold for one call.
   self.c0, self.h0 = initial(self, c0 or self.userPrevCell, last.c, N, H), initial(self, h0 or self.userPrevOutput, last.h, N, R)
   self.userPrevCell, self.userPrevOutput = nil, nil
   local mask = rnn.step_mask(self, x)
   -- Every step's sums, which become its gates.
   local gates = torch.mm(x:view(T * N, D), self.weight:narrow(1, 1, D)):add(self.bias:view(1, 4 * H):expand(T * N, 4 * H)):view(T, N, 4 * H)
   local recurrent = self.weight:narrow(1, D + 1, R)
   local pass = {x = x, gates = gates, mask = mask, cells = x.new(T, N, H), tanhs = x.new(T, N, H), outputs = x.new(T, N, R)}
   pass.hidden = self.weightO and x.new(T, N, H) or pass.outputs
   local h, c = self.h0, self.c0
   for t = 1, T do
      local g = gates[t]:addmm(h, recurrent)
      g:narrow(2, 1, 3 * H):sigmoid()
      local z = g:narrow(2, 3 * H + 1, H):tanh()
      local cell = torch.cmul(pass.cells[t], g:narrow(2, H + 1, H), c):addcmul(1, g:narrow(2, 1, H), z)
      rnn.mask_rows(cell, mask and mask[t])
      local hidden = torch.cmul(pass.hidden[t], g:narrow(2, 2 * H + 1, H), torch.tanh(pass.tanhs[t], cell))
      c, h = cell, hidden
      if self.weightO then h = torch.mm(pass.outputs[t], hidden, self.weightO) end
   end
   self._pass, self.cell = pass, pass.cells
   self._last = {c = c:clone(), h = h:clone()}
   local output = self.batchfirst and pass.outputs:transpose(1, 2) or pass.outputs
   self.output:resize(output:size()):copy(output)
   return self.output
end

-- The gradients of every step's sums; those of the states before the first step.
local function through_time(self, pass, gradOutput)
   local T, N, H, D, R = gradOutput:size(1), gradOutput:size(2), self.hiddensize, self.inputsize, self.outputsize
   local recurrent = self.weight:narrow(1, D + 1, R):t()
   local sums = pass.gates.new(T, N, 4 * H)
   local dh = self.gradPrevOutput and self.gradPrevOutput:clone() or gradOutput.new(N, R):zero()
   local dc = self.userNextGradCell and self.userNextGradCell:clone() or gradOutput.new(N, H):zero()
   local projected = self.weightO and gradOutput.new(T, N, R)
   for t = T, 1, -1 do
      local function gate(k) return pass.gates[t]:narrow(2, (k - 1) * H + 1, H) end
      local function slope(k) return sums[t]:narrow(2, (k - 1) * H + 1, H) end
      local i, f, o, z, tanh = gate(1), gate(2), gate(3), gate(4), pass.tanhs[t]
      local before = t > 1 and pass.cells[t - 1] or self.c0
      local mask = pass.mask and pass.mask[t]
      dh:add(gradOutput[t])
      rnn.mask_rows(dh, mask)
      rnn.mask_rows(dc, mask)
      local dhidden = dh
      if self.weightO then
         projected[t]:copy(dh)
         dhidden = torch.mm(dh, self.weightO:t())
      end
      -- The slope of tanh is 1 - tanh², that of the sigmoid s (1 - s).
      dc:add(torch.cmul(dhidden, o):cmul(torch.cmul(tanh, tanh):mul(-1):add(1)))
      torch.cmul(slope(1), dc, z)
      torch.cmul(slope(2), dc, before)
      torch.cmul(slope(3), dhidden, tanh)
      local s, ds = pass.gates[t]:narrow(2, 1, 3 * H), sums[t]:narrow(2, 1, 3 * H)
      ds:cmul(s):cmul(s:clone():mul(-1):add(1))
      torch.cmul(slope(4), dc, i):cmul(torch.cmul(z, z):mul(-1):add(1))
      dc = torch.cmul(dc, f)
      dh = torch.mm(sums[t], recurrent)
   end
   return {sums = sums, dh = dh, dc = dc, projected = projected}
end

function SeqLSTM:updateGradInput(input, gradOutput)
   local pass = self._pass
   if not pass then error(torch.type(self) .. ': backward comes after forward', 2) end
   local grads = through_time(self, pass, rnn.steps_first(self, gradOutput, self.outputsize, 'a gradient'))
   self._grads = grads
   self.gradPrevOutput, self.userNextGradCell = nil, nil
   self.userGradPrevOutput, self.userGradPrevCell = grads.dh, grads.dc
   local T, N = pass.x:size(1), pass.x:size(2)
   local gradient = torch.mm(grads.sums:view(T * N, -1), self.weight:narrow(1, 1, self.inputsize):t()):view(T, N, -1)
   if self.batchfirst then gradient = gradient:transpose(1, 2):contiguous() end
   local states = {grads.dc, grads.dh, gradient}
   self.gradInput = native.is_tensor(input) and gradient or #input == 3 and states or {grads.dh, gradient}
   return self.gradInput
end

-- All steps but the last of `states`, behind the one before the first.
function rnn.states_before(first, states)
   local T = states:size(1)
   local before = states.new(T, first:size(1), first:size(2))
   before[1]:copy(first)
   if T > 1 then before:narrow(1, 2, T - 1):copy(states:narrow(1, 1, T - 1)) end
   return before:view(T * first:size(1), first:size(2))
end

function SeqLSTM:accGradParameters(input, gradOutput, scale)
   local pass, grads = self._pass, self._grads
   local rows, D = grads.sums:size(1) * grads.sums:size(2), self.inputsize
   local sums = grads.sums:view(rows, -1)
   scale = scale or 1
   self.gradWeight:narrow(1, 1, D):addmm(scale, pass.x:view(rows, D):t(), sums)
   self.gradWeight:narrow(1, D + 1, self.outputsize):addmm(scale, rnn.states_before(self.h0, pass.outputs):t(), sums)
   self.gradBias:add(scale, sums:sum(1):view(-1))
   if self.weightO then
      self.gradWeightO:addmm(scale, pass.hidden:view(rows, -1):t(), grads.projected:view(rows, -1))
   end
end

---------------------------------------------------------------------------------------------------------------

-- The states after a step; before the first one they can be set.
function SeqLSTM:getHiddenState(step)
   if step == 0 then return self.h0 and {self.h0, self.c0} or nil end
   local pass = self._pass
   return pass and step <= pass.outputs:size(1) and {pass.outputs[step], pass.cells[step]} or nil
end

function SeqLSTM:setHiddenState(step, state)
   if step ~= 0 then error(torch.type(self) .. ' takes a state for step 0 only, not ' .. tostring(step), 2) end
   self._last = {h = state[1], c = state[2]}
   self:remember('both')
end

-- A FastLSTM with these numbers, which it does not share.
function SeqLSTM:toFastLSTM()
   if self.weightO then error(torch.type(self) .. ' has a projection, which nn.FastLSTM has not', 2) end
   local H, D = self.hiddensize, self.inputsize
   local graph, normalises = nn.FastLSTM.usenngraph, nn.FastLSTM.bn
   nn.FastLSTM.usenngraph, nn.FastLSTM.bn = false, false
   local lstm = nn.FastLSTM(D, H):type(self._type)
   nn.FastLSTM.usenngraph, nn.FastLSTM.bn = graph, normalises
   -- FastLSTM's order is input gate, hidden layer, forget gate, output gate.
   for theirs, own in ipairs{1, 4, 2, 3} do
      local function rows(tensor) return tensor:narrow(1, (theirs - 1) * H + 1, H) end
      local function columns(tensor) return tensor:narrow(tensor:dim(), (own - 1) * H + 1, H) end
      for to, from in pairs{weight = self.weight, gradWeight = self.gradWeight} do
         rows(lstm.i2g[to]):copy(columns(from):narrow(1, 1, D):t())
         rows(lstm.o2g[to]):copy(columns(from):narrow(1, D + 1, H):t())
      end
      rows(lstm.i2g.bias):copy(columns(self.bias))
      rows(lstm.i2g.gradBias):copy(columns(self.gradBias))
   end
   if self.maskzero then lstm:maskZero(1) end
   return lstm
end

function SeqLSTM:__tostring__()
   return string.format('%s(%d -> %d)', torch.type(self), self.inputsize, self.outputsize)
end

---------------------------------------------------------------------------------------------------------------
-- The output is a projection of the hidden vector, and it is what the gates see of the step before (Sak 2014).

local SeqLSTMP = torch.class('nn.SeqLSTMP', 'nn.SeqLSTM')
SeqLSTMP.dpnn_parameters = {'weight', 'bias', 'weightO'}
SeqLSTMP.dpnn_gradParameters = {'gradWeight', 'gradBias', 'gradWeightO'}

function SeqLSTMP:__init(inputsize, hiddensize, outputsize)
   native.expect('nn.SeqLSTMP', '(inputsize, hiddensize, outputsize)', 'inputsize', 'number', inputsize, 'hiddensize', 'number',
      hiddensize, 'outputsize', 'number', outputsize)
   self.weightO = torch.Tensor(hiddensize, outputsize)
   self.gradWeightO = torch.Tensor(hiddensize, outputsize):zero()
   SeqLSTM.__init(self, inputsize, hiddensize, outputsize)
end

function SeqLSTMP:reset(std)
   SeqLSTM.reset(self, std)
   self.weightO:normal(0, std or 1 / math.sqrt(self.outputsize + self.hiddensize))
   return self
end

function SeqLSTMP:parameters()
   return {self.weight, self.bias, self.weightO}, {self.gradWeight, self.gradBias, self.gradWeightO}
end

function SeqLSTMP:__tostring__()
   return string.format('%s(%d -> %d -> %d)', torch.type(self), self.inputsize, self.hiddensize, self.outputsize)
end
