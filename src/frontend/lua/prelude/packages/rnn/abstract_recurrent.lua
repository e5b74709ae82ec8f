-- rnn: nn.AbstractRecurrent, which goes through a sequence a call a time-step and back again.
--
-- Every step has a clone of `recurrentModule` that shares its parameters. A subclass whose module maps {input, state} to the
-- next state says how: `zeroState`, `packed`, `unpacked`, `stateOutput`, `stateGradient`. Others have an updateOutput,
-- `_updateGradInput` and `_accGradParameters` of their own.

local torch, nn, native, packages = ...
local rnn = packages.rnn
local AbstractRecurrent, Container = torch.class('nn.AbstractRecurrent', 'nn.Container')
local Module = torch.getmetatable('nn.Module')

-- One object serves every time-step: see stepClone.
AbstractRecurrent.dpnn_stepclone = true
AbstractRecurrent.recursiveCopy = rnn.recursiveCopy
AbstractRecurrent.recursiveAdd = rnn.recursiveAdd
AbstractRecurrent.recursiveSet = rnn.recursiveSet
AbstractRecurrent.recursiveResizeAs = rnn.recursiveResizeAs
AbstractRecurrent.recursiveTensorEq = rnn.recursiveTensorEq
AbstractRecurrent.recursiveNormal = rnn.recursiveNormal

-- rho: the most steps that gradients go back.
function AbstractRecurrent:__init(rho)
   Container.__init(self)
   self.rho = rho or 99999
   self.step = 1
   self.sharedClones = {}
   self:forgetSteps()
end

local function count(list)
   local n = 0
   for _ in pairs(list) do n = n + 1 end
   return n
end

-- What is kept by step.
function AbstractRecurrent:forgetSteps()
   self.outputs, self.gradInputs, self.gradOutputs, self._gradOutputs, self.gradStates = {}, {}, {}, {}, {}
end

function AbstractRecurrent:forgetStep(step)
   for _, list in ipairs{self.outputs, self.gradInputs, self.gradOutputs, self._gradOutputs, self.gradStates} do
      list[step] = nil
   end
end

function AbstractRecurrent:getStepModule(step)
   assert(step, 'expecting step at arg 1')
   local module = self.sharedClones[step]
   if not module then
      module = self.recurrentModule:stepClone()
      self.sharedClones[step] = module
      self.nSharedClone = count(self.sharedClones)
   end
   return module
end

local function decorated(self, class, nInputDim)
   self.recurrentModule = class(self.recurrentModule, nInputDim, true)
   self.sharedClones = {self.recurrentModule}
   self.modules[1] = self.recurrentModule
   return self
end

function AbstractRecurrent:maskZero(nInputDim) return decorated(self, nn.MaskZero, nInputDim) end
function AbstractRecurrent:trimZero(nInputDim) return decorated(self, nn.TrimZero, nInputDim) end

---------------------------------------------------------------------------------------------------------------

function AbstractRecurrent:updateGradInput(input, gradOutput)
   self.updateGradInputStep = self.updateGradInputStep or self.step
   local step = self.updateGradInputStep - 1
   if step < 1 then error(torch.type(self) .. ': backward was called more often than forward', 2) end
   self.gradInput = self:_updateGradInput(input, gradOutput)
   self.gradInputs[step] = self.gradInput
   self.updateGradInputStep = step
   return self.gradInput
end

function AbstractRecurrent:accGradParameters(input, gradOutput, scale)
   self.accGradParametersStep = self.accGradParametersStep or self.step
   if (self.updateGradInputStep or self.step) > self.accGradParametersStep - 1 then
      error(torch.type(self) .. ': accGradParameters comes after updateGradInput', 2)
   end
   self:_accGradParameters(input, gradOutput, scale)
   self.accGradParametersStep = self.accGradParametersStep - 1
end

function AbstractRecurrent:accUpdateGradParameters()
   error('Not Implemented for ' .. torch.type(self), 2)
end
AbstractRecurrent.sharedAccUpdateGradParameters = AbstractRecurrent.accUpdateGradParameters

-- The clone that is older than rho steps serves the step that comes. `offset`: the first steps have another module.
function AbstractRecurrent:recycle(offset)
   local kept = math.max(self.rho + 1, self.nSharedClone or count(self.sharedClones))
   local old = self.step - kept
   if old < 1 + (offset or 0) then return self end
   if not self.sharedClones[self.step] then
      self.sharedClones[self.step], self.sharedClones[old] = self.sharedClones[old], nil
   end
   self:forgetStep(old)
   return self
end

