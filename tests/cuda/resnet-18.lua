-- ResNet-18 for photographs cut to 224 pixels: the residual network that the kit times.
--
-- He, Zhang, Ren, Sun: Deep residual learning for image recognition (2015), with the projection where a block changes the size.
-- Input: [n, c, 224, 224], pixels 0..255 less the mean.  Output: log-probabilities [n, nclasses].
local function convolve(net, from, to, side, step)
    local border = (side - 1) / 2
    net:add(nn.SpatialConvolution(from, to, side, side, step, step, border, border):noBias())
    return net:add(nn.SpatialBatchNormalization(to))
end

-- Two convolutions beside the planes as they are, and their sum.
local function block(from, to, step)
    local learned = convolve(nn.Sequential(), from, to, 3, step):add(nn.ReLU(true))
    convolve(learned, to, to, 3, 1)
    local shortcut = nn.Identity()
    if from ~= to then shortcut = convolve(nn.Sequential(), from, to, 1, step) end
    local sum = nn.Sequential():add(nn.ConcatTable():add(learned):add(shortcut)):add(nn.CAddTable())
    return sum:add(nn.ReLU(true))
end

return function(params)
    local channels = params.inputShape and params.inputShape[1] or 3
    local net = nn.Sequential():add(nn.MulConstant(0.015625))
    convolve(net, channels, 64, 7, 2):add(nn.ReLU(true)):add(nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1))
    local planes = 64
    for i, wide in ipairs{64, 128, 256, 512} do
        net:add(block(planes, wide, i == 1 and 1 or 2)):add(block(wide, wide, 1))
        planes = wide
    end
    net:add(nn.SpatialAveragePooling(7, 7, 1, 1)):add(nn.View(512):setNumInputDims(3))
    net:add(nn.Linear(512, params.nclasses or 1)):add(nn.LogSoftMax())
    return { model = net, loss = nn.ClassNLLCriterion(), croplen = 224, trainBatchSize = 64, validationBatchSize = 32 }
end
