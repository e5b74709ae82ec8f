-- rnn: recurrences around modules of the user: nn.Recurrent, nn.Recurrence, nn.Recursor; and nn.NormStabilizer.

local torch, nn, native, packages = ...
local rnn = packages.rnn
local Module = torch.getmetatable('nn.Module')
local AbstractRecurrent = torch.getmetatable('nn.AbstractRecurrent')

---------------------------------------------------------------------------------------------------------------
-- output(t) = transfer(merge(input(x(t)), feedback(output(t-1)))); the first step has `start` behind `input` instead.

local Recurrent = torch.class('nn.Recurrent', 'nn.AbstractRecurrent')

function Recurrent:__init(start, input, feedback, transfer, rho, merge)
   native.expect('nn.Recurrent', '(start, input, feedback[, transfer=Sigmoid][, rho][, merge=CAddTable])', 'input', 'module', input,
      'feedback', 'module', feedback, 'transfer', 'module?', transfer, 'rho', 'number?', rho, 'merge', 'module?', merge)
   AbstractRecurrent.__init(self, rho)
   local kind = torch.type(start)
   if kind == 'number' or kind == 'torch.LongStorage' then
      start = nn.Add(start)
   elseif kind == 'table' then
      start = nn.Add(torch.LongStorage(start))
   elseif kind == 'torch.LongTensor' then
      start = nn.Add(torch.LongStorage(start:totable()))
   elseif not torch.isTypeOf(start, 'nn.Module') then
      error('nn.Recurrent: start is the size of the output or a module, not a ' .. kind, 2)
   end
   self.startModule, self.inputModule, self.feedbackModule = start, input, feedback
   self.transferModule, self.mergeModule = transfer or nn.Sigmoid(), merge or nn.CAddTable()
   self.modules = {self.startModule, self.inputModule, self.feedbackModule, self.transferModule, self.mergeModule}
   self:buildInitialModule()
   self:buildRecurrentModule()
   self.sharedClones[2] = self.recurrentModule
end

function Recurrent:buildInitialModule()
   self.initialModule = nn.Sequential()
      :add(self.inputModule:sharedClone())
      :add(self.startModule)
      :add(self.transferModule:sharedClone())
end

function Recurrent:buildRecurrentModule()
   self.recurrentModule = nn.Sequential()
      :add(nn.ParallelTable():add(self.inputModule):add(self.feedbackModule))
      :add(self.mergeModule)
      :add(self.transferModule)
end

function Recurrent:getStepModule(step)
   if step == 1 then return self.initialModule end
   return AbstractRecurrent.getStepModule(self, step)
end

function Recurrent:updateOutput(input)
   if self.step > 1 then return AbstractRecurrent.updateOutput(self, input) end
   return self:stepped(self.initialModule:updateOutput(input))
end

function Recurrent:recycle() return AbstractRecurrent.recycle(self, 1) end
function Recurrent:forget() return AbstractRecurrent.forget(self, 1) end

-- No state comes before the first step, whose module takes the input alone.
function Recurrent:zeroState() end
function Recurrent:packed(input, state)
   if state == nil then return input end
   return {input, state}
end

function Recurrent:_updateGradInput(input, gradOutput)
   if self.updateGradInputStep > 2 then return AbstractRecurrent._updateGradInput(self, input, gradOutput) end
   local gradient = self:summed(1, gradOutput, self.gradStates[1])
   self.gradOutputs[1] = gradient
   self.initialModule:setOutputStep(1)
   return self.initialModule:updateGradInput(input, gradient)
end

for _, method in ipairs{'maskZero', 'trimZero'} do
   Recurrent[method] = function()
      error('nn.Recurrent has no ' .. method .. ': its first step has a module of its own. nn.Recurrence has it', 2)
   end
end

function Recurrent:__tostring__()
   local function part(module, prefix) return (tostring(module):gsub('\n', '\n' .. prefix)) end
   return torch.type(self) .. ' {\n  [{input(t), output(t-1)} -> (1) -> (2) -> (3) -> output(t)]'
      .. '\n  (1):  {\n    input(t)'
      .. '\n      |`-> (t==0): ' .. part(self.startModule, '      |    ')
      .. '\n      |`-> (t~=0): ' .. part(self.inputModule, '      |    ')
      .. '\n    output(t-1)'
      .. '\n      |`-> ' .. part(self.feedbackModule, '      |    ')
      .. '\n  }'
      .. '\n  (2): ' .. part(self.mergeModule, '  ')
      .. '\n  (3): ' .. part(self.transferModule, '  ')
      .. '\n}'
