-- cudnn.RNN and its kin: LSTM, BLSTM, GRU, BGRU, RNNReLU, RNNTanh over a whole tensor [steps, n, inputSize] a call
-- ([n, steps, inputSize] with batchFirst), by libtorch. Gradients are those of the pass that the last call of forward made.

local torch, nn, native, packages = ...
local cudnn = packages.cudnn
local RNN, Module = torch.class('cudnn.RNN', 'nn.Module', cudnn)

-- Linear layers of one layer and direction: half of them for the input, half for the state.
RNN.linearLayers = {CUDNN_LSTM = 8, CUDNN_GRU = 6, CUDNN_RNN_RELU = 2, CUDNN_RNN_TANH = 2}

-- What backward needs of the last pass: not a field, since it is no part of what is saved or copied.
local passes = setmetatable({}, {__mode = 'k'})

function RNN:__init(inputSize, hiddenSize, numLayers, batchFirst, dropout, rememberStates)
   native.expect(torch.typename(self), '(inputSize, hiddenSize, numLayers[, batchFirst=false][, dropout=0][, rememberStates=false])',
      'inputSize', 'number', inputSize, 'hiddenSize', 'number', hiddenSize, 'numLayers', 'number', numLayers)
   Module.__init(self)
   self.inputSize, self.hiddenSize, self.numLayers = inputSize, hiddenSize, numLayers
   self.seqLength, self.miniBatch = 1, 1
   self.bidirectional, self.numDirections = 'CUDNN_UNIDIRECTIONAL', 1
   self.inputMode, self.mode = 'CUDNN_LINEAR_INPUT', 'CUDNN_RNN_RELU'
   self.dropout = dropout or 0
   self.batchFirst, self.rememberStates = batchFirst or false, rememberStates or false
   self.sync, self.inputPacked = true, false
   self.weight, self.gradWeight = torch.Tensor(), torch.Tensor()
   self.hiddenOutput, self.cellOutput = torch.Tensor(), torch.Tensor()
   self.gradHiddenInput, self.gradCellInput = torch.Tensor(), torch.Tensor()
   self:training()
   self:reset()
end

function RNN:setSync(sync) self.sync = sync end

-- Settings of a library whose place libtorch takes.
for _, what in ipairs{'Dropout', 'RNN', 'Weight', 'Input', 'Output'} do RNN['reset' .. what .. 'Descriptor'] = function() end end
function RNN:resetHiddenDescriptors() end
function RNN:resetCellDescriptors() end

---------------------------------------------------------------------------------------------------------------

-- The parts of the flat parameters: the matrices of each layer and direction, then their biases, as cuDNN lays them out.
-- A list over layers and directions of {matrices = {input, state}, biases = {input, state}}, each with offset, rows, columns.
local function layout(self)
   local gates = RNN.linearLayers[self.mode]
   if not gates then error('there is no recurrent network of mode ' .. tostring(self.mode), 3) end
   local H, directions, at, parts = self.hiddenSize, self.numDirections, 1, {}
   local rows = gates / 2 * H
   local function part(columns)
      local new = {offset = at, rows = rows, columns = columns}
      at = at + rows * columns
      return new
   end
   for layer = 1, self.numLayers * directions do
      local is_first = layer <= directions
      local skips = is_first and self.inputMode == 'CUDNN_SKIP_INPUT'
      if skips and self.inputSize ~= H then
         error(string.format('%s: CUDNN_SKIP_INPUT adds the input to the hidden layer: %d inputs do not fit its size, %d', torch.type(self),
            self.inputSize, H), 3)
      end
      local columns = skips and 0 or is_first and self.inputSize or H * directions
      parts[layer] = {matrices = {part(columns), part(H)}}
   end
   for layer = 1, #parts do parts[layer].biases = {part(1), part(1)} end
   return parts, at - 1
end

function RNN:reset(stdv)
   stdv = stdv or 1 / math.sqrt(self.hiddenSize)
   local _, size = layout(self)
   self.weight:resize(size):uniform(-stdv, stdv)
   self.gradWeight:resize(size):zero()
   return self
end

local function view(flat, part, as_matrix)
   if part.columns == 0 then return flat.new() end
   local values = flat:narrow(1, part.offset, part.rows * part.columns)
   return as_matrix and values:view(part.rows, part.columns) or values
end

