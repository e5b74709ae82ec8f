-- What whole scripts of the Torch7 years call beside nn: cuDNN's recurrent networks, nn.THNN, inn.utils, containers that are
-- filled late, numbers written as strings, objects as errors.
require 'cudnn' torch.setdefaulttensortype('torch.DoubleTensor')
torch.manualSeed(3) local differences = ...

local function near(a, b, what, tolerance)
   local difference = torch.isTensor(a) and (a - b):abs():max() or math.abs(a - b)
   assert(difference < (tolerance or 1e-9), what .. ': off by ' .. tostring(difference))
end
local function refused(f, words, ...)
   local ok, message = pcall(f, ...)
   assert(not ok and tostring(message):find(words, 1, true), 'not refused with "' .. words .. '": ' .. tostring(message))
end

---------------------------------------------------------------------------------------------------------------
-- The length of objects, in the forms that scripts write.

local net = nn.Sequential():add(nn.Linear(3, 4)):add(nn.Tanh())
assert(#net == 2 and #net.modules == 2 and #nn.Sequential() == 0)
for i = #net, 1, -1 do assert(net:get(i) == net.modules[i]) end
assert(#torch.LongStorage{4, 5} == 2 and ##torch.zeros(2, 3) == 2 and (#torch.zeros(2, 3))[2] == 3)
refused(function() return #nn.Linear(1, 1) end, 'whole_scripts.lua:22: nn.Linear has no length operator')
refused(function() local none return #none end, "attempt to get length of local 'none' (a nil value)")

-- nn.Container takes nil and holds nothing; nn.Sequential refuses it.
local Late, Container = torch.class('nn.LateContainer', 'nn.Container')
function Late:__init(module)
   Container.__init(self)
   self:add(module)
end
assert(#nn.LateContainer().modules == 0 and #nn.LateContainer(nn.Tanh()).modules == 1 and nn.LateContainer():add(nil):size() == 0)
refused(function() nn.Sequential():add(nil) end, '#1 (module) to nn.Sequential:add is nil')

-- Numbers written as strings, as they come out of a file of text.
local row = ('1.5 -2e1 0x10'):split(' ')
near(torch.Tensor(row), torch.Tensor{1.5, -20, 16}, 'a table of strings')
near(torch.Tensor{{'1', '2'}, {'3', 4}}, torch.Tensor{{1, 2}, {3, 4}}, 'a nested table of strings')
near(torch.zeros('2', '3'):add('4'):mul(' 2 '), torch.zeros(2, 3):fill(8), 'calls')
assert(torch.FloatStorage.elementSize() == 4 and torch.LongStorage(1):elementSize() == 8)
assert(torch.DoubleStorage{'7'}[1] == 7 and torch.ones(3):narrow(1, '2', '1'):nElement() == 1)
refused(torch.Tensor, 'invalid element (not a number): a string', {'x'})

-- An object that is thrown comes out of pcall as itself, whatever it passed through.
local thrown = setmetatable({code = 7}, {__tostring = function() return 'seven' end})
for _, through in ipairs{
   function() error(thrown) end,
   function() torch.zeros(2):apply(function() error(thrown) end) end,
   function() coroutine.wrap(function() error(thrown) end)() end,
   function() local ok, e = pcall(error, thrown) assert(not ok and e == thrown) torch.zeros(1):apply(function() error(e) end) end,
} do
   local ok, e = pcall(through)
   assert(not ok and rawequal(e, thrown), tostring(e))
   assert(select(2, xpcall(through, function(e) return e end)) == thrown)
end
local ok, e = pcall(torch.zeros(1).apply, torch.zeros(1), function() error('words') end)
assert(not ok and type(e) == 'string' and e:find('words', 1, true))
refused(function() error('at level 1') end, 'whole_scripts.lua:57: at level 1')
refused(function() local function f() error('at level 2', 2) end
   f()
end, 'whole_scripts.lua:59: at level 2')

---------------------------------------------------------------------------------------------------------------
-- cuDNN's recurrent networks by their formulas, and every gradient against finite differences.

local T, N, D, H = 4, 3, 2, 3

local function gate(sums, k) return sums:narrow(2, (k - 1) * H + 1, H) end
local function sums(x, W, b) return torch.mm(x, W:view(W:nElement() / x:size(2), x:size(2)):t()) + b:view(1, -1):expand(x:size(1), b:nElement()) end
local function joined(list, from, to)
   local parts = {}
   for k = from, to do parts[#parts + 1] = list[k]:view(-1) end
   return torch.cat(parts)
end
local steps = {
   CUDNN_LSTM = function(x, h, c, w, b)
      local s = sums(x, joined(w, 1, 4), joined(b, 1, 4)) + sums(h, joined(w, 5, 8), joined(b, 5, 8))
      c = torch.cmul(torch.sigmoid(gate(s, 2)), c) + torch.cmul(torch.sigmoid(gate(s, 1)), torch.tanh(gate(s, 3)))
      return torch.cmul(torch.sigmoid(gate(s, 4)), torch.tanh(c)), c
   end,
   CUDNN_GRU = function(x, h, c, w, b)
      local s, r = sums(x, joined(w, 1, 3), joined(b, 1, 3)), sums(h, joined(w, 4, 6), joined(b, 4, 6))
      local reset, update = torch.sigmoid(gate(s, 1) + gate(r, 1)), torch.sigmoid(gate(s, 2) + gate(r, 2))
      local new = torch.tanh(gate(s, 3) + torch.cmul(reset, gate(r, 3)))
      return new + torch.cmul(update, h - new), c
   end,
   CUDNN_RNN_RELU = function(x, h, c, w, b) return (sums(x, w[1], b[1]) + sums(h, w[2], b[2])):cmax(0), c end,
   CUDNN_RNN_TANH = function(x, h, c, w, b) return torch.tanh(sums(x, w[1], b[1]) + sums(h, w[2], b[2])), c end,
}

-- One direction of one layer.
local function sequence(mode, x, h, c, w, b, turned)
   local y = torch.Tensor(x:size(1), x:size(2), H)
   for at = 1, x:size(1) do
      local t = turned and x:size(1) + 1 - at or at
      h, c = steps[mode](x[t], h, c, w, b)
      y[t]:copy(h)
   end
   return y, h, c
end

local function by_formula(rnn, x)
   local weights, biases, hidden, cells = rnn:weights(), rnn:biases(), {}, {}
   for layer = 1, rnn.numLayers do
      local ys = {}
      for direction = 1, rnn.numDirections do
         local k = (layer - 1) * rnn.numDirections + direction
         local function first(given) return given and given[k] or torch.zeros(N, H) end
         ys[direction], hidden[k], cells[k] = sequence(rnn.mode, x, first(rnn.hiddenInput), first(rnn.cellInput), weights[k], biases[k], direction == 2)
      end
      x = #ys == 2 and torch.cat(ys[1], ys[2], 3) or ys[1]
   end
   return x, hidden, cells
end

for _, case in ipairs{{'LSTM', 1}, {'BLSTM', 2}, {'GRU', 2}, {'BGRU', 1}, {'RNNReLU', 2}, {'RNNTanh', 1}} do
   local name, layers = unpack(case)
   local rnn = cudnn[name](D, H, layers)
   local x = torch.randn(T, N, D)
   local states = layers * rnn.numDirections
   rnn.hiddenInput, rnn.cellInput = torch.randn(states, N, H), torch.randn(states, N, H)
   local y = rnn:forward(x)
   local wanted, hidden, cells = by_formula(rnn, x)
   near(y, wanted, name)
   for k = 1, states do
      near(rnn.hiddenOutput[k], hidden[k], name .. ', hiddenOutput')
      if rnn.mode == 'CUDNN_LSTM' then near(rnn.cellOutput[k], cells[k], name .. ', cellOutput') end
   end
   -- The loss weighs the output and the states after the last step.
   local weights = {torch.randn(y:size()), torch.randn(states, N, H), rnn.mode == 'CUDNN_LSTM' and torch.randn(states, N, H) or nil}
   rnn.gradHiddenOutput, rnn.gradCellOutput = weights[2], weights[3]
   local function loss()
      local value = torch.cmul(rnn:forward(x), weights[1]):sum() + torch.cmul(rnn.hiddenOutput, weights[2]):sum()
      return weights[3] and value + torch.cmul(rnn.cellOutput, weights[3]):sum() or value
   end
   loss()
   rnn:zeroGradParameters()
   rnn:backward(x, weights[1])
   rnn:accGradParameters(x, weights[1], 0.5)
   local slopes = {
      {x, rnn.gradInput:clone(), 1}, {rnn.weight, rnn.gradWeight:clone(), 1.5}, {rnn.hiddenInput, rnn.gradHiddenInput:clone(), 1},
      {rnn.cellInput, rnn.gradCellInput:clone(), 1},
   }
   for at, pair in ipairs(slopes) do
      differences(pair[1], pair[2], loss, 3, function(slope, found, i)
         near(slope * pair[3], found, name .. ', slope ' .. at .. ' ' .. i, 1e-6)
      end)
   end
end

-- Sequences of samples, states that are remembered, a copy, a file, another type.
local lstm = cudnn.LSTM(D, H, 2)
local x = torch.randn(T, N, D)
local whole = lstm:forward(x):clone()
lstm.batchFirst = true
near(lstm:forward(x:transpose(1, 2)), whole:transpose(1, 2), 'batchFirst')
near(lstm:backward(x:transpose(1, 2), whole:transpose(1, 2)):transpose(1, 2), (function()
   lstm.batchFirst = false
   lstm:forward(x)
   return lstm:backward(x, whole)
end)(), 'batchFirst, gradInput')
lstm.rememberStates = true
lstm:resetStates()
near(lstm:forward(x:narrow(1, 1, 2)), whole:narrow(1, 1, 2), 'the first half')
near(lstm:forward(x:narrow(1, 3, 2)), whole:narrow(1, 3, 2), 'the second half')
lstm.rememberStates = false
lstm:resetStates()
lstm:evaluate()
near(torch.deserialize(torch.serialize(lstm:clone())):forward(x), whole, 'a copy from a file')
near(lstm:float():forward(x:float()):double(), whole, 'float', 1e-5)
refused(lstm.backward, 'backward comes after forward, in training', lstm, x:float(), whole:float())
refused(lstm.forward, 'input, states and parameters of one type are wanted', lstm, x)
refused(lstm.forward, 'an input of three dimensions is wanted, the last of size 2, not 3 x 2 (size mismatch)', lstm, x[1]:float())
refused(cudnn.LSTM, '#1 (inputSize) to cudnn.LSTM is nil', nil, 3, 1)
-- With the input as it is, the first layer has no matrices for it.
local skip = cudnn.RNN(H, H, 1)
skip.inputMode, skip.bidirectional, skip.numDirections = 'CUDNN_SKIP_INPUT', 'CUDNN_BIDIRECTIONAL', 2
skip:reset()
assert(skip.weight:nElement() == 2 * (H * H + 2 * H))
local input = torch.randn(T, N, H)
local w, b = skip:weights(), skip:biases()
local h = torch.zeros(N, H)
local y = skip:forward(input)
for t = 1, T do
   h = (input[t] + b[1][1]:view(1, H):expand(N, H) + sums(h, w[1][2], b[1][2])):cmax(0)
   near(y[t]:narrow(2, 1, H), h, 'CUDNN_SKIP_INPUT')
end
skip.inputSize = 2
refused(skip.reset, 'CUDNN_SKIP_INPUT adds the input to the hidden layer: 2 inputs do not fit its size, 3', skip)
-- Dropout between layers draws from the machine's generator, and backward sees the mask that forward drew.
local dropping = cudnn.GRU(D, H, 2, false, 0.5)
local function drawn() torch.manualSeed(5) return dropping:forward(x):clone() end
near(drawn(), drawn(), 'dropout again')
assert((drawn() - dropping:forward(x)):abs():max() > 1e-3)
drawn()
differences(x, dropping:backward(x, torch.ones(T, N, H)):clone(), function() return drawn():sum() end, 2, function(slope, found)
   near(slope, found, 'a slope with dropout', 1e-6)
end)

---------------------------------------------------------------------------------------------------------------
-- nn.THNN's functions beside the modules of their names.

local THNN = require 'nn.THNN'
assert(THNN == nn.THNN and torch.zeros(1).THNN == THNN.kernels['torch.DoubleTensor'] and torch.FloatTensor().THNN)
local function compare(name, layer, ...)
   local input, gradOutput = torch.randn(2, 4), torch.randn(2, 4)
   local output, gradInput = torch.Tensor(), torch.Tensor()
   input.THNN[name .. '_updateOutput'](input:cdata(), output:cdata(), ...)
   near(output, layer:forward(input), name)
   local of_output = ({ELU = true, LogSoftMax = true, Sigmoid = true, SoftMax = true, SoftPlus = true, Tanh = true})[name]
   if of_output then
      input.THNN[name .. '_updateGradInput'](input:cdata(), gradOutput:cdata(), gradInput:cdata(), output:cdata(), ...)
   else
      input.THNN[name .. '_updateGradInput'](input:cdata(), gradOutput:cdata(), gradInput:cdata(), ...)
   end
   near(gradInput, layer:backward(input, gradOutput), name .. ', gradInput')
end
for _, name in ipairs{'Abs', 'LogSoftMax', 'Sigmoid', 'SoftMax', 'Square', 'Tanh'} do compare(name, nn[name]()) end
compare('ELU', nn.ELU(0.7), 0.7)
compare('HardTanh', nn.HardTanh(-0.5, 0.4), -0.5, 0.4)
compare('HardShrink', nn.HardShrink(0.3), 0.3)
compare('LeakyReLU', nn.LeakyReLU(0.2), 0.2)
compare('SoftPlus', nn.SoftPlus(2), 2)
compare('SoftShrink', nn.SoftShrink(0.3), 0.3)
compare('Threshold', nn.Threshold(0.1, -2), 0.1, -2)
local place = torch.randn(3)
local kept, out = place:clone(), torch.Tensor()
place.THNN.Threshold_updateOutput(place:cdata(), out:cdata(), 0, 0, true)
near(place, torch.cmax(kept, 0), 'in place')
place:fill(4)
near(out, place, 'in place, the output')
for _, name in ipairs{'AbsCriterion', 'MSECriterion', 'SmoothL1Criterion'} do
   for _, average in ipairs{true, false} do
      local input, target, output, gradInput = torch.randn(5), torch.randn(5), torch.Tensor(1), torch.Tensor()
      local criterion = nn[name]()
      criterion.sizeAverage = average
      input.THNN[name .. '_updateOutput'](input:cdata(), target:cdata(), output:cdata(), average)
      input.THNN[name .. '_updateGradInput'](input:cdata(), target:cdata(), gradInput:cdata(), average)
      near(output[1], criterion:forward(input, target), name)
      near(gradInput, criterion:backward(input, target), name .. ', gradInput')
   end
end
local conv = nn.SpatialConvolution(2, 3, 3, 2, 1, 2, 1, 0)
local picture = torch.randn(2, 2, 5, 6)
local wanted = conv:forward(picture)
local gradOutput = torch.randn(wanted:size())
conv:zeroGradParameters()
conv:backward(picture, gradOutput)
local output, gradInput, buffer = torch.Tensor(), torch.Tensor(), torch.Tensor()
local gradWeight, gradBias = conv.gradWeight:clone():zero(), conv.gradBias:clone():zero()
picture.THNN.SpatialConvolutionMM_updateOutput(picture:cdata(), output:cdata(), conv.weight:view(3, -1):cdata(),
   THNN.optionalTensor(conv.bias), buffer:cdata(), buffer:cdata(), 3, 2, 1, 2, 1, 0)
picture.THNN.SpatialConvolutionMM_updateGradInput(picture:cdata(), gradOutput:cdata(), gradInput:cdata(), conv.weight:cdata(), buffer:cdata(),
   buffer:cdata(), 3, 2, 1, 2, 1, 0)
picture.THNN.SpatialConvolutionMM_accGradParameters(picture:cdata(), gradOutput:cdata(), gradWeight:cdata(), gradBias:cdata(), buffer:cdata(),
   buffer:cdata(), 3, 2, 1, 2, 1, 0, 0.5)
near(output, wanted, 'SpatialConvolutionMM')
near(gradInput, conv.gradInput, 'SpatialConvolutionMM, gradInput')
near(gradWeight * 2, conv.gradWeight, 'SpatialConvolutionMM, gradWeight')
near(gradBias * 2, conv.gradBias, 'SpatialConvolutionMM, gradBias')
refused(function() return picture.THNN.SpatialFullConvolutionMap_updateOutput end, 'nn.THNN.SpatialFullConvolutionMap_updateOutput is not offered')

---------------------------------------------------------------------------------------------------------------
-- inn.utils puts a trained normalisation into what is before it, or a fixed layer into its place.

local inn = require 'inn'
local utils = require 'inn.utils'
local function trained()
   local net = nn.Sequential():add(nn.SpatialConvolution(2, 3, 3, 3):noBias()):add(nn.SpatialBatchNormalization(3)):add(nn.ReLU())
      :add(nn.Sequential():add(nn.SpatialConvolution(3, 2, 1, 1)):add(nn.SpatialBatchNormalization(2, nil, nil, false)))
      :add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(18, 4)):add(nn.BatchNormalization(4))
   for _ = 1, 3 do net:forward(torch.randn(4, 2, 5, 5)) end
   net:evaluate()
   return net
end
local pictures = torch.randn(2, 2, 5, 5)
local folded = trained()
near(utils.testSurgery(pictures, utils.foldBatchNorm, folded), 0, 'foldBatchNorm')
assert(#folded:findModules('nn.SpatialBatchNormalization') + #folded:findModules('nn.BatchNormalization') == 0)
local fixed = trained()
near(utils.testSurgery(pictures, utils.BNtoFixed, fixed, true), 0, 'BNtoFixed')
local affine = inn.ConstAffine(3)
affine.a:uniform()
affine.b:uniform()
near(nn.Jacobian.testJacobian(affine, torch.randn(2, 3, 2, 2)), 0, 'inn.ConstAffine', 1e-6)
refused(affine.forward, 'inn.ConstAffine: [n, 3] or [n, 3, h, w] is wanted', affine, torch.zeros(2, 2))

---------------------------------------------------------------------------------------------------------------
-- argcheck: arguments in order, by name, left out in the middle, of classes; overloads.

local argcheck = require 'argcheck'
local class = torch.class('Thing')
class.__init = argcheck{
   {name = 'self', type = 'Thing'},
   {name = 'title', type = 'string', default = 'none'},
   {name = 'size', type = 'number', check = function(x) return x > 0 end, help = 'above 0'},
   {name = 'like', type = 'torch.*Tensor', opt = true},
   {name = 'copy', type = 'number', defaulta = 'size'},
   {name = 'list', type = 'table', defaultf = function() return {} end},
   call = function(self, title, size, like, copy, list)
      self.title, self.size, self.like, self.copy, self.list = title, size, like, copy, list
   end,
}
local thing = Thing(3)
assert(thing.title == 'none' and thing.size == 3 and thing.copy == 3 and thing.like == nil and thing.list ~= Thing(1).list)
assert(Thing('x', 2, torch.zeros(1), 5).copy == 5 and Thing('x', 2, torch.IntTensor(1)).like and Thing{size = 4, title = 'y'}.title == 'y')
refused(Thing, 'invalid arguments!', 'x')
refused(Thing, 'size = number -- above 0', -1)
refused(Thing, 'Got: Thing, string, boolean', 'x', true)
refused(Thing, 'invalid arguments!', {size = 1, unknown = 2})
local add = argcheck{{name = 'a', type = 'number'}, {name = 'b', type = 'number'}, call = function(a, b) return a + b end}
add = argcheck{{name = 'a', type = 'string'}, {name = 'b', type = 'Thing'}, overload = add, call = function(a, b) return a .. b.title end}
torch.class('Kind', 'Thing')
assert(add(1, 2) == 3 and add('t', thing) == 'tnone' and add{a = 3, b = 4} == 7 and add('k', Kind(2)) == 'knone')
refused(add, 'or', 1, 'x')
assert(argcheck{noordered = true, {name = 'n', type = 'number'}}{n = 2} == 2)
refused(argcheck{noordered = true, {name = 'n', type = 'number'}}, 'invalid arguments!', 2)
local fine, why = argcheck{quiet = true, {name = 'n', type = 'number'}}('x')
assert(fine == false and why:find 'n = number' and argcheck{pack = true, {name = 'n', type = 'number'}}(2).n == 2)
assert(require('argcheck.env').istype(torch.zeros(1), 'torch.DoubleTensor') and not require('argcheck.env').istype(1, 'string'))

---------------------------------------------------------------------------------------------------------------
-- The escapes of LuaJIT's strings.
assert('\x41\x4a' == 'AJ' and #'\x1b[0m' == 4 and loadstring([[return '\x41']])() == 'A' and [[\x41]] == '\\x41')
assert(loadstring("return 'a\\z\n   b'")() == 'ab')

---------------------------------------------------------------------------------------------------------------
-- What Torch7 refuses of a gradient, and what classes and fields are.
do
   local refusing = 'gradOutput has another shape than the output'
   local x, linear = torch.randn(2, 3), nn.Linear(3, 4)
   linear:forward(x)
   refused(function() linear:backward(x, torch.randn(4, 2)) end, refusing)
   refused(function() linear:updateGradInput(x, torch.randn(8)) end, refusing)
   refused(function() linear:accGradParameters(x, torch.randn(1, 8)) end, refusing)
   refused(function() linear:backward(x, torch.randn(2, 4), {}) end, '#3 (scale) to nn.Linear: number expected, got table')
   assert(linear:backward(x, torch.randn(2, 4), '0.5'):isSameSizeAs(x) and linear:backward(x[1], torch.randn(4)):dim() == 1)
   local planes = torch.randn(1, 2, 6, 6)
   for _, layer in ipairs{
      nn.SpatialConvolution(2, 3, 3, 3), nn.SpatialFullConvolution(2, 3, 3, 3), nn.SpatialConvolutionLocal(2, 3, 6, 6, 3, 3),
      nn.SpatialDilatedConvolution(2, 3, 3, 3), nn.VolumetricConvolution(1, 3, 2, 3, 3), nn.TemporalConvolution(6, 3, 2),
   } do
      local input = torch.type(layer) == 'nn.TemporalConvolution' and planes[1] or planes
      local output = layer:forward(input)
      refused(function() layer:backward(input, output:view(-1)) end, refusing)
      assert(layer:backward(input, output:clone()):isSameSizeAs(input), torch.type(layer))
   end
   -- Functions of single numbers look at their count only.
   assert(nn.Tanh():backward(x, torch.randn(6)):isSameSizeAs(x) and nn.View(6):backward(x, torch.randn(3, 2)):isSameSizeAs(x))

   linear.gradWeight = nil
   refused(function() linear:backward(x, torch.randn(2, 4)) end, "attempt to index field 'gradWeight' (a nil value)")
   local norm = nn.BatchNormalization(3)
   norm:forward(x)
   norm.gradWeight = nil
   assert(norm:backward(x, torch.randn(2, 3)))

   local lookup, rows = nn.LookupTable(5, 3), torch.LongTensor{1, 5}
   lookup:forward(rows)
   local nothing = lookup:backward(rows, torch.randn(2, 3))
   assert(torch.type(nothing) == 'torch.LongTensor' and nothing:isSameSizeAs(rows) and lookup.gradInput == nothing)
   assert(torch.typename(nn.Linear) == nil and torch.type(nn.Linear) == 'table' and torch.typename(linear) == 'nn.Linear')
   assert(torch.isTypeOf(linear, nn.Linear) and torch.isTypeOf(linear, 'nn.Module'))
   local list = torch.Tensor{4, 5, 6}
   list['2'] = 7
   assert(list['2'] == 7 and list.two == nil and torch.ones(2, 3)['1']:size(1) == 3)
end
