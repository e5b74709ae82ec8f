-- rnn: recurrences against their formulas and against each other, every gradient against finite differences, and what
-- sequences remember.
require 'rnn'
torch.setdefaulttensortype('torch.DoubleTensor')
torch.manualSeed(1)

local T, N, D, H = 4, 3, 2, 3

local differences = ...
local function near(a, b, what, tolerance)
   local difference = torch.isTensor(a) and (a - b):abs():max() or math.abs(a - b)
   assert(difference < (tolerance or 1e-9), what .. ': off by ' .. tostring(difference))
end

-- Slopes of a module's weighted output by some of its parameters and its input's numbers, against finite differences.
local function differentiate(module, input, what)
   module:training()
   local parameters, gradients = module:getParameters()
   local weights
   local function loss()
      module:forget()
      local output = module:forward(input)
      weights = weights or torch.randn(output:size())
      return torch.cmul(output, weights):sum()
   end
   loss()
   module:zeroGradParameters()
   local gradInput = module:backward(input, weights):clone()
   gradients = gradients:clone()
   local function compare(values, slopes, name)
      differences(values, slopes, loss, math.max(1, math.floor(values:nElement() / 8)), function(slope, found, i)
         near(slope, found, what .. ', ' .. name .. ' ' .. i, 1e-6)
      end)
   end
   compare(parameters, gradients, 'parameter')
   compare(input:view(-1), gradInput:view(-1), 'input')
end

local function step_module()
   return nn.Sequential()
      :add(nn.ParallelTable():add(nn.Linear(D, H)):add(nn.Linear(H, H)))
      :add(nn.CAddTable()):add(nn.Tanh())
end