-- For each layer and direction the tensors of its linear layers, which share the module's memory.
local function linear(self, what)
   local lists = {}
   for layer, parts in ipairs((layout(self))) do
      local list = {}
      for _, part in ipairs(parts[what]) do
         local values, size = view(self.weight, part), self.hiddenSize * part.columns
         for gate = 1, part.rows / self.hiddenSize do
            list[#list + 1] = size > 0 and values:narrow(1, (gate - 1) * size + 1, size) or values
         end
      end
      lists[layer] = list
   end
   return lists
end

function RNN:weights() return linear(self, 'matrices') end
function RNN:biases() return linear(self, 'biases') end

-- The parameters as libtorch takes them, out of a flat tensor.
local function parameters(self, flat)
   local list = {}
   for _, parts in ipairs((layout(self))) do
      for _, part in ipairs(parts.matrices) do
         if part.columns > 0 then
            list[#list + 1] = view(flat, part, true)
         else
            -- The input itself, for every gate.
            local one = torch.eye(self.inputSize):type(flat:type())
            list[#list + 1] = one:repeatTensor(part.rows / self.hiddenSize, 1)
         end
      end
      for _, part in ipairs(parts.biases) do list[#list + 1] = view(flat, part) end
   end
   return list
end

---------------------------------------------------------------------------------------------------------------

local function steps_first(self, tensor, size, what)
   if not native.is_tensor(tensor) or tensor:dim() ~= 3 or tensor:size(3) ~= size then
      local got = native.is_tensor(tensor) and table.concat(tensor:size():totable(), ' x ') or torch.type(tensor)
      error(string.format('%s: %s of three dimensions is wanted, the last of size %d, not %s (size mismatch)', torch.type(self), what, size, got), 3)
   end
   return (self.batchFirst and tensor:transpose(1, 2) or tensor):contiguous()
end

local function state_size(self) return {self.numLayers * self.numDirections, self.miniBatch, self.hiddenSize} end

local function has_size(tensor, size)
   return tensor:dim() == 3 and tensor:size(1) == size[1] and tensor:size(2) == size[2] and tensor:size(3) == size[3]
end

-- A state before the first step: the one given, or zeros.
local function state(self, given, name)
   local size = state_size(self)
   if not given then return self.weight.new(unpack(size)):zero() end
   if not has_size(given, size) then
      error(string.format('%s: %s of size %s is wanted, not %s (size mismatch)', torch.type(self), name, table.concat(size, ' x '),
         table.concat(given:size():totable(), ' x ')), 3)
   end
   return given
end

function RNN:resetStates()
   self.hiddenInput, self.cellInput, self.gradHiddenOutput, self.gradCellOutput = nil, nil, nil, nil
   self.hiddenOutput:zero()
   self.cellOutput:zero()
end

function RNN:updateOutput(input)
   if self.inputPacked then error(torch.type(self) .. ': packed sequences (inputPacked) are not offered: pad them', 2) end
   local x = steps_first(self, input, self.inputSize, 'an input')
   self.seqLength, self.miniBatch = x:size(1), x:size(2)
   if self.rememberStates then
      local last = self.hiddenOutput
      local fits = has_size(last, state_size(self))
      self.hiddenInput = fits and last:clone() or nil
      self.cellInput = fits and self.cellOutput:isSameSizeAs(last) and self.cellOutput:clone() or nil
   end
   local options = {
      mode = self.mode, layers = self.numLayers, bidirectional = self.numDirections == 2, dropout = self.dropout, train = self.train ~= false,
   }
   local y, hidden, cell, back = native.recurrent.run(options, x, state(self, self.hiddenInput, 'hiddenInput'),
      state(self, self.cellInput, 'cellInput'), parameters(self, self.weight))
   passes[self] = back and {back = back}
   self.hiddenOutput:set(hidden)
   if cell then self.cellOutput:set(cell) else self.cellOutput:resizeAs(hidden):zero() end
   self.output:set(self.batchFirst and y:transpose(1, 2) or y)
   return self.output
end

local function gradients(self, gradOutput)
   local pass = passes[self]
   if not pass then error(torch.type(self) .. ': backward comes after forward, in training', 3) end
   gradOutput = steps_first(self, gradOutput, self.hiddenSize * self.numDirections, 'a gradient')
   pass.input, pass.hidden, pass.cell, pass.parameters = pass.back(gradOutput, self.gradHiddenOutput, self.gradCellOutput)
   return pass
end

function RNN:updateGradInput(input, gradOutput)
   local pass = gradients(self, gradOutput)
   self.gradHiddenInput:set(pass.hidden)
   self.gradCellInput:set(pass.cell)
   self.gradInput:set(self.batchFirst and pass.input:transpose(1, 2) or pass.input)
   return self.gradInput
end

function RNN:accGradParameters(input, gradOutput, scale)
   local pass = passes[self]
   pass = pass and pass.parameters and pass or gradients(self, gradOutput)
   local own = parameters(self, self.gradWeight)
   for i, part in ipairs(own) do part:add(scale or 1, pass.parameters[i]) end
   -- The next gradient is another one.
   pass.parameters = nil
end

function RNN:clearState()
   passes[self] = nil
   for _, name in ipairs{'hiddenOutput', 'cellOutput', 'gradHiddenInput', 'gradCellInput'} do self[name]:set() end
   return Module.clearState(self)
end

function RNN:type(typename, cache)
   if typename then passes[self] = nil end
   return Module.type(self, typename, cache)
end

---------------------------------------------------------------------------------------------------------------

local function kind(name, mode, directions)
   local class = torch.class('cudnn.' .. name, 'cudnn.RNN', cudnn)
   function class:__init(inputSize, hiddenSize, numLayers, batchFirst, dropout, rememberStates)
      RNN.__init(self, inputSize, hiddenSize, numLayers, batchFirst, dropout, directions == 1 and rememberStates)
      self.mode = mode
      if directions == 2 then self.bidirectional, self.numDirections = 'CUDNN_BIDIRECTIONAL', 2 end
      self:reset()
   end
end
kind('LSTM', 'CUDNN_LSTM', 1)
kind('BLSTM', 'CUDNN_LSTM', 2)
kind('GRU', 'CUDNN_GRU', 1)
kind('BGRU', 'CUDNN_GRU', 2)
kind('RNNReLU', 'CUDNN_RNN_RELU', 1)
kind('RNNTanh', 'CUDNN_RNN_TANH', 1)
