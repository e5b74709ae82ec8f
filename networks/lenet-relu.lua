-- LeNet with a ReLU after each convolution as well: the form that reaches 99 % on MNIST with DIGITS' defaults.
--
-- DIGITS' own LeNet (lenet.lua) has no ReLU before its 500 hidden units and takes 64 images a step: with Torch's
-- dampening it ends at 98.5 %. This one names no batch size, so DIGITS' default of 16 counts: four times as many steps.
-- Input: [n, c, 28, 28], grey levels 0..255 less the mean.  Output: log-probabilities [n, nclasses].
return function(params)
    -- inputShape and nclasses are nil when the network is only printed
    local channels = (params.inputShape and params.inputShape[1]) or 1
    local nclasses = params.nclasses or 10

    local net = nn.Sequential()
    net:add(nn.MulConstant(0.0125))                             -- 1 / the standard deviation of MNIST's grey levels
    net:add(nn.SpatialConvolution(channels, 20, 5, 5))          -- c*28*28  -> 20*24*24
    net:add(nn.ReLU())
    net:add(nn.SpatialMaxPooling(2, 2, 2, 2))                   -- 20*24*24 -> 20*12*12
    net:add(nn.SpatialConvolution(20, 50, 5, 5))                -- 20*12*12 -> 50*8*8
    net:add(nn.ReLU())
    net:add(nn.SpatialMaxPooling(2, 2, 2, 2))                   -- 50*8*8   -> 50*4*4
    net:add(nn.View(-1):setNumInputDims(3))                     -- 50*4*4   -> 800
    net:add(nn.Linear(800, 500))
    net:add(nn.ReLU())
    net:add(nn.Linear(500, nclasses))
    net:add(nn.LogSoftMax())

    return {
        model = net,
        loss = nn.ClassNLLCriterion(),
    }
end