local made = {
   Recurrent = function() return nn.Sequencer(nn.Recurrent(H, nn.Linear(D, H), nn.Linear(H, H))) end,
   Recurrence = function() return nn.Sequencer(nn.Recurrence(step_module(), H, 1)) end,
   LSTM = function() return nn.Sequencer(nn.LSTM(D, H)) end,
   FastLSTM = function() return nn.Sequencer(nn.FastLSTM(D, H)) end,
   GRU = function() return nn.Sequencer(nn.GRU(D, H)) end,
   MuFuRu = function() return nn.Sequencer(nn.MuFuRu(D, H, {'keep', 'replace', 'mul', 'diff', 'forget'})) end,
   stack = function() return nn.Sequencer(nn.Sequential():add(nn.FastLSTM(D, H)):add(nn.Linear(H, H)):add(nn.GRU(H, 2))) end,
   SeqLSTM = function() return nn.SeqLSTM(D, H) end,
   SeqLSTMP = function() return nn.SeqLSTMP(D, H, 2) end,
   SeqGRU = function() return nn.SeqGRU(D, H) end,
   SeqBRNN = function() return nn.SeqBRNN(D, H) end,
   masked = function()
      local lstm = nn.SeqLSTM(D, H)
      lstm.maskzero = true
      return lstm
   end,
}
for name, make in pairs(made) do
   local input = torch.randn(T, N, D)
   if name == 'masked' then input[2][1]:zero(); input[4][3]:zero() end
   if name ~= 'masked' then differentiate(make(), input, name) end
   -- A sequence that goes on where the last one ended is one sequence.
   local module = make()
   module:evaluate()
   local whole = module:forward(input):clone()
   local first, second = input:narrow(1, 1, 2), input:narrow(1, 3, 2)
   if name ~= 'SeqBRNN' then
      module:remember('both')
      module:forget()
      near(module:forward(first:clone()), whole:narrow(1, 1, 2), name .. ', first half')
      near(module:forward(second:clone()), whole:narrow(1, 3, 2), name .. ', second half')
      module:remember('neither')
   end
   near(module:forward(input), whole, name .. ', whole again')
   assert(#tostring(module) > 5)
   -- A copy, a file and another type.
   local copy = torch.deserialize(torch.serialize(module:clone()))
   near(copy:forward(input), whole, name .. ', a copy from a file')
   near(module:float():forward(input:float()):double(), whole, name .. ', float', 1e-5)
   module:clearState()
   near(module:forward(input:float()):double(), whole, name .. ', after clearState', 1e-5)
end

-- The LSTM without peepholes, by its formula.
local lstm = nn.SeqLSTM(D, H)
local x = torch.randn(T, N, D)
local y = lstm:forward(x)
local h, c = torch.zeros(N, H), torch.zeros(N, H)
for t = 1, T do
   local sums = torch.mm(torch.cat(x[t], h, 2), lstm.weight) + lstm.bias:view(1, -1):expand(N, 4 * H)
   local function gate(k) return sums:narrow(2, (k - 1) * H + 1, H) end
   c = torch.cmul(torch.sigmoid(gate(2)), c) + torch.cmul(torch.sigmoid(gate(1)), torch.tanh(gate(4)))
   h = torch.cmul(torch.sigmoid(gate(3)), torch.tanh(c))
   near(y[t], h, 'the LSTM by its formula')
end

-- The same numbers as a FastLSTM, a GRU as a SeqGRU; with padding, too.
local padded = x:clone()
padded[1][2]:zero(); padded[3][1]:zero(); padded[4]:zero()
for _, input in ipairs{x, padded} do
   for _, pair in ipairs{{nn.SeqLSTM, 'toFastLSTM'}, {nn.SeqGRU, 'toGRU'}} do
      local whole = pair[1](D, H)
      whole.maskzero = true
      local steps = nn.Sequencer(whole[pair[2]](whole))
      local gradient = torch.randn(T, N, H)
      near(whole:forward(input), steps:forward(input), pair[2])
      whole:zeroGradParameters()
      steps:zeroGradParameters()
      near(whole:backward(input, gradient), steps:backward(input, gradient), pair[2] .. ' backward')
      local twin = whole[pair[2]](whole)
      for i, g in ipairs(select(2, steps:parameters())) do
         near(select(2, twin:parameters())[i], g, pair[2] .. ' gradient ' .. i)
      end
      assert(input == x or whole:forward(input)[4]:abs():sum() == 0, 'padding gives zeros')
   end
end

-- maskZero and trimZero are one thing; a masked step forgets.
local masked, trimmed = nn.GRU(D, H), nil
trimmed = masked:clone()
masked, trimmed = nn.Sequencer(masked:maskZero(1)), nn.Sequencer(trimmed:trimZero(1))
near(masked:forward(padded), trimmed:forward(padded), 'trimZero')
local gradient = torch.randn(T, N, H)
near(masked:backward(padded, gradient), trimmed:backward(padded, gradient), 'trimZero backward')
local rest = masked.module:clone()
near(nn.Sequencer(rest):forward(padded:narrow(1, 4, 1)), torch.zeros(1, N, H), 'a masked step')

-- Both directions; for language models a step does not see itself.
local both, lm = nn.BiSequencer(nn.GRU(D, H)), nn.BiSequencerLM(nn.GRU(D, H))
local steps = nn.SplitTable(1):forward(x)
assert(#both:forward(steps) == T and both.output[1]:size(2) == 2 * H)
local before = lm:forward(steps)[2]:clone()
steps[2] = torch.randn(N, D)
near(lm:forward(steps)[2], before, 'a step of BiSequencerLM')
assert((lm.output[1] - before):abs():max() > 0)
assert(#lm:backward(steps, lm.output) == T)

-- A repeated input; criteria of sequences; indices of padding.
local repeater = nn.Repeater(nn.Recurrence(step_module(), H, 1), 3)
local outputs = repeater:forward(x[1])
assert(#outputs == 3 and repeater:backward(x[1], outputs):isSameSizeAs(x[1]))
local mse = nn.MSECriterion()
local sum = 0
for t = 1, T do sum = sum + mse:forward(x[t], x[1]) end
near(nn.RepeaterCriterion(mse):forward(x, x[1]), sum, 'RepeaterCriterion')
near(nn.SequencerCriterion(mse, true):forward(x, padded), mse:forward(x, padded), 'SequencerCriterion')
local nll = nn.MaskZeroCriterion(nn.ClassNLLCriterion(), 1)
local scores = torch.randn(3, 4)
scores[2]:zero()
near(nll:forward(scores, torch.Tensor{1, 0, 3}), -(scores[1][1] + scores[3][3]) / 2, 'MaskZeroCriterion')
assert(nll:backward(scores, torch.Tensor{1, 0, 3})[2]:abs():sum() == 0)
local lookup = nn.LookupTableMaskZero(5, D)
assert(lookup:forward(torch.LongTensor{0, 3})[1]:abs():sum() == 0 and lookup.output[2]:abs():sum() > 0)

-- Norms of neighbouring steps that differ cost.
local stabilizer = nn.NormStabilizer(2)
stabilizer:forward(x[1]); stabilizer:forward(x[2])
local expected = (x[2]:norm(2, 2) - x[1]:norm(2, 2)):pow(2):mean()
near(stabilizer:updateLoss(), 2 * expected / 2, 'NormStabilizer')

-- Dropout inside: the same units at every step of a sequence, others in the next.
local dropping = nn.Dropout(0.5, false, false, true)
local noise = dropping:forward(torch.ones(2, 50)):clone()
near(dropping:forward(torch.ones(2, 50)), noise, 'lazy dropout')
dropping:forget()
assert((dropping:forward(torch.ones(2, 50)) - noise):abs():max() > 0)

-- Clones share parameters, and go on sharing them when getParameters moves these.
local original = nn.Linear(2, 3)
local twin = original:sharedClone()
original:getParameters():fill(7)
assert(twin.weight:min() == 7 and twin.gradWeight == original.gradWeight and twin.output ~= original.output)

-- Coupled machines: the state of one is where the other begins.
local encoder, decoder = nn.LSTM(D, H), nn.LSTM(D, H)
for t = 1, T do encoder:forward(x[t]) end
decoder:setHiddenState(0, encoder:getHiddenState(T))
local from_there = decoder:forward(x[1]):clone()
decoder:forget()
assert((decoder:forward(x[1]) - from_there):abs():max() > 1e-6, 'forget forgets the state that was set')

-- What goes wrong says what.
local function refused(f, words)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(words, 1, true), tostring(message))
end
refused(function() nn.LSTM('a', 3) end, 'nn.LSTM')
refused(function() nn.Sequencer(3) end, 'nn.Sequencer')
refused(function() nn.Sequencer(nn.LSTM(D, H)):remember('always') end, 'always')
refused(function() nn.Sequencer(nn.LSTM(D, H)):forward(3) end, 'table or a tensor')
refused(function() local s = nn.Sequencer(nn.LSTM(D, H)); s:forward(x); s:backward(x, {x[1]}) end, 'gradOutput has 1 steps')
refused(function() nn.Recurrent(H, nn.Linear(D, H), nn.Linear(H, H)):maskZero(1) end, 'nn.Recurrence')
refused(function() nn.SeqLSTM(D, H):forward(x[1]) end, 'three dimensions')
refused(function() nn.LSTM(D, H):backward(x[1], x[1]) end, 'more often')
refused(function() nn.MuFuRu(D, H, {'swap'}) end, "no operation 'swap'")

---------------------------------------------------------------------------------------------------------------
-- Encoder and decoder coupled by fields: states and their gradients go from one to the other, as if they were one sequence.

for _, class in ipairs{'SeqLSTM', 'SeqGRU'} do
   local one = nn[class](D, H):maskZero()
   local encoder, decoder = one:clone(), one:clone()
   local input, gradOutput = torch.randn(T, N, D), torch.randn(T, N, H)
   input[1][2]:zero()
   local first, second = input:narrow(1, 1, 2), input:narrow(1, 3, 2)
   local wanted = one:forward(input)
   local gradInput = one:backward(input, gradOutput)
   local encoded = encoder:forward(first)
   near(encoded, wanted:narrow(1, 1, 2), class .. ', the encoder')
   assert(encoded[1][2]:abs():max() == 0)
   decoder.userPrevOutput = encoder.output[2]
   if class == 'SeqLSTM' then decoder.userPrevCell = encoder.cell[2] end
   near(decoder:forward(second), wanted:narrow(1, 3, 2), class .. ', the decoder')
   assert(decoder.userPrevOutput == nil)
   near(decoder:backward(second, gradOutput:narrow(1, 3, 2)), gradInput:narrow(1, 3, 2), class .. ', back through the decoder')
   encoder.gradPrevOutput = decoder.userGradPrevOutput
   encoder.userNextGradCell = decoder.userGradPrevCell
   near(encoder:backward(first, gradOutput:narrow(1, 1, 2)), gradInput:narrow(1, 1, 2), class .. ', back through the encoder')
   near(encoder.gradWeight + decoder.gradWeight, one.gradWeight, class .. ', gradWeight')
   encoder.userPrevOutput = torch.zeros(N + 1, H)
   local ok, why = pcall(encoder.forward, encoder, first)
   assert(not ok and why:find('the state before the first step is that of 4 samples, the input has 3', 1, true), why)
end

-- nn.RecurrentAttention beside the loop that it is: the action sees the last output, the machine the input and the action.
local action, machine = nn.Linear(H, 2), nn.Recurrence(nn.Sequential():add(nn.ParallelTable():add(nn.ParallelTable():add(nn.Linear(D, H))
   :add(nn.Linear(2, H))):add(nn.Linear(H, H))):add(nn.FlattenTable()):add(nn.CAddTable()):add(nn.Tanh()), H, 1)
local attention = nn.RecurrentAttention(machine, action, 3, {H})
local x, gradOutput = torch.randn(N, D), {}
local outputs = attention:forward(x)
assert(#outputs == 3 and #attention.actions == 3)
local linear = machine.recurrentModule:findModules('nn.Linear')
local function affine(layer, input) return torch.mm(input, layer.weight:t()) + layer.bias:view(1, -1):expand(N, layer.bias:nElement()) end
local h = torch.zeros(N, H)
for step = 1, 3 do
   local a = affine(action, h)
   near(attention.actions[step], a, 'the action of a step')
   h = torch.tanh(affine(linear[1], x) + affine(linear[2], a) + affine(linear[3], h))
   near(outputs[step], h, 'the output of a step')
   gradOutput[step] = torch.randn(N, H)
end
-- Its gradient leaves out what a step's action owes to later steps' outputs only where the action draws; it does not here, and
-- `gradAction` is zero by its rule: the machine learns, and the input's slope is the machine's.
attention:zeroGradParameters()
local gradInput = attention:backward(x, gradOutput)
assert(gradInput:size(1) == N and gradInput:size(2) == D)
local function loss()
   local value, h = 0, torch.zeros(N, H)
   for step = 1, 3 do
      h = torch.tanh(affine(linear[1], x) + affine(linear[2], attention.actions[step]) + affine(linear[3], h))
      value = value + torch.cmul(h, gradOutput[step]):sum()
   end
   return value
end
for _, pair in ipairs{{x, gradInput:clone()}, {linear[1].weight, linear[1].gradWeight:clone()}, {linear[3].weight, linear[3].gradWeight:clone()}} do
   differences(pair[1], pair[2], loss, 1, function(slope, found) near(slope, found, 'RecurrentAttention, a slope', 1e-6) end)
end
refused(function() attention:backward(x, {gradOutput[1]}) end, 'gradOutput is a table of 3 steps')
