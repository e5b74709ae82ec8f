-- rnn: nn.GRU, with dropout inside when asked (Gal 2015), and nn.MuFuRu (Weissenborn 2016). Both carry their output.

local torch, nn, native = ...
local GRU, AbstractRecurrent = torch.class('nn.GRU', 'nn.AbstractRecurrent')

-- p: probability of dropping, of the same units at every step; mono: the same of every sample.
function GRU:__init(inputSize, outputSize, rho, p, mono)
   native.expect(torch.typename(self), '(inputSize, outputSize[, rho][, p=0][, mono=false])', 'inputSize', 'number', inputSize,
      'outputSize', 'number?', outputSize, 'rho', 'number?', rho, 'p', 'number?', p, 'mono', 'boolean?', mono)
   AbstractRecurrent.__init(self, rho or 9999)
   self.p = p or 0
   if self.p < 0 or self.p >= 1 then error('nn.GRU: p, the probability of dropping, must be 0 <= p < 1', 2) end
   self.mono = mono or false
   self.inputSize, self.outputSize = inputSize, outputSize or inputSize
   self.recurrentModule = self:buildModel()
   self.modules[1] = self.recurrentModule
   self.sharedClones[1] = self.recurrentModule
end

-- A layer behind a dropout of its own, if there is any.
local function dropped(self, layer)
   if self.p == 0 then return layer end
   return nn.Sequential():add(nn.Dropout(self.p, false, false, true, self.mono)):add(layer)
end

-- {input, output(t-1)} → output. Reset gate r, update gate z: z output(t-1) + (1 - z) tanh(W input + U (r output(t-1))).
function GRU:buildModel()
   local size = self.outputSize
   self.i2g = dropped(self, nn.Linear(self.inputSize, 2 * size))
   self.o2g = dropped(self, nn.LinearNoBias(size, 2 * size))
   local gates = nn.Sequential()
      :add(nn.ParallelTable():add(self.i2g):add(self.o2g))
      :add(nn.CAddTable())
      :add(nn.Reshape(2, size))
      :add(nn.SplitTable(1, 2))
      :add(nn.ParallelTable():add(nn.Sigmoid()):add(nn.Sigmoid()))
   local reset = nn.Sequential():add(nn.NarrowTable(2, 2)):add(nn.CMulTable())
   local candidate = nn.Sequential()
      :add(nn.ConcatTable():add(nn.SelectTable(1)):add(reset))
      :add(nn.ParallelTable()
         :add(dropped(self, nn.Linear(self.inputSize, size)))
         :add(dropped(self, nn.LinearNoBias(size, size))))
      :add(nn.CAddTable())
      :add(nn.Tanh())
   -- z, output(t-1), candidate from here on.
   local fresh = nn.Sequential()
      :add(nn.ConcatTable()
         :add(nn.Sequential():add(nn.SelectTable(1)):add(nn.SAdd(-1, true)))
         :add(nn.SelectTable(3)))
      :add(nn.CMulTable())
   local kept = nn.Sequential():add(nn.NarrowTable(1, 2)):add(nn.CMulTable())
   return nn.Sequential()
      :add(nn.ConcatTable():add(nn.Identity()):add(gates))
      :add(nn.FlattenTable()) -- input, output(t-1), r, z
      :add(nn.ConcatTable():add(nn.SelectTable(4)):add(nn.SelectTable(2)):add(candidate))
      :add(nn.ConcatTable():add(fresh):add(kept))
      :add(nn.CAddTable())
end

function GRU:trimZero(nInputDim)
   if self.p ~= 0 and not self.mono then
      error('nn.GRU:trimZero of a machine that drops units needs its argument mono to be true', 2)
   end
   return AbstractRecurrent.trimZero(self, nInputDim)
end

function GRU:unpacked(gradients)
   if self.updateGradInputStep == 2 and self.userPrevOutput then self.userGradPrevOutput = gradients[2] end
   return gradients[1], gradients[2]
