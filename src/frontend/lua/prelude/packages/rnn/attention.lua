-- rnn: nn.RecurrentAttention.

local torch, nn, native, packages = ...
local rnn = packages.rnn
local Container = torch.getmetatable('nn.Container')

-- Mnih 2014: at each step `action` samples where to look from the last output of `rnn`, which gets {input, action}.

local Attention = torch.class('nn.RecurrentAttention', 'nn.AbstractSequencer')

function Attention:__init(machine, action, nStep, hiddenSize)
   native.expect('nn.RecurrentAttention', '(rnn, action, nStep, hiddenSize)', 'rnn', 'module', machine, 'action', 'module', action,
      'nStep', 'number', nStep, 'hiddenSize', 'table', hiddenSize)
   Container.__init(self)
   self.rnn = rnn.recursor(machine)
   -- Samples that are taken step by step belong to the steps of the machine.
   self.action = rnn.recursor(action)
   self.hiddenSize, self.nStep = hiddenSize, nStep
   self.modules = {self.rnn, self.action}
   self.output, self.actions, self.gradHidden = {}, {}, {}
   -- Whether the output of a step is {output, action}.
   self.forwardActions = false
end

function Attention:updateOutput(input)
   self.rnn:forget()
   self.action:forget()
   self.rnn:maxBPTTstep(self.nStep)
   self.action:maxBPTTstep(self.nStep)
   local machine_outputs = {}
   for step = 1, self.nStep do
      local before = machine_outputs[step - 1]
      if step == 1 then
         self._initInput = self._initInput or input.new()
         before = self._initInput:resize(input:size(1), unpack(self.hiddenSize)):zero()
      end
      local action = self.action:updateOutput(before)
      self.actions[step] = self.train ~= false and action or rnn.recursiveCopy(self.actions[step], action)
      machine_outputs[step] = self:kept(step, self.rnn:updateOutput{input, self.actions[step]})
      self.output[step] = self.forwardActions and {machine_outputs[step], self.actions[step]} or machine_outputs[step]
   end
   self._outputs = machine_outputs
   return self.output
end

-- The gradients for the output and the action of a step. A sampling module ignores the second.
local function step_gradients(self, gradOutput, step)
   if self.forwardActions then return gradOutput[step][1], gradOutput[step][2] end
   self._gradAction = rnn.recursiveFill((rnn.recursiveResizeAs(self._gradAction, self.actions[step])), 0)
   return gradOutput[step], self._gradAction
end

local function before(self, step) return step == 1 and self._initInput or self._outputs[step - 1] end

function Attention:updateGradInput(input, gradOutput)
   if type(gradOutput) ~= 'table' or #gradOutput ~= self.nStep then
      error('nn.RecurrentAttention: gradOutput is a table of ' .. self.nStep .. ' steps', 2)
   end
   local from_action
   for step = self.nStep, 1, -1 do
      local gradient, gradAction = step_gradients(self, gradOutput, step)
      self.gradHidden[step] = rnn.recursiveCopy(self.gradHidden[step], gradient)
      if from_action then rnn.recursiveAdd(self.gradHidden[step], from_action) end
      from_action = self.action:updateGradInput(before(self, step), gradAction)
      local gradInput = self.rnn:updateGradInput({input, self.actions[step]}, self.gradHidden[step])[1]
      rnn.add_step(self, step == self.nStep, gradInput)
   end
   return self.gradInput
end

function Attention:accGradParameters(input, gradOutput, scale)
   for step = self.nStep, 1, -1 do
      local _, gradAction = step_gradients(self, gradOutput, step)
      self.action:accGradParameters(before(self, step), gradAction, scale)
      self.rnn:accGradParameters({input, self.actions[step]}, self.gradHidden[step], scale)
   end
end

function Attention:clearState()
   nn.utils.clear(self, '_initInput', '_gradAction', '_outputs', 'actions', 'gradHidden')
   return Container.clearState(self)
end

function Attention:__tostring__()
   local function part(module) return (tostring(module):gsub('\n', '\n  |    ')) end
   return torch.type(self) .. ' {\n  action : ' .. part(self.action) .. '\n  rnn     : ' .. part(self.rnn) .. '\n}'
end
