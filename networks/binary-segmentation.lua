-- Binary segmentation: an image in, an image of the same size out. The label database holds the wanted images: grey levels,
-- 0 where nothing is and 255 where something is (dataset pairs without --classes). Classes at each pixel want another loss:
-- nn.SpatialLogSoftMax and nn.SpatialClassNLLCriterion.
--
-- Blocks of 16 x 16 pixels are turned into 1024 numbers and back, so sides must be multiples of 16.
-- Input: [n, c, h, w].  Output: [n, 1, h, w].
if pcall(function() require('cudnn') end) then
    backend = cudnn
else
    pcall(function() require('cunn') end)
    backend = nn
end

return function(params)
    local channels = 1
    if params.inputShape then
        channels = params.inputShape[1]
        for i = 2, 3 do
            assert(params.inputShape[i] % 16 == 0, 'binary-segmentation wants sides that are multiples of 16')
        end
    end

    local net = nn.Sequential()
    net:add(backend.SpatialConvolution(channels, 32, 3, 3, 1, 1, 1, 1))          -- c*h*w  -> 32*h*w
    net:add(backend.ReLU())
    net:add(backend.SpatialConvolution(32, 1024, 16, 16, 16, 16, 0, 0))          -- 32*h*w -> 1024*h/16*w/16
    net:add(backend.ReLU())
    net:add(backend.SpatialFullConvolution(1024, 1, 16, 16, 16, 16, 0, 0))       -- -> 1*h*w

    return {
        model = net,
        loss = nn.SmoothL1Criterion(),
        trainBatchSize = 4,
        validationBatchSize = 32,
    }
end
