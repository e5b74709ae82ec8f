-- Text classification: a text is an image of 1 x h x w bytes, each the number of a character (1 stands for any other).
--
-- Characters become one-hot vectors; temporal convolutions read along the text.
-- Zhang, Zhao, LeCun: Character-level convolutional networks for text classification (2015).
-- Input: [n, 1, h, w], no mean subtracted (--subtract-mean none).  Output: log-probabilities [n, nclasses].
assert(pcall(function() require('dpnn') end), 'nn.OneHot comes with dpnn')

if pcall(function() require('cudnn') end) then
    backend = cudnn
else
    pcall(function() require('cunn') end)
    backend = nn
end

local alphabet = 71     -- the largest number of a character
local width = 256       -- features of a place in the text
local layers = {        -- width of the window, and whether thirds are pooled after it
    {7, true}, {7, true}, {3, false}, {3, false}, {3, false}, {3, true},
}

return function(params)
    local length = 1024
    if params.inputShape then
        assert(params.inputShape[1] == 1, 'text-classification wants images of one channel')
        length = 1
        params.inputShape:apply(function(x) length = length * x end)
    end

    local net = nn.Sequential()
    net:add(nn.View(-1, length))                        -- [n, length]
    net:add(nn.OneHot(alphabet))                        -- [n, length, alphabet]
    local from, places = alphabet, length
    for _, layer in ipairs(layers) do
        local window, pools = layer[1], layer[2]
        net:add(backend.TemporalConvolution(from, width, window))
        net:add(nn.Threshold())
        from, places = width, places - window + 1
        if pools then
            net:add(nn.TemporalMaxPooling(3, 3))
            places = math.floor((places - 3) / 3) + 1
        end
    end
    assert(places > 0, 'the text is too short: it needs at least 123 characters')

    net:add(nn.Reshape(places * width))                 -- 34*256 = 8704 for 1024 characters
    net:add(nn.Linear(places * width, 1024)):add(nn.Threshold()):add(nn.Dropout(0.5))
    net:add(nn.Linear(1024, 1024)):add(nn.Threshold()):add(nn.Dropout(0.5))
    net:add(nn.Linear(1024, params.nclasses or 14))
    net:add(backend.LogSoftMax())

    -- small normal weights and biases, instead of Torch's uniform ones
    local weights = net:getParameters()
    weights:normal():mul(5e-2)

    return {
        model = net,
        loss = nn.ClassNLLCriterion(),
        trainBatchSize = 128,
        validationBatchSize = 128,
    }
end