end

---------------------------------------------------------------------------------------------------------------
-- output(t) = module{input(t), output(t-1)}; zeros of the given size before the first step.

local Recurrence = torch.class('nn.Recurrence', 'nn.AbstractRecurrent')

-- outputSize: of one sample: a number, a LongStorage, a list of numbers, or a table of these. nInputDim: dims of one sample of
-- the input's first tensor.
function Recurrence:__init(recurrentModule, outputSize, nInputDim, rho)
   native.expect('nn.Recurrence', '(recurrentModule, outputSize, nInputDim[, rho])', 'recurrentModule', 'module', recurrentModule,
      'nInputDim', 'number', nInputDim, 'rho', 'number?', rho)
   AbstractRecurrent.__init(self, rho or 99999)
   local kind = torch.type(outputSize)
   if kind ~= 'number' and kind ~= 'table' and kind ~= 'torch.LongStorage' then
      error('nn.Recurrence: outputSize is a number, a torch.LongStorage or a table of these, not a ' .. kind, 2)
   end
   self.recurrentModule, self.outputSize, self.nInputDim = recurrentModule, outputSize, nInputDim
   self.modules[1] = recurrentModule
   self.sharedClones[1] = recurrentModule
end

-- Zeros of `size` in the tensors of `old`, for a batch of `samples` or, nil, for one sample.
local function zeros(self, old, size, samples)
   local kind = torch.type(size)
   if kind == 'table' and (torch.type(size[1]) == 'table' or torch.type(size[1]) == 'torch.LongStorage') then
      old = torch.type(old) == 'table' and old or {}
      for i, part in ipairs(size) do old[i] = zeros(self, old[i], part, samples) end
      return old
   end
   local sizes = kind == 'number' and {size} or kind == 'table' and {unpack(size)} or size:totable()
   if samples then table.insert(sizes, 1, samples) end
   old = native.is_tensor(old) and old or native.empty():type(self._type)
   return old:resize(torch.LongStorage(sizes)):zero()
end

function Recurrence:zeroState(input)
   if input == nil then return self.zeroTensor end
   local first = rnn.first_tensor(input)
   if not first then error('nn.Recurrence: the input has no tensor', 3) end
   local dims = first:dim()
   if dims ~= self.nInputDim and dims ~= self.nInputDim + 1 then
      error(string.format('nn.Recurrence: the first tensor of the input has %d dimensions, not nInputDim = %d or one more for a batch',
         dims, self.nInputDim), 3)
   end
   self.zeroTensor = zeros(self, self.zeroTensor, self.outputSize, dims > self.nInputDim and first:size(1) or nil)
   return self.zeroTensor
end

-- The output, and the states of recurrent modules inside.
function Recurrence:getHiddenState(step, input)
   local state = AbstractRecurrent.getHiddenState(self, step, input)
   return state ~= nil and {state, Module.getHiddenState(self, step, input)} or nil
end
function Recurrence:setHiddenState(step, state)
   self.outputs[step] = state[1]
   Module.setHiddenState(self, step, state[2])
end
function Recurrence:getGradHiddenState(step)
   local gradient = self.gradStates[step]
   return gradient ~= nil and {gradient, Module.getGradHiddenState(self, step)} or nil
end
function Recurrence:setGradHiddenState(step, gradient)
   self.gradStates[step] = gradient[1]
   Module.setGradHiddenState(self, step, gradient[2])
end
function Recurrence:packed(input, state) return {input, state[1]} end
function Recurrence:keepState(step, after) self.outputs[step] = after end
function Recurrence:stateOutput(after) return after end

function Recurrence:__tostring__()
   return torch.type(self) .. ' @ ' .. tostring(self.recurrentModule)
end

---------------------------------------------------------------------------------------------------------------
-- A module without memory, a clone a step. One that has memory itself is not cloned.

local Recursor = torch.class('nn.Recursor', 'nn.AbstractRecurrent')

