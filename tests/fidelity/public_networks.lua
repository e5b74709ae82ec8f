-- One public network that we did not write: built by its own file, printed, counted, and trained for a step.
--
--   digits-rs th --trusted public_networks.lua NAME      (in the checkout's folder)
--
-- public_networks.py runs it for every name of `cases` below and prints the table. The last line it prints is
-- `RESULT <parameters> <loss> <loss after the step> <seconds a step>`.

require 'nn'
require 'optim'
require 'paths'
require 'cunn'
require 'cudnn'
torch.setdefaulttensortype('torch.FloatTensor')
torch.manualSeed(1)

-- What the repositories' main files set up before they call a model's file.
nClasses = 1000
opt = {backend = 'nn', nGPU = 1, GPU = 1, cudnn = 'fastest', imageSize = 32}
function makeDataParallel(model) return model end

local function imagenet(name)
   return function()
      dofile('models/' .. name .. '.lua')
      return createModel(1)
   end
end

local function resnet(options, file)
   return function()
      local defaults = {shortcutType = 'B', dataset = 'imagenet', nClasses = 1000, tensorType = 'torch.FloatTensor', cudnn = 'fastest'}
      for key, value in pairs(options) do defaults[key] = value end
      return dofile('models/' .. (file or 'resnet') .. '.lua')(defaults)
   end
end

local function wide(options)
   return function()
      opt = {depth = 28, num_classes = 10, widen_factor = 10, dropout = 0, imageSize = 32}
      for key, value in pairs(options) do opt[key] = value end
      return dofile('models/wide-resnet.lua')(opt)
   end
end

local function densenet(options)
   return function()
      local defaults = {growthRate = 12, dropRate = 0, reduction = 1, bottleneck = false, dataset = 'cifar10', depth = 40,
         optMemory = 0, tensorType = 'torch.FloatTensor', nClasses = 10, cudnn = 'fastest'}
      for key, value in pairs(options) do defaults[key] = value end
      return dofile('models/densenet.lua')(defaults)
   end
end

local cases = {
   ['alexnet'] = {imagenet('alexnet'), 224},
   ['alexnetowt'] = {imagenet('alexnetowt'), 224},
   ['alexnetowtbn'] = {imagenet('alexnetowtbn'), 224},
   -- The scores of the network and of its helping classifier, side by side.
   ['googlenet'] = {imagenet('googlenet'), 224, 2000},
   ['googlenetbn'] = {imagenet('googlenetbn'), 224, 2000},
   ['ninbn'] = {imagenet('ninbn'), 224},
   ['overfeat'] = {imagenet('overfeat'), 221},
   ['squeezenet'] = {imagenet('squeezenet'), 224},
   ['vgg'] = {imagenet('vgg'), 224},
   ['vggbn'] = {imagenet('vggbn'), 224},
   ['resnet-18'] = {resnet{depth = 18}, 224},
   ['resnet-34'] = {resnet{depth = 34}, 224},
   ['resnet-50'] = {resnet{depth = 50}, 224},
   ['resnet-101'] = {resnet{depth = 101}, 224},
   ['resnet-20-cifar'] = {resnet{depth = 20, dataset = 'cifar10', shortcutType = 'A', nClasses = 10}, 32, 10},
   ['resnet-110-cifar'] = {resnet{depth = 110, dataset = 'cifar10', shortcutType = 'A', nClasses = 10}, 32, 10},
   ['preresnet-110-cifar'] = {resnet({depth = 110, dataset = 'cifar10', shortcutType = 'A', nClasses = 10}, 'preresnet'), 32, 10},
   ['wrn-16-4'] = {wide{depth = 16, widen_factor = 4}, 32, 10},
   ['wrn-28-10'] = {wide{}, 32, 10},
   ['wrn-nin'] = {function() return dofile('models/nin.lua'){num_classes = 10} end, 32, 10},
   ['wrn-vgg'] = {function() return dofile('models/vgg.lua'){num_classes = 10} end, 32, 10},
   ['densenet-40-12'] = {densenet{}, 32, 10},
   ['densenet-bc-100-12'] = {densenet{depth = 100, bottleneck = true, reduction = 0.5}, 32, 10},
   ['densenet-121'] = {densenet{depth = 121, growthRate = 32, bottleneck = true, reduction = 0.5, dataset = 'imagenet',
      nClasses = 1000}, 224},
}

local case = assert(cases[arg[1]], 'no such case')
local build, side, classes = unpack(case)
local model = build():float()
print(model)
local w, g = model:getParameters()
model:training()

-- Two samples of noise, labelled.
local input = torch.randn(2, 3, side, side)
local target = torch.Tensor{1, 2}
local output = model:forward(input)
-- Log-probabilities of one classifier, or of several.
local sum = output:dim() == 2 and output[1]:clone():exp():sum() or 0
local is_log = sum > 0.5 and math.abs(sum - math.floor(sum + 0.5)) < 1e-3
local criterion = is_log and nn.ClassNLLCriterion() or nn.CrossEntropyCriterion()
criterion:float()
assert(output:size(output:dim()) == (classes or 1000), 'one score for each class')

local function feval()
   g:zero()
   local y = model:forward(input)
   local loss = criterion:forward(y, target)
   model:backward(input, criterion:backward(y, target))
   return loss, g
end
-- Dropout and batch statistics change between passes: losses are compared in training mode, from the same noise.
local start = os.time()
torch.manualSeed(2)
local before = feval()
assert(before == before and math.abs(before) < math.huge, 'the loss is a number')
assert(g:norm() > 0, 'there is a gradient')
torch.manualSeed(2)
local _, values = optim.sgd(feval, w, {learningRate = 1e-3 / math.max(1, g:norm())})
torch.manualSeed(2)
local after = feval()
print(string.format('RESULT %d %.6f %.6f %d', w:nElement(), before, after, os.time() - start))
