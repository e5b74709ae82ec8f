-- Every symbol that DIGITS' own network files, examples and documentation use, in the shape of arguments that they use,
-- each with what it must answer. Loaded as a network file by tests/it/networks.rs.
require 'nn'
assert(not pcall(function() require('no-such-package') end))
assert(pcall(function() require('dpnn') end), 'dpnn')
for _, name in ipairs{'torch', 'nn', 'cunn', 'cudnn', 'optim', 'image', 'xlua'} do
    assert(pcall(function() require(name) end), name)
end

local function size(net, ...)
    local input = torch.Tensor(...):fill(1)
    return table.concat(net:forward(input):size():totable(), 'x')
end
local function is(got, wanted, what)
    assert(got == wanted, (what or '') .. ': got ' .. tostring(got) .. ', not ' .. tostring(wanted))
end

-- both branches of the backend idiom resolve backend.X; its variables are globals
for _, backend in ipairs{nn, cudnn} do
    local b = backend
    is(size(b.SpatialConvolution(1,20,5,5,1,1,0), 2,1,28,28), '2x20x24x24', 'seven arguments')
    is(size(b.SpatialConvolution(3,96,11,11,4,4,2,2), 2,3,64,64), '2x96x15x15', 'eight')
    is(size(b.SpatialConvolution(4,8,1,1), 2,4,5,5), '2x8x5x5', 'four')
    is(size(b.SpatialConvolution(4,8,1,1,1,1), 2,4,5,5), '2x8x5x5', 'six')
    is(size(b.SpatialMaxPooling(2,2,2,2), 2,4,6,6), '2x4x3x3')
    is(size(b.SpatialMaxPooling(3,3,2,2):ceil(), 2,4,6,6), '2x4x3x3', 'ceil')
    is(size(b.SpatialMaxPooling(3,3,1,1):ceil(), 2,4,6,6), '2x4x4x4')
    is(size(b.SpatialAveragePooling(3,3,1,1), 2,4,6,6), '2x4x4x4')
    is(size(b.SpatialAveragePooling(5,5,3,3), 2,4,14,14), '2x4x4x4')
    is(size(b.SpatialBatchNormalization(4,1e-3), 2,4,3,3), '2x4x3x3')
    is(size(b.SpatialFullConvolution(8,1,16,16,16,16,0,0), 2,8,2,2), '2x1x32x32')
    is(size(b.TemporalConvolution(71,256,7), 2,20,71), '2x14x256')
    is(size(b.ReLU(), 2,3), '2x3')
    is(size(b.ReLU(true), 2,3), '2x3')
    is(size(b.LogSoftMax(), 2,3), '2x3')
end
is(size(nn.SpatialConvolutionMM(3,4,5,5,1,1,0), 2,3,8,8), '2x4x4x4')
is(size(cudnn.SpatialAveragePooling(3,3,1,1):ceil(), 2,4,6,6), '2x4x4x4')
local conv = cudnn.SpatialConvolution(1,2,3,3)
is(conv:setMode(nil,0,nil), conv, 'setMode answers the module')

