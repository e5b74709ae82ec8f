-- rnn: nn.LSTM with peepholes, and nn.FastLSTM, which computes all gates in one product. Both carry {output, cell}.

local torch, nn, native, packages = ...
local rnn = packages.rnn
local LSTM, AbstractRecurrent = torch.class('nn.LSTM', 'nn.AbstractRecurrent')

-- cell2gate = false leaves the peepholes out.
function LSTM:__init(inputSize, outputSize, rho, cell2gate)
   native.expect(torch.typename(self), '(inputSize, outputSize[, rho])', 'inputSize', 'number', inputSize,
      'outputSize', 'number?', outputSize, 'rho', 'number?', rho)
   AbstractRecurrent.__init(self, rho or 9999)
   self.inputSize, self.outputSize = inputSize, outputSize or inputSize
   self.cell2gate = cell2gate == nil or cell2gate
   self.recurrentModule = self:buildModel()
   self.modules[1] = self.recurrentModule
   self.sharedClones[1] = self.recurrentModule
end

---------------------------------------------------------------------------------------------------------------
-- The module of a step: {input, output(t-1), cell(t-1)} → {output, cell}. A subclass may build any part otherwise.

-- {input, output, cell} → Linear(input) + Linear(output), and the cell through a peephole.
local function weighted(self, peephole)
   local parallel = nn.ParallelTable()
      :add(nn.Linear(self.inputSize, self.outputSize))
      :add(nn.LinearNoBias(self.outputSize, self.outputSize))
   local gate = nn.Sequential()
   if peephole then
      parallel:add(nn.CMul(self.outputSize))
   else
      gate:add(nn.NarrowTable(1, 2))
   end
   return gate:add(parallel):add(nn.CAddTable())
end

function LSTM:buildGate() return weighted(self, self.cell2gate):add(nn.Sigmoid()) end

function LSTM:buildInputGate()
   self.inputGate = self:buildGate()
   return self.inputGate
end

function LSTM:buildForgetGate()
   self.forgetGate = self:buildGate()
   return self.forgetGate
end

function LSTM:buildHidden()
   self.hiddenLayer = weighted(self, false):add(nn.Tanh())
   return self.hiddenLayer
end

-- The next cell: what the forget gate keeps of the old one, what the input gate takes of the hidden layer.
function LSTM:buildCell()
   self:buildInputGate()
   self:buildForgetGate()
   self:buildHidden()
   local kept = nn.Sequential()
      :add(nn.ConcatTable():add(self.forgetGate):add(nn.SelectTable(3)))
      :add(nn.CMulTable())
   local taken = nn.Sequential()
      :add(nn.ConcatTable():add(self.inputGate):add(self.hiddenLayer))
      :add(nn.CMulTable())
   self.cellLayer = nn.Sequential():add(nn.ConcatTable():add(kept):add(taken)):add(nn.CAddTable())
   return self.cellLayer
end

function LSTM:buildOutputGate()
   self.outputGate = self:buildGate()
   return self.outputGate
end

function LSTM:buildModel()
   self:buildCell()
   self:buildOutputGate()
   local output = nn.Sequential()
      :add(nn.ConcatTable()
         :add(self.outputGate)
         :add(nn.Sequential():add(nn.SelectTable(3)):add(nn.Tanh())))
      :add(nn.CMulTable())
   return nn.Sequential()
      :add(nn.ConcatTable():add(nn.NarrowTable(1, 2)):add(self.cellLayer))
      :add(nn.FlattenTable())
      :add(nn.ConcatTable():add(output):add(nn.SelectTable(3)))
end

---------------------------------------------------------------------------------------------------------------
-- The state of a step is its output and its cell.

function LSTM:forgetSteps()
   AbstractRecurrent.forgetSteps(self)
   self.cells, self.gradCells = {}, {}
end

function LSTM:forgetStep(step)
   AbstractRecurrent.forgetStep(self, step)
   self.cells[step], self.gradCells[step] = nil, nil
end

function LSTM:getHiddenState(step, input)
   local output, cell = self.outputs[step], self.cells[step]
   if step == 0 and output == nil then
      local zero = not (self.userPrevOutput and self.userPrevCell) and self:zeroState(input) or nil
      output, cell = self.userPrevOutput or zero, self.userPrevCell or zero
   end
   if output == nil or cell == nil then return nil end
   return {output, cell}
end

function LSTM:setHiddenState(step, state) self.outputs[step], self.cells[step] = state[1], state[2] end

function LSTM:getGradHiddenState(step)
   local gradient = self.gradStates[step]
   return gradient and {gradient, self.gradCells[step]}
end

function LSTM:setGradHiddenState(step, gradient)
   self.gradStates[step], self.gradCells[step] = gradient[1], gradient[2]
end

function LSTM:packed(input, state) return {input, state[1], state[2]} end
function LSTM:stateOutput(state) return state[1] end