function Recursor:__init(module, rho)
   native.expect('nn.Recursor', '(module[, rho])', 'module', 'module', module, 'rho', 'number?', rho)
   AbstractRecurrent.__init(self, rho or 9999999)
   self.recurrentModule, self.module = module, module
   self.modules[1] = module
   self.sharedClones[1] = module
end

function Recursor:updateOutput(input)
   local module = self.recurrentModule
   if self.train ~= false then
      self:recycle()
      module = self:getStepModule(self.step)
   else
      self:forgetStep(self.step - 1)
   end
   return self:stepped(module:updateOutput(input))
end

function Recursor:_updateGradInput(input, gradOutput)
   local step = self.updateGradInputStep - 1
   local module = self:getStepModule(step)
   module:setOutputStep(step)
   return module:updateGradInput(input, gradOutput)
end

function Recursor:_accGradParameters(input, gradOutput, scale)
   local step = self.accGradParametersStep - 1
   local module = self:getStepModule(step)
   module:setOutputStep(step)
   module:accGradParameters(input, gradOutput, scale)
end

for _, kind in ipairs{'HiddenState', 'GradHiddenState'} do
   local get, set = 'get' .. kind, 'set' .. kind
   Recursor[get] = function(self, step, input) return self.recurrentModule[get](self.recurrentModule, step, input) end
   Recursor[set] = function(self, step, state) self.recurrentModule[set](self.recurrentModule, step, state) end
end

-- The module inside is masked, too, when it is a recurrence.
for _, method in ipairs{'maskZero', 'trimZero'} do
   Recursor[method] = function(self, nInputDim)
      if torch.isTypeOf(self.recurrentModule, 'nn.AbstractRecurrent') then
         self.recurrentModule[method](self.recurrentModule, nInputDim)
         return self
      end
      return AbstractRecurrent[method](self, nInputDim)
   end
end

Recursor.__tostring__ = nn.Decorator.__tostring__

---------------------------------------------------------------------------------------------------------------
-- Hands sequences on; the gradient also keeps the norms of successive vectors alike (Krueger and Memisevic 2015).

local Stabilizer = torch.class('nn.NormStabilizer', 'nn.AbstractRecurrent')

function Stabilizer:__init(beta, rho)
   native.expect('nn.NormStabilizer', '([beta=1][, rho])', 'beta', 'number?', beta, 'rho', 'number?', rho)
   AbstractRecurrent.__init(self, rho or 9999)
   self.beta = beta or 1
   self.recurrentModule = nn.CopyGrad()
   self.modules[1] = self.recurrentModule
   self.sharedClones[1] = self.recurrentModule
end

Stabilizer.updateOutput = Recursor.updateOutput
function Stabilizer:_accGradParameters() end
function Stabilizer:getHiddenState() end
function Stabilizer:setHiddenState() end
function Stabilizer:getGradHiddenState() end
function Stabilizer:setGradHiddenState() end

-- [n, 1]: the norm of each sample.
local function norms(batch)
   return batch:view(batch:size(1), -1):norm(2, 2)
end

function Stabilizer:_updateGradInput(input, gradOutput)
   local step = self.updateGradInputStep - 1
   local module = self:getStepModule(step)
   module:updateGradInput(input, gradOutput)
   local hidden = self.outputs[step]
   local n = hidden:size(1)
   local norm = norms(hidden)
   local slope = norm:clone():zero()
   for _, neighbour in ipairs{self.outputs[step - 1] or false, step < self.step - 1 and self.outputs[step + 1] or false} do
      if neighbour then slope:add(2 * self.beta / n, norm - norms(neighbour)) end
   end
   -- The norm's own slope is hidden / norm.
   slope:cdiv(norm:clone():cmax(1e-12))
   module.gradInput:view(n, -1):addcmul(1, slope:expand(n, hidden:nElement() / n), hidden:view(n, -1))
   return module.gradInput
end

-- beta times the mean over steps and samples of the squared differences.
function Stabilizer:updateLoss()
   self.loss = 0
   local last = self.step - 1
   for step = 2, last do
      local difference = norms(self.outputs[step]) - norms(self.outputs[step - 1])
      self.loss = self.loss + difference:pow(2):mean()
   end
   self.loss = last > 0 and self.beta * self.loss / last or 0
   return self.loss
end