is(nn.MulConstant(0.0125):forward(torch.Tensor{80})[1], 1, 'MulConstant')
is(size(nn.View(-1):setNumInputDims(3), 2,50,4,4), '2x800')
is(size(nn.View(1024):setNumInputDims(3), 1,1024,1,1), '1x1024')
is(size(nn.View(256*6*6), 2,256,6,6), '2x9216')
is(size(nn.View(1,28,28):setNumInputDims(1), 2,784), '2x1x28x28')
is(size(nn.View(-1,12), 2,1,3,4), '2x12')
is(size(nn.Linear(800,500), 2,800), '2x500')
is(size(nn.SpatialZeroPadding(1,1,1,1), 2,3,4,4), '2x3x6x6')
is(size(nn.Reshape(1,28,28), 2,28,28), '2x1x28x28')
is(size(nn.Reshape(1,2), 2,2), '2x1x2')
is(size(nn.Narrow(2,2,2), 2,3,4,4), '2x2x4x4')
is(size(nn.OneHot(71), 2,5), '2x5x71')
is(size(nn.TemporalMaxPooling(3,3), 2,12,4), '2x4x4')
is(size(nn.Dropout(0.5), 2,3), '2x3')
is(size(nn.Concat(2):add(nn.Identity()):add(nn.Identity()), 2,3,4,4), '2x6x4x4')
is(size(nn.Parallel(2,2):add(nn.Reshape(1,4)):add(nn.Reshape(1,4)), 3,2,4), '3x2x4')
is(#nn.SplitTable(2):forward(torch.Tensor(3,2,4)), 2, 'SplitTable')
is(nn.Threshold(0,1e-6):forward(torch.Tensor{-1})[1], torch.Tensor{1e-6}[1])
is(nn.Threshold():forward(torch.Tensor{0.5})[1], 0.5)
local both = nn.ConcatTable():add(nn.Linear(4,1)):add(nn.Linear(4,1)):forward(torch.Tensor(2,4))
is(#both, 2, 'ConcatTable')

-- containers: chains of add, get, insert, fields set to nil, overridden methods
local net = nn.Sequential():add(nn.Linear(4,3)):add(nn.ReLU()):add(nn.Linear(3,2))
net:get(1).gradInput = nil
net:get(3).accGradParameters = function() end
net:insert(nn.Linear(3,3), 3)
is(net:size(), 4)
is(torch.type(net:get(3)), 'nn.Linear')
local twin = net:clone('weight', 'bias', 'gradWeight', 'gradBias')
twin:get(1).weight:fill(3)
is(net:get(1).weight[1][1], 3, 'a clone shares what it was told to')
local weights, gradients = net:getParameters()
weights:normal():mul(5e-2)
is(weights:nElement(), 4*3+3 + 3*3+3 + 3*2+2)
net:get(1).weight:fill(0)
net:get(1).bias:fill(0)
is(weights[1], 0, 'layers are views of the flat vector')
net:reset(0.1)

-- criteria
local output, class = torch.Tensor{{-1, -2}}, torch.Tensor{1}
is(nn.ClassNLLCriterion():forward(output, class), 1)
is(nn.MSECriterion():forward(output, output), 0)
is(nn.AbsCriterion():forward(output, output), 0)
is(nn.SmoothL1Criterion():forward(output, output), 0)
local near = nn.CosineEmbeddingCriterion(0.8):forward({torch.Tensor{{1, 0}}, torch.Tensor{{1, 0}}}, torch.Tensor{1})
assert(math.abs(near) < 1e-6, 'CosineEmbeddingCriterion')
local sum = nn.ParallelCriterion(false):add(nn.MSECriterion()):add(nn.MSECriterion())
is(sum:forward({output, output}, {output, output}), 0)

-- tensors
local labels = torch.Tensor{0, 1, 0}
labels[torch.eq(labels, 0)] = -1
is(labels:sum(), -1, 'mask assignment')
is(#torch.range(1, 4):totable(), 4)
is(#torch.Tensor(2, 2):split(1, 2), 2)
local product = 1
torch.Tensor{3, 4, 5}:apply(function(x) product = product * x end)
is(product, 60)

-- multi-GPU files load: the container stands for its module
local parallel = nn.DataParallelTable(1, true, true):add(nn.Linear(2, 2), torch.range(1, 2):totable())
parallel:threads(function() local cudnn = require 'cudnn' cudnn.fastest, cudnn.benchmark = true, true end)
is(size(parallel, 3,2), '3x2', 'DataParallelTable')
require 'cutorch'
cutorch.setDevice(1)
local copies = nn.DataParallelTable(1)
for i = 1, 2 do copies:add(nn.Linear(2, 2), i) end

return function(params)
    -- params as DIGITS gives them
    is(params.ngpus, 0)
    is(params.nclasses or 1, 7)
    is(torch.type(params.inputShape), 'torch.DoubleTensor')
    is(params.inputShape[1], 3)
    local inputs = 1
    params.inputShape:apply(function(x) inputs = inputs*x end)
    is(inputs, 3*4*4)
    -- a table as output and target
    local model = nn.Sequential():add(nn.View(-1):setNumInputDims(3))
    model:add(nn.ConcatTable():add(nn.Linear(inputs, 1)):add(nn.Linear(inputs, 1)))
    return {
        model = model,
        loss = nn.ParallelCriterion(false):add(nn.MSECriterion()):add(nn.MSECriterion()),
        croplen = 4,
        disableAutoDataParallelism = true,
        trainBatchSize = 8,
        validationBatchSize = 4,
        labelHook = function(input, dblabel) return dblabel:split(1, 2) end,
        fineTuneHook = function(net) return net end,
    }
end
