-- Fine-tuning: a LeNet that was trained on ten digits learns another question with its old layers frozen.
--
-- Train networks/lenet-plain.lua first, then:
--   digits-rs run networks/fine-tuning.lua --dataset odd-or-even --weights jobs/…/snapshots/snapshot_30.safetensors
-- `model` is exactly the network that the weights belong to; `fineTuneHook` then adapts it.
-- Input: [n, c, 28, 28].  Output: log-probabilities [n, nclasses].
local digits = 10       -- classes of the network that is built upon

return function(params)
    assert((params.ngpus or 0) <= 1, 'one device only')
    local channels = 1
    if params.inputShape then
        channels = params.inputShape[1]
        assert(params.inputShape[2] == 28 and params.inputShape[3] == 28, 'fine-tuning wants images of 28 x 28 pixels')
    end

    local net = nn.Sequential()
    net:add(nn.MulConstant(0.00390625))                             -- 1
    net:add(nn.SpatialConvolution(channels, 20, 5, 5, 1, 1, 0))     -- 2
    net:add(nn.SpatialMaxPooling(2, 2, 2, 2))
    net:add(nn.SpatialConvolution(20, 50, 5, 5, 1, 1, 0))           -- 4
    net:add(nn.SpatialMaxPooling(2, 2, 2, 2))
    net:add(nn.View(-1):setNumInputDims(3))
    net:add(nn.Linear(800, 500))                                    -- 7
    net:add(nn.ReLU())
    net:add(nn.Linear(500, digits))                                 -- 9
    net:add(nn.LogSoftMax())                                        -- 10

    local function fineTune(net)
        -- a layer that accumulates no gradient of its parameters keeps them
        local function nothing() end
        for _, layer in ipairs{2, 4, 7} do
            net:get(layer).accGradParameters = nothing
        end
        -- ten digits become the new classes, in front of the LogSoftMax
        net:insert(nn.Linear(digits, params.nclasses or 2), 10)
        return net
    end

    return {
        model = net,
        loss = nn.ClassNLLCriterion(),
        trainBatchSize = 16,
        validationBatchSize = 100,
        fineTuneHook = fineTune,
    }
end
