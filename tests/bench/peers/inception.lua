-- networks/googlenet.lua, an Inception network with batch normalisation, called from a script in double as Torch7's were:
-- forward, criterion, backward, optim.sgd over the flat parameters. The images are drawn; only time counts here.
require 'nn'
require 'optim'

local cmd = torch.CmdLine()
cmd:option('-steps', 2)
cmd:option('-warm', 1, 'steps before the clock starts')
cmd:option('-batch', 8)
cmd:option('-classes', 10)
cmd:option('-threads', 2)
local opt = cmd:parse(arg)
torch.setdefaulttensortype('torch.DoubleTensor')
torch.manualSeed(1)
torch.setnumthreads(tonumber(opt.threads))

local net = dofile('networks/googlenet.lua')({nclasses = opt.classes}).model:double()
net:training()
local criterion = nn.ClassNLLCriterion()
local parameters, gradients = net:getParameters()
local state = {learningRate = 0.01, momentum = 0.9, dampening = 0}
local clock, loss = torch.Timer(), nil
for step = 1, opt.warm + opt.steps do
  if step == opt.warm + 1 then clock:reset() end
  local images = torch.rand(opt.batch, 3, 224, 224):mul(255)
  local labels = torch.rand(opt.batch):mul(opt.classes):floor():add(1)
  optim.sgd(function()
    gradients:zero()
    local scores = net:forward(images)
    loss = criterion:forward(scores, labels)
    net:backward(images, criterion:backward(scores, labels))
    return loss, gradients
  end, parameters, state)
end
print(string.format('{"seconds": %.6f, "loss": %.6f, "parameters": %d}', clock:time().real, loss, parameters:nElement()))