end

function GRU:__tostring__()
   local dropping = self.p > 0 and ', dropout ' .. self.p or ''
   return string.format('%s(%s -> %s%s)', torch.type(self), self.inputSize, self.outputSize, dropping)
end

---------------------------------------------------------------------------------------------------------------

local MuFuRu = torch.class('nn.MuFuRu', 'nn.AbstractRecurrent')

-- Each makes a module of {output(t-1), feature} → a vector of their size.
local function with(...)
   local module = nn.Sequential()
   for _, part in ipairs{...} do module:add(part) end
   return module
end
local operations = {
   keep = function() return nn.SelectTable(1) end,
   replace = function() return nn.SelectTable(2) end,
   mul = function() return nn.CMulTable() end,
   diff = function() return nn.CSubTable() end,
   forget = function() return with(nn.SelectTable(1), nn.MulConstant(0, false)) end,
   sqrt_diff = function()
      -- The square root has no slope at 0.
      return with(nn.CSubTable(), nn.Abs(), nn.AddConstant(1e-12, false), nn.Sqrt(), nn.MulConstant(0.25, false))
   end,
   max = function() return nn.CMaxTable() end,
   min = function() return nn.CMinTable() end,
}

function MuFuRu.operations()
   return {'keep', 'replace', 'mul', 'diff', 'forget', 'sqrt_diff', 'max', 'min'}
end

function MuFuRu:__init(inputSize, outputSize, ops, rho)
   native.expect('nn.MuFuRu', '(inputSize, outputSize[, ops][, rho])', 'inputSize', 'number', inputSize,
      'outputSize', 'number', outputSize, 'ops', 'table?', ops, 'rho', 'number?', rho)
   AbstractRecurrent.__init(self, rho or 9999)
   self.inputSize, self.outputSize = inputSize, outputSize
   self.operations = ops or MuFuRu.operations()
   for _, name in ipairs(self.operations) do
      if not operations[name] then
         error("nn.MuFuRu has no operation '" .. tostring(name) .. "': " .. table.concat(MuFuRu.operations(), ', '), 2)
      end
   end
   self.recurrentModule = self:buildModel()
   self.modules[1] = self.recurrentModule
   self.sharedClones[1] = self.recurrentModule
end

-- {input, output(t-1)} → Σ p[j] op[j](output(t-1), feature), with weights p by a softmax over the operations.
function MuFuRu:buildModel()
   local size, count = self.outputSize, #self.operations
   local function sum(outputs)
      return nn.Sequential()
         :add(nn.ParallelTable():add(nn.Linear(self.inputSize, outputs)):add(nn.LinearNoBias(size, outputs)))
         :add(nn.CAddTable())
   end
   local reset = with(nn.ConcatTable():add(with(sum(size), nn.Sigmoid())):add(nn.SelectTable(2)), nn.CMulTable())
   local feature = with(nn.ConcatTable():add(nn.SelectTable(1)):add(reset), sum(size), nn.Tanh())
   local results = nn.ConcatTable()
   for _, name in ipairs(self.operations) do
      results:add(with(operations[name](), nn.Reshape(1, size)))
   end
   -- [count, size] of each sample, a softmax of each unit over the operations.
   local weights = with(sum(count * size), nn.View(size, count):setNumInputDims(1), nn.Bottle(nn.SoftMax(), 2, 2))
   return nn.Sequential()
      :add(nn.ConcatTable()
         :add(weights)
         :add(with(
            nn.ConcatTable():add(nn.SelectTable(2)):add(feature),
            results, nn.JoinTable(1, 2), nn.Transpose({1, 2}):setNumInputDims(2))))
      :add(nn.CMulTable())
      :add(nn.Sum(2, 2))
end

function MuFuRu:__tostring__()
   return string.format('%s(%s -> %s) {%s}', torch.type(self), self.inputSize, self.outputSize, table.concat(self.operations, ', '))
end
