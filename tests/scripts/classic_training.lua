-- A Torch7 training script of 2015, whole: data in tensors, a closure for optim.sgd, a confusion matrix, torch.save.
-- Three noisy blobs are told apart. `digits-rs th --trusted classic_training.lua FILE` writes the model to FILE.

require 'torch'
require 'nn'
require 'optim'

torch.manualSeed(7)
local classes = {'left', 'right', 'top'}
local n = 300
local trainData = {data = torch.randn(n, 2):mul(0.5), labels = torch.Tensor(n)}
function trainData:size() return n end
for i = 1, n do
   local class = (i - 1) % 3 + 1
   local angle = 2 * math.pi * class / 3
   trainData.labels[i] = class
   trainData.data[i]:add(torch.Tensor{2 * math.cos(angle), 2 * math.sin(angle)})
end
local mean, std = trainData.data:mean(), trainData.data:std()
trainData.data:add(-mean):div(std)

local model = nn.Sequential()
model:add(nn.Linear(2, 16))
model:add(nn.Tanh())
model:add(nn.Linear(16, #classes))
model:add(nn.LogSoftMax())
local criterion = nn.ClassNLLCriterion()
print(model)

local parameters, gradParameters = model:getParameters()
local confusion = optim.ConfusionMatrix(classes)
local optimState = {learningRate = 0.1, momentum = 0.9, weightDecay = 1e-4}
local batchSize = 20

local function train()
   model:training()
   confusion:zero()
   local shuffle, total = torch.randperm(trainData:size()), 0
   for t = 1, trainData:size(), batchSize do
      local inputs, targets = torch.Tensor(batchSize, 2), torch.Tensor(batchSize)
      for i = 1, batchSize do
         inputs[i]:copy(trainData.data[shuffle[t + i - 1]])
         targets[i] = trainData.labels[shuffle[t + i - 1]]
      end
      local feval = function(x)
         if x ~= parameters then parameters:copy(x) end
         gradParameters:zero()
         local outputs = model:forward(inputs)
         local f = criterion:forward(outputs, targets)
         model:backward(inputs, criterion:backward(outputs, targets))
         confusion:batchAdd(outputs, targets)
         return f, gradParameters
      end
      local _, fs = optim.sgd(feval, parameters, optimState)
      total = total + fs[1]
   end
   confusion:updateValids()
   return total / (trainData:size() / batchSize), confusion.totalValid
end

local first, last, correct = train(), nil, nil
for epoch = 2, 12 do last, correct = train() end
print(confusion)
assert(last < first / 2, 'the loss falls')
assert(correct > 0.95, 'the blobs are told apart')

local file = arg[1]
torch.save(file, model)
local again = torch.load(file)
again:evaluate()
local difference = (again:forward(trainData.data) - model:forward(trainData.data)):abs():max()
assert(difference == 0, 'the saved model gives the same numbers')
print(string.format('learned: loss %.3f to %.3f, %.1f %% right', first, last, correct * 100))