-- Back to the first step. The clones stay, closed up, from step 1 + offset on.
function AbstractRecurrent:forget(offset)
   Module.forget(self)
   local steps = {}
   for step in pairs(self.sharedClones) do steps[#steps + 1] = step end
   table.sort(steps)
   local clones = {}
   for i, step in ipairs(steps) do clones[i + (offset or 0)] = self.sharedClones[step] end
   self.sharedClones = clones
   self:forgetSteps()
   self.step = 1
   self.updateGradInputStep, self.accGradParametersStep, self.gradPrevOutput = nil, nil, nil
   return self
end

function AbstractRecurrent:maxBPTTstep(rho)
   self.rho = rho
   return Module.maxBPTTstep(self, rho)
end

-- Calls f with the clones among the modules.
function AbstractRecurrent:includingSharedClones(f)
   local own, all, seen = self.modules, {}, {}
   for _, list in ipairs{own, self.sharedClones, {self.initialModule}} do
      for _, module in pairs(list) do
         if not seen[module] then all[#all + 1] = module end
         seen[module] = true
      end
   end
   self.modules = all
   local ok, result = pcall(f)
   self.modules = own
   if not ok then error(result, 0) end
   return result
end

for _, method in ipairs{'training', 'evaluate'} do
   AbstractRecurrent[method] = function(self)
      self:includingSharedClones(function() Container[method](self) end)
      return self
   end
end

function AbstractRecurrent:clearState()
   self:includingSharedClones(function() Container.clearState(self) end)
   self.nSharedClone = count(self.sharedClones)
   nn.utils.clear(self, 'zeroTensor', 'userGradPrevOutput', 'userGradPrevCell', '_before')
   return self:forget()
end

-- A table holds the reward of each step.
function AbstractRecurrent:reinforce(reward)
   if torch.type(reward) == 'table' then
      for step, part in ipairs(reward) do
         self:getStepModule(step):reinforce(part)
      end
   else
      self:includingSharedClones(function() Container.reinforce(self, reward) end)
   end
end

-- What Sequential's way back reads of this object, which stands for all steps.
function AbstractRecurrent:setOutputStep(step)
   self.output, self.gradInput = self.outputs[step], self.gradInputs[step]
   if self.output == nil then error(torch.type(self) .. ' keeps no output of step ' .. step, 2) end
end

---------------------------------------------------------------------------------------------------------------
-- Recurrences: a module that maps {input, state} to the next state.

-- After a forward: the way back starts anew.
function AbstractRecurrent:stepped(output)
   self.outputs[self.step] = output
   self.output = output
   self.step = self.step + 1
   self.gradPrevOutput, self.updateGradInputStep, self.accGradParametersStep = nil, nil, nil
   return output
end

function AbstractRecurrent:updateOutput(input)
   local before = self:getHiddenState(self.step - 1, input)
   local module = self.recurrentModule
   if self.train ~= false then
      self:recycle()
      module = self:getStepModule(self.step)
   else
      -- The module writes over what it gave for the step before, which is all that is kept.
      self._before = rnn.recursiveCopy(self._before, before)
      before = self._before
      self:forgetStep(self.step - 1)
   end
   local after = module:updateOutput(self:packed(input, before))
   self:keepState(self.step, after)
   return self:stepped(self:stateOutput(after))
end

-- The step that goes back now: its number, its module, what that was given.
function AbstractRecurrent:backwardStep(counter, input)
   local step = counter - 1
   local module = self:getStepModule(step)
   module:setOutputStep(step)
   return step, module, self:packed(input, self:getHiddenState(step - 1, input))
end

function AbstractRecurrent:_updateGradInput(input, gradOutput)
   local step, module, given = self:backwardStep(self.updateGradInputStep, input)
   local later = self.gradStates[step]
   if later == nil and step == self.step - 1 then later = self:userGradient() end
   local gradient = self:stateGradient(step, gradOutput, later)
   self.gradOutputs[step] = gradient
   local gradInput, before = self:unpacked(module:updateGradInput(given, gradient))
   self.gradStates[step - 1] = before
   return gradInput
end

function AbstractRecurrent:_accGradParameters(input, gradOutput, scale)
   local step, module, given = self:backwardStep(self.accGradParametersStep, input)
   module:accGradParameters(given, self.gradOutputs[step], scale)
end

-- The gradient for an output: that of the caller and that of the next step.
function AbstractRecurrent:summed(step, gradOutput, later)
   if later == nil then return gradOutput end
   self._gradOutputs[step] = rnn.recursiveCopy(self._gradOutputs[step], later)
   return (rnn.recursiveAdd(self._gradOutputs[step], gradOutput))
end

-- A state of one tensor, which is the output; zeros before the first step.
function AbstractRecurrent:getHiddenState(step, input)
   local state = self.outputs[step]
   if state ~= nil or step ~= 0 then return state end
   return self.userPrevOutput or self:zeroState(input)
end
function AbstractRecurrent:setHiddenState(step, state) self.outputs[step] = state end
-- What the module gave at a step.
function AbstractRecurrent:keepState(step, after) self:setHiddenState(step, after) end
function AbstractRecurrent:getGradHiddenState(step) return self.gradStates[step] end
function AbstractRecurrent:setGradHiddenState(step, gradient) self.gradStates[step] = gradient end
function AbstractRecurrent:userGradient() return self.gradPrevOutput end
function AbstractRecurrent:packed(input, state) return {input, state} end
function AbstractRecurrent:unpacked(gradients) return gradients[1], gradients[2] end
function AbstractRecurrent:stateOutput(state) return state end
function AbstractRecurrent:stateGradient(step, gradOutput, later) return self:summed(step, gradOutput, later) end

-- A number for each unit of the output, and for each sample when the input is a batch of vectors.
function AbstractRecurrent:zeroState(input)
   self.zeroTensor = native.is_tensor(self.zeroTensor) and self.zeroTensor or native.empty():type(self._type)
   if input and input:dim() == 2 then
      self.zeroTensor:resize(input:size(1), self.outputSize)
   elseif input or self.zeroTensor:dim() == 0 then
      self.zeroTensor:resize(self.outputSize)
   end
   return self.zeroTensor:zero()
end
