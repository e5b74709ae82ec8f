-- A siamese network: do two images of 28 x 28 pixels show the same thing?
--
-- A pair is one image: the last two of its channels are the two pictures (DIGITS' script leaves red empty).
-- Both go through the same layers, which make two numbers of each; the loss wants a small angle between the two points
-- for equal pairs and a large one for others.  The label database holds 1 (same) or 0 (different).
-- Input: [n, 2 or 3, 28, 28].  Output: {[n, 2], [n, 2]}.
return function(params)
    assert((params.ngpus or 0) <= 1, 'the branches share their weights: one device only')

    local channels = 3
    if params.inputShape then
        channels = params.inputShape[1]
        assert(params.inputShape[2] == 28 and params.inputShape[3] == 28, 'siamese wants images of 28 x 28 pixels')
    end
    -- the outer variable is not touched by this one
    local channels = (params.inputShape and params.inputShape[1]) or channels

    require 'nn'
    if pcall(function() require('cudnn') end) then
        backend = cudnn
    else
        pcall(function() require('cunn') end)
        backend = nn
    end

    local branch = nn.Sequential()                              -- [n, 28, 28]
    branch:add(nn.Reshape(1, 28, 28))
    branch:add(nn.MulConstant(0.03))
    branch:add(backend.SpatialConvolution(1, 20, 5, 5, 1, 1, 0))
    branch:add(backend.SpatialMaxPooling(2, 2, 2, 2))
    branch:add(backend.SpatialConvolution(20, 50, 5, 5, 1, 1, 0))
    branch:add(backend.SpatialMaxPooling(2, 2, 2, 2))
    branch:add(nn.View(-1):setNumInputDims(3))                  -- 50*4*4 -> 800
    branch:add(nn.Linear(800, 500))
    branch:add(backend.ReLU())
    branch:add(nn.Linear(500, 2))                               -- a point in the plane
    branch:add(nn.Reshape(1, 2))

    local both = nn.Parallel(2, 2)
    both:add(branch)
    both:add(branch:clone('weight', 'bias', 'gradWeight', 'gradBias'))

    local net = nn.Sequential()
    net:add(nn.Narrow(2, channels - 1, 2))
    net:add(both)                                               -- [n, 2, 2]
    net:add(nn.SplitTable(2))

    -- CosineEmbeddingCriterion calls different pairs -1
    function siameseLabelHook(input, dblabel)
        dblabel[torch.eq(dblabel, 0)] = -1
        return dblabel
    end

    return {
        model = net,
        loss = nn.CosineEmbeddingCriterion(0.8),
        trainBatchSize = 8,
        validationBatchSize = 8,
        labelHook = siameseLabelHook,
    }
end