-- The gradient for the state before, for scripts that couple two machines by hand.
function LSTM:unpacked(gradients)
   local step = self.updateGradInputStep - 1
   self.gradCells[step - 1] = gradients[3]
   if step == 1 and self.userPrevOutput then self.userGradPrevOutput = gradients[2] end
   if step == 1 and self.userPrevCell then self.userGradPrevCell = gradients[3] end
   return gradients[1], gradients[2]
end

function LSTM:stateGradient(step, gradOutput, later)
   local cell = self.gradCells[step]
   if cell == nil and step == self.step - 1 then cell = self.userNextGradCell end
   if cell == nil then
      self._gradCell = rnn.recursiveFill((rnn.recursiveResizeAs(self._gradCell, self.cells[step])), 0)
      cell = self._gradCell
   end
   return {self:summed(step, gradOutput, later), cell}
end

function LSTM:__tostring__()
   return string.format('%s(%s -> %s)', torch.type(self), self.inputSize, self.outputSize)
end

---------------------------------------------------------------------------------------------------------------

local FastLSTM = torch.class('nn.FastLSTM', 'nn.LSTM')

-- Set on the class, for what is made afterwards: the step as an nngraph; normalised by batch (Cooijmans 2016).
FastLSTM.usenngraph = false
FastLSTM.bn = false

function FastLSTM:__init(inputSize, outputSize, rho, eps, momentum, affine)
   self.eps, self.momentum = eps or 0.1, momentum or 0.1
   self.affine = affine == nil or affine
   LSTM.__init(self, inputSize, outputSize, rho, false)
end

local function normalised(self, size)
   local layer = nn.BatchNormalization(size, self.eps, self.momentum, self.affine)
   if self.affine then
      layer.weight:fill(0.1)
      layer.bias:zero()
   end
   return layer
end

-- {input, output(t-1)} → the sums of input gate, hidden layer, forget gate and output gate, side by side.
function FastLSTM:buildSums()
   local size = self.outputSize
   self.o2g = nn.LinearNoBias(size, 4 * size)
   if not self.bn then
      self.i2g = nn.Linear(self.inputSize, 4 * size)
      return nn.Sequential():add(nn.ParallelTable():add(self.i2g):add(self.o2g)):add(nn.CAddTable())
   end
   self.i2g = nn.LinearNoBias(self.inputSize, 4 * size)
   return nn.Sequential()
      :add(nn.ParallelTable()
         :add(nn.Sequential():add(self.i2g):add(normalised(self, 4 * size)))
         :add(nn.Sequential():add(self.o2g):add(normalised(self, 4 * size))))
      :add(nn.CAddTable())
      :add(nn.Add(4 * size))
end

-- A table of those four, {i, z, f, o}, after their functions.
function FastLSTM:buildGates()
   return nn.Sequential()
      :add(nn.Reshape(4, self.outputSize))
      :add(nn.SplitTable(1, 2))
      :add(nn.ParallelTable():add(nn.Sigmoid()):add(nn.Tanh()):add(nn.Sigmoid()):add(nn.Sigmoid()))
end

-- What the output gate lets through of the cell.
function FastLSTM:buildCellActivation()
   if not self.bn then return nn.Tanh() end
   return nn.Sequential():add(normalised(self, self.outputSize)):add(nn.Tanh())
end

function FastLSTM:buildModel()
   if self.usenngraph then return self:nngraphModel() end
   local gates = nn.Sequential():add(nn.NarrowTable(1, 2)):add(self:buildSums()):add(self:buildGates())
   local taken = nn.Sequential():add(nn.NarrowTable(1, 2)):add(nn.CMulTable())
   local kept = nn.Sequential():add(nn.ConcatTable():add(nn.SelectTable(3)):add(nn.SelectTable(5))):add(nn.CMulTable())
   local cell = nn.Sequential():add(nn.ConcatTable():add(taken):add(kept)):add(nn.CAddTable())
   local output = nn.Sequential()
      :add(nn.ParallelTable():add(nn.Identity()):add(self:buildCellActivation()))
      :add(nn.CMulTable())
   return nn.Sequential()
      :add(nn.ConcatTable():add(gates):add(nn.SelectTable(3)))
      :add(nn.FlattenTable()) -- i, z, f, o, cell(t-1)
      :add(nn.ConcatTable():add(nn.SelectTable(4)):add(cell))
      :add(nn.ConcatTable():add(output):add(nn.SelectTable(2)))
end

function FastLSTM:nngraphModel()
   require 'nngraph'
   local input, before, cell = nn.Identity()(), nn.Identity()(), nn.Identity()()
   local sums = self:buildSums()({input, before})
   local i, z, f, o = self:buildGates()(sums):split(4)
   local next_cell = nn.CAddTable()({nn.CMulTable()({f, cell}), nn.CMulTable()({i, z})})
   local output = nn.CMulTable()({o, self:buildCellActivation()(next_cell)})
   return nn.gModule({input, before, cell}, {output, next_cell})
end
