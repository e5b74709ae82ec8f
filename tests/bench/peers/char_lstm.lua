-- A character-level LSTM as the scripts of Torch7's years train it: one nngraph module a step of time, its clones share
-- parameters, truncated backpropagation, clipped gradients, optim.rmsprop. The text is drawn; only time counts here.
require 'nn'
require 'nngraph'
require 'optim'

local cmd = torch.CmdLine()
cmd:option('-steps', 20)
cmd:option('-warm', 3, 'steps before the clock starts')
cmd:option('-batch', 50)
cmd:option('-length', 50)
cmd:option('-size', 128)
cmd:option('-layers', 2)
cmd:option('-vocabulary', 65)
cmd:option('-threads', 2)
local opt = cmd:parse(arg)
torch.setdefaulttensortype('torch.FloatTensor')
torch.manualSeed(1)
torch.setnumthreads(tonumber(opt.threads))

local function lstm()
  local inputs = {nn.Identity()()}
  for _ = 1, 2 * opt.layers do
    inputs[#inputs + 1] = nn.Identity()()
  end
  local outputs, x, width = {}, nil, nil
  for layer = 1, opt.layers do
    local c_before, h_before = inputs[2 * layer], inputs[2 * layer + 1]
    if layer == 1 then
      x, width = nn.LookupTable(opt.vocabulary, opt.size)(inputs[1]), opt.size
    else
      x, width = outputs[2 * (layer - 1)], opt.size
    end
    local sums = nn.CAddTable()({nn.Linear(width, 4 * opt.size)(x), nn.Linear(opt.size, 4 * opt.size)(h_before)})
    local n1, n2, n3, n4 = nn.SplitTable(2)(nn.Reshape(4, opt.size)(sums)):split(4)
    local in_gate, forget_gate, out_gate = nn.Sigmoid()(n1), nn.Sigmoid()(n2), nn.Sigmoid()(n3)
    local c = nn.CAddTable()({nn.CMulTable()({forget_gate, c_before}), nn.CMulTable()({in_gate, nn.Tanh()(n4)})})
    local h = nn.CMulTable()({out_gate, nn.Tanh()(c)})
    outputs[#outputs + 1], outputs[#outputs + 2] = c, h
  end
  outputs[#outputs + 1] = nn.LogSoftMax()(nn.Linear(opt.size, opt.vocabulary)(outputs[#outputs]))
  return nn.gModule(inputs, outputs)
end

local core, criterion = lstm(), nn.ClassNLLCriterion()
local parameters, gradients = core:getParameters()
parameters:uniform(-0.08, 0.08)
local clones, criteria = {}, {}
for t = 1, opt.length do
  clones[t] = core:clone('weight', 'bias', 'gradWeight', 'gradBias')
  criteria[t] = criterion:clone()
end
local state = {}
for i = 1, 2 * opt.layers do
  state[i] = torch.zeros(opt.batch, opt.size)
end

local function feval(x)
  if x ~= parameters then
    parameters:copy(x)
  end
  gradients:zero()
  local text = torch.Tensor(opt.length, opt.batch):random(opt.vocabulary)
  local following = torch.Tensor(opt.length, opt.batch):random(opt.vocabulary)
  local states, predictions, loss = {[0] = state}, {}, 0
  for t = 1, opt.length do
    local out = clones[t]:forward{text[t], unpack(states[t - 1])}
    states[t] = {}
    for i = 1, 2 * opt.layers do
      states[t][i] = out[i]
    end
    predictions[t] = out[#out]
    loss = loss + criteria[t]:forward(predictions[t], following[t])
  end
  local d_state = {}
  for i = 1, 2 * opt.layers do
    d_state[i] = torch.zeros(opt.batch, opt.size)
  end
  for t = opt.length, 1, -1 do
    d_state[#d_state + 1] = criteria[t]:backward(predictions[t], following[t])
    local back = clones[t]:backward({text[t], unpack(states[t - 1])}, d_state)
    d_state = {}
    for i = 2, #back do
      d_state[i - 1] = back[i]
    end
  end
  for i = 1, 2 * opt.layers do
    state[i] = states[opt.length][i]:clone()
  end
  gradients:div(opt.length):clamp(-5, 5)
  return loss / opt.length, gradients
end

local config = {learningRate = 2e-3, alpha = 0.95}
local timer
for step = 1, opt.warm + opt.steps do
  if step == opt.warm + 1 then
    timer = torch.Timer()
  end
  local _, loss = optim.rmsprop(feval, parameters, config)
  if step == opt.warm + opt.steps then
    print(string.format('{"seconds": %.6f, "loss": %.6f}', timer:time().real, loss[1]))
  end
end
