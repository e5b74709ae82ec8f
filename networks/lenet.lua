-- LeNet for 28 x 28 digits, in the style of a DIGITS network file.
--
-- Input: [n, 1 or 3, 28, 28], grey levels 0..255 less the mean.  Output: log-probabilities [n, nclasses].
--
-- DIGITS offered every network a choice of backends: cudnn where it was installed, nn otherwise.
-- The variables are globals on purpose: other files that are pasted together with this one read them.
if pcall(function() require('cudnn') end) then
    backend = cudnn
    convLayer = cudnn.SpatialConvolution
    print('lenet: backend is cudnn')
else
    pcall(function() require('cunn') end)
    backend = nn
    convLayer = nn.SpatialConvolutionMM
    print('lenet: backend is nn')
end

return function(params)
    -- both are nil when the network is only printed
    local nclasses = params.nclasses or 1
    local channels = 1
    if params.inputShape then
        channels = params.inputShape[1]
        assert(params.inputShape[2] == 28 and params.inputShape[3] == 28,
               'lenet wants images of 28 x 28 pixels')
    end

    local lenet = nn.Sequential()
    lenet:add(nn.MulConstant(0.0125))                               -- grey levels to about -1.6 .. 3.2
    lenet:add(convLayer(channels, 20, 5, 5, 1, 1, 0))               -- c*28*28  -> 20*24*24
    lenet:add(backend.SpatialMaxPooling(2, 2, 2, 2))                -- 20*24*24 -> 20*12*12
    lenet:add(convLayer(20, 50, 5, 5, 1, 1, 0))                     -- 20*12*12 -> 50*8*8
    lenet:add(backend.SpatialMaxPooling(2, 2, 2, 2))                -- 50*8*8   -> 50*4*4
    lenet:add(nn.View(-1):setNumInputDims(3))                       -- 50*4*4   -> 800
    lenet:add(nn.Linear(800, 500))
    lenet:add(backend.ReLU())
    lenet:add(nn.Linear(500, nclasses))
    lenet:add(nn.LogSoftMax())

    return {
        model = lenet,
        loss = nn.ClassNLLCriterion(),
        trainBatchSize = 64,
        validationBatchSize = 32,
    }
end
