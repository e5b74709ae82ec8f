-- rnn: nn.Sequencer and its kin, which take a whole sequence a call: a table of steps, or a tensor [steps, ...].

local torch, nn, native, packages = ...
local rnn = packages.rnn
local AbstractSequencer, Container = torch.class('nn.AbstractSequencer', 'nn.Container')
local Module = torch.getmetatable('nn.Module')

local modes = {neither = true, both = true, train = true, eval = true}

-- When the states of the last sequence are kept for the next one: 'neither' (as made), 'both', 'train', 'eval'.
function AbstractSequencer:remember(mode)
   mode = mode or 'both'
   if not modes[mode] then
      error(torch.type(self) .. ":remember takes 'both', 'train', 'eval' or 'neither', not " .. tostring(mode), 2)
   end
   Module.remember(self, mode)
   self._remember = mode
   return self
end

-- Whether the sequence that comes goes on where the last one ended.
function AbstractSequencer:remembers()
   return self._remember == 'both' or self._remember == (self.train ~= false and 'train' or 'eval')
end

-- A change of mode is a new sequence.
function AbstractSequencer:training()
   if self.train == false then self:forget() end
   Container.training(self)
   return self
end

function AbstractSequencer:evaluate()
   if self.train ~= false then self:forget() end
   Container.evaluate(self)
   return self
end

for _, method in ipairs{'accUpdateGradParameters', 'sharedAccUpdateGradParameters', 'getStepModule'} do
   AbstractSequencer[method] = function(self)
      error(torch.type(self) .. ' has no ' .. method, 2)
   end
end

-- The module, in a Recursor unless it knows time-steps.
function rnn.recursor(module)
   return torch.isTypeOf(module, 'nn.AbstractRecurrent') and module or nn.Recursor(module)
end

-- The table for the outputs of `count` steps: in evaluation the one of the sequence before.
function AbstractSequencer:fresh(count)
   if self.train ~= false or torch.type(self.output) ~= 'table' then return {} end
   for step = #self.output, count + 1, -1 do self.output[step] = nil end
   return self.output
end

-- An output that outlives the next step: in evaluation a module writes over the last one.
function AbstractSequencer:kept(step, output)
   if self.train ~= false then return output end
   self._kept = self._kept or {}
   self._kept[step] = rnn.recursiveCopy(self._kept[step], output)
   return self._kept[step]
end

---------------------------------------------------------------------------------------------------------------

local Sequencer = torch.class('nn.Sequencer', 'nn.AbstractSequencer')

function Sequencer:__init(module)
   native.expect('nn.Sequencer', '(module)', 'module', 'module', module)
   Container.__init(self)
   self.module = rnn.recursor(module)
   self.modules[1] = self.module
   self.output, self.gradInput = {}, {}
   self._remember = 'neither'
end

-- Step `i` of a result of `count` steps, put where the whole is: a table, or one tensor when the sequence came as one.
local function put(whole, i, part, count, as_tensor)
   if not as_tensor then
      whole = torch.type(whole) == 'table' and whole or {}
      whole[i] = part
      return whole
   end
   if not native.is_tensor(part) then
      error('nn.Sequencer: a sequence that is a tensor needs steps whose results are tensors, not tables', 0)
   end
   if not native.is_tensor(whole) or whole:type() ~= part:type() then whole = part.new() end
   if part:dim() == 0 then return whole end
   local sizes = part:size():totable()
   table.insert(sizes, 1, count)
   whole:resize(torch.LongStorage(sizes))
   whole[i]:copy(part)
   return whole
end

function Sequencer:updateOutput(input)
   local as_tensor = native.is_tensor(input)
   if not as_tensor and torch.type(input) ~= 'table' then
      error('nn.Sequencer: a table or a tensor of steps is wanted, not a ' .. torch.type(input), 2)
   end
   local count = rnn.steps(input)
   if self.train ~= false then self.module:maxBPTTstep(count) end
   if not self:remembers() then self.module:forget() end
   if not as_tensor then self.output = self:fresh(count) end
   for step = 1, count do
      local output = self.module:updateOutput(input[step])
      self.output = put(self.output, step, as_tensor and output or self:kept(step, output), count, as_tensor)
   end
   return self.output
end

function Sequencer:updateGradInput(input, gradOutput)
   local count, as_tensor = rnn.steps(input), native.is_tensor(input)
   if rnn.steps(gradOutput) ~= count then
      error('nn.Sequencer: gradOutput has ' .. rnn.steps(gradOutput) .. ' steps, the input ' .. count, 2)
   end
   if not as_tensor then self.gradInput = {} end
   for step = count, 1, -1 do
      self.gradInput = put(self.gradInput, step, self.module:updateGradInput(input[step], gradOutput[step]), count, as_tensor)
   end
   return self.gradInput
end

function Sequencer:accGradParameters(input, gradOutput, scale)
   for step = rnn.steps(input), 1, -1 do
      self.module:accGradParameters(input[step], gradOutput[step], scale)
   end
end

Sequencer.__tostring__ = nn.Decorator.__tostring__

---------------------------------------------------------------------------------------------------------------
-- The same input at each of nStep steps.

local Repeater = torch.class('nn.Repeater', 'nn.AbstractSequencer')

function Repeater:__init(module, nStep)
   native.expect('nn.Repeater', '(module, nStep)', 'module', 'module', module, 'nStep', 'number', nStep)
   Container.__init(self)
   self.nStep = nStep
   self.module = rnn.recursor(module)
   self.modules[1] = self.module
   self.output = {}
end

function Repeater:updateOutput(input)
   if self.train ~= false then self.module:maxBPTTstep(self.nStep) end
   self.module:forget()
   self.output = self:fresh(self.nStep)
   for step = 1, self.nStep do
      self.output[step] = self:kept(step, self.module:updateOutput(input))
   end
   return self.output
end

function Repeater:updateGradInput(input, gradOutput)
   if #gradOutput ~= self.nStep then
      error('nn.Repeater: gradOutput has ' .. #gradOutput .. ' steps, not ' .. self.nStep, 2)
   end
   for step = self.nStep, 1, -1 do
      local gradInput = self.module:updateGradInput(input, gradOutput[step])
      rnn.add_step(self, step == self.nStep, gradInput)
   end
   return self.gradInput
end

function Repeater:accGradParameters(input, gradOutput, scale)
   for step = self.nStep, 1, -1 do self.module:accGradParameters(input, gradOutput[step], scale) end
end

function Repeater:maxBPTTstep() return Module.maxBPTTstep(self, self.nStep) end

function Repeater:__tostring__()
   return torch.type(self) .. ' {\n  [  input,    input,  ...,  input  ]\n     V         V             V     \n'
      .. '  ' .. tostring(self.module):gsub('\n', '\n  ') .. '\n     V         V             V     \n'
      .. '  [output(1),output(2),...,output(' .. self.nStep .. ')]\n}'
end
