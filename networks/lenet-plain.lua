-- LeNet in its shortest form: nn classes only, inputs scaled to 0..1, any number of channels.
--
-- Input: [n, c, 28, 28], grey levels 0..255 less the mean.  Output: log-probabilities [n, nclasses].
return function(params)
    -- inputShape and nclasses are nil when the network is only printed
    local channels = (params.inputShape and params.inputShape[1]) or 1
    local nclasses = params.nclasses or 10

    local net = nn.Sequential()
    net:add(nn.MulConstant(0.00390625))                     -- 1/256
    net:add(nn.SpatialConvolution(channels, 20, 5, 5, 1, 1, 0))  -- c*28*28  -> 20*24*24
    net:add(nn.SpatialMaxPooling(2, 2, 2, 2))               -- 20*24*24 -> 20*12*12
    net:add(nn.SpatialConvolution(20, 50, 5, 5, 1, 1, 0))   -- 20*12*12 -> 50*8*8
    net:add(nn.SpatialMaxPooling(2, 2, 2, 2))               -- 50*8*8   -> 50*4*4
    net:add(nn.View(-1):setNumInputDims(3))                 -- 50*4*4   -> 800
    net:add(nn.Linear(800, 500))
    net:add(nn.ReLU())
    net:add(nn.Linear(500, nclasses))
    net:add(nn.LogSoftMax())

    return {
        model = net,
        loss = nn.ClassNLLCriterion(),
        trainBatchSize = 64,
        validationBatchSize = 100,
    }
end
