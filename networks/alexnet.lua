-- AlexNet for photographs of 256 x 256 pixels, of which it sees a square of 224.
--
-- Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks (2012), in one column
-- and without local response normalisation.
-- Input: [n, c, 224, 224], pixels 0..255 less the mean.  Output: log-probabilities [n, nclasses].
if pcall(function() require('cudnn') end) then
    backend = cudnn
    convLayer = cudnn.SpatialConvolution
    cudnn.fastest = true        -- kernels are chosen by measuring them, where there are several
else
    pcall(function() require('cunn') end)
    backend = nn
    convLayer = nn.SpatialConvolutionMM
end

-- A convolution (planes in, planes out, side of the kernel, step, border) and its rectifier.
local function convolve(net, from, to, side, step, border)
    net:add(convLayer(from, to, side, side, step, step, border, border))
    net:add(backend.ReLU(true))
end

-- A hidden layer of the classifier. The threshold leaves a trace of 1e-6 where others leave 0.
local function hidden(net, from, to)
    net:add(nn.Dropout(0.5))
    net:add(nn.Linear(from, to))
    net:add(nn.Threshold(0, 1e-6))
end

function createModel(channels, nclasses, ngpus)
    local features = nn.Sequential()
    convolve(features, channels, 96, 11, 4, 2)               -- c*224*224 -> 96*55*55
    features:add(backend.SpatialMaxPooling(3, 3, 2, 2))      -- 96*27*27
    convolve(features, 96, 256, 5, 1, 2)
    features:add(backend.SpatialMaxPooling(3, 3, 2, 2))      -- 256*13*13
    convolve(features, 256, 384, 3, 1, 1)
    convolve(features, 384, 384, 3, 1, 1)
    convolve(features, 384, 256, 3, 1, 1)
    features:add(backend.SpatialMaxPooling(3, 3, 2, 2))      -- 256*6*6
    features:get(1).gradInput = nil                          -- nobody needs the gradient of the image

    local classifier = nn.Sequential()
    classifier:add(nn.View(256*6*6))
    hidden(classifier, 256*6*6, 4096)
    hidden(classifier, 4096, 4096)
    classifier:add(nn.Linear(4096, nclasses))
    classifier:add(backend.LogSoftMax())

    if ngpus > 1 then
        -- One copy of the convolutions a device, the batch split among them; the classifier stays on the first one.
        local fastest, benchmark = cudnn ~= nil and cudnn.fastest, cudnn ~= nil and cudnn.benchmark
        local gpus = torch.range(1, ngpus):totable()
        features = nn.DataParallelTable(1, true, true):add(features, gpus):threads(function()
            if cudnn ~= nil then
                local cudnn = require 'cudnn'
                cudnn.fastest, cudnn.benchmark = fastest, benchmark
            end
        end)
    end
    return nn.Sequential():add(features):add(classifier)
end

return function(params)
    local channels = 3
    if params.inputShape then
        channels = params.inputShape[1]
        assert(params.inputShape[2] == 256 and params.inputShape[3] == 256, 'alexnet wants images of 256 x 256 pixels')
    end
    return {
        model = createModel(channels, params.nclasses or 1, params.ngpus or 0),
        croplen = 224,
        disableAutoDataParallelism = true,
        trainBatchSize = 128,
        validationBatchSize = 32,
    }
end
