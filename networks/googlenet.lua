-- GoogLeNet with batch normalisation, for photographs of 256 x 256 pixels, of which it sees a square of 224.
--
-- Szegedy et al.: Going deeper with convolutions (2014); Ioffe, Szegedy: Batch normalization (2015).
-- Input: [n, c, 224, 224], pixels 0..255 less the mean.  Output: log-probabilities [n, nclasses].
require 'nn'

if pcall(function() require('cudnn') end) then
    backend = cudnn
    convLayer = cudnn.SpatialConvolution
    convLayerName = 'cudnn.SpatialConvolution'
else
    pcall(function() require('cunn') end)
    backend = nn
    convLayer = nn.SpatialConvolutionMM
    convLayerName = 'nn.SpatialConvolutionMM'
end

-- A convolution, its normalisation and its rectifier; what follows the plane counts goes to the convolution as it is.
local function convolve(net, from, to, ...)
    return net:add(convLayer(from, to, ...)):add(backend.SpatialBatchNormalization(to, 1e-3)):add(backend.ReLU(true))
end

local function maxPool(side, step)
    return backend.SpatialMaxPooling(side, side, step, step):ceil()
end

-- Four branches side by side over the same planes. `plan`: {{1x1}, {reduce, 3x3}, {reduce, double 3x3}, {kind, planes}};
-- a branch without 1x1 planes and without pooled planes halves the size.
local function inception(from, plan)
    local halves = plan[1][1] == 0
    local step = halves and 2 or 1
    local branches = nn.Concat(2)

    if not halves then
        branches:add(convolve(nn.Sequential(), from, plan[1][1], 1, 1))
    end

    local single = convolve(nn.Sequential(), from, plan[2][1], 1, 1, 1, 1)
    if halves then
        convolve(single, plan[2][1], plan[2][1], 3, 3, 1, 1, 1, 1)
        single:add(convLayer(plan[2][1], plan[2][2], 2, 2, 2, 2))
    else
        convolve(single, plan[2][1], plan[2][2], 3, 3, 1, 1, 1, 1)
    end
    branches:add(single)

    local double = convolve(nn.Sequential(), from, plan[3][1], 1, 1, 1, 1)
    convolve(double, plan[3][1], plan[3][2], 3, 3, 1, 1, 1, 1)
    if halves then
        double:add(convLayer(plan[3][2], plan[3][2], 2, 2, 2, 2))
    else
        convolve(double, plan[3][2], plan[3][2], 3, 3, 1, 1, 1, 1)
    end
    branches:add(double)

    local pool = nn.Sequential()
    if plan[4][1] == 'max' then
        if halves then
            pool:add(maxPool(3, step))
        else
            pool:add(nn.SpatialZeroPadding(1, 1, 1, 1)):add(maxPool(3, 1))
        end
    elseif plan[4][1] == 'avg' then
        local average = backend.SpatialAveragePooling(3, 3, 1, 1)
        if backend == cudnn then average:ceil() end
        pool:add(nn.SpatialZeroPadding(1, 1, 1, 1)):add(average)
    else
        error('a branch pools by max or avg, not by ' .. tostring(plan[4][1]))
    end
    if plan[4][2] ~= 0 then
        convolve(pool, from, plan[4][2], 1, 1, 1, 1)
    end
    return branches:add(pool)
end

function createModel(channels, nclasses)
    local net = nn.Sequential()
    net:add(nn.MulConstant(0.02))
    convolve(net, channels, 64, 7, 7, 2, 2, 3, 3)                               -- 64*112*112
    net:add(maxPool(3, 2))                                                      -- 64*56*56
    convolve(net, 64, 64, 1, 1)
    convolve(net, 64, 192, 3, 3, 1, 1, 1, 1)
    net:add(maxPool(3, 2))                                                      -- 192*28*28
    net:add(inception(192, {{64}, {64, 64}, {64, 96}, {'avg', 32}}))            -- 256
    net:add(inception(256, {{64}, {64, 96}, {64, 96}, {'avg', 64}}))            -- 320
    net:add(inception(320, {{0}, {128, 160}, {64, 96}, {'max', 0}}))            -- 576*14*14
    net:add(inception(576, {{224}, {64, 96}, {96, 128}, {'avg', 128}}))
    net:add(inception(576, {{192}, {96, 128}, {96, 128}, {'avg', 128}}))
    net:add(inception(576, {{160}, {128, 160}, {128, 160}, {'avg', 96}}))
    net:add(inception(576, {{96}, {128, 192}, {160, 192}, {'avg', 96}}))
    net:add(inception(576, {{0}, {128, 192}, {192, 256}, {'max', 0}}))          -- 1024*7*7
    net:add(inception(1024, {{352}, {192, 320}, {160, 224}, {'avg', 128}}))
    net:add(inception(1024, {{352}, {192, 320}, {192, 224}, {'max', 128}}))
    net:add(backend.SpatialAveragePooling(7, 7, 1, 1))                          -- 1024*1*1
    net:add(nn.View(1024):setNumInputDims(3))
    net:add(nn.Linear(1024, nclasses))
    net:add(nn.LogSoftMax())
    return net
end

return function(params)
    local channels = 3
    if params.inputShape then
        channels = params.inputShape[1]
        assert(params.inputShape[2] == 256 and params.inputShape[3] == 256, 'googlenet wants images of 256 x 256 pixels')
    end
    return {
        model = createModel(channels, params.nclasses or 1),
        croplen = 224,
        trainBatchSize = 32,
        validationBatchSize = 16,
    }
end
