-- AlexNet's plan for small images: three convolutions, two hidden layers with dropout. Any size from 16 x 16 up.
--
-- Input: [n, c, h, w], pixels 0..255 less the mean.  Output: log-probabilities [n, nclasses].
if pcall(function() require('cudnn') end) then
    backend = cudnn
    convLayer = cudnn.SpatialConvolution
else
    pcall(function() require('cunn') end)
    backend = nn
    convLayer = nn.SpatialConvolutionMM
end

local widths = {32, 64, 64}

return function(params)
    local channels, height, width = 3, 32, 32
    if params.inputShape then
        channels, height, width = params.inputShape[1], params.inputShape[2], params.inputShape[3]
        assert(height >= 16 and width >= 16, 'alexnet-small wants images of at least 16 x 16 pixels')
    end

    local net = nn.Sequential():add(nn.MulConstant(0.015625))          -- pixels to about -2 .. 2
    local planes = channels
    for i, wide in ipairs(widths) do
        net:add(convLayer(planes, wide, 5, 5, 1, 1, 2, 2))             -- same size
        net:add(backend.ReLU(true))
        if i > 1 then net:add(backend.SpatialBatchNormalization(wide, 1e-3)) end
        net:add(backend.SpatialMaxPooling(3, 3, 2, 2, 1, 1))           -- half the size, rounded up
        planes, height, width = wide, math.floor((height + 1) / 2), math.floor((width + 1) / 2)
    end

    net:add(nn.View(planes * height * width))
    net:add(nn.Dropout(0.5)):add(nn.Linear(planes * height * width, 256)):add(nn.Threshold(0, 1e-6))
    net:add(nn.Dropout(0.5)):add(nn.Linear(256, params.nclasses or 10))
    net:add(backend.LogSoftMax())

    return {
        model = net,
        loss = nn.ClassNLLCriterion(),
        trainBatchSize = 64,
        validationBatchSize = 64,
    }
end
