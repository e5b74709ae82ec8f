-- Regression: the gradients along x and y of an image that is a plane of grey levels. The label database holds both.
--
-- Input: [n, c, h, w] of any size.  Output: [n, 2].
return function(params)
    local inputs = 1
    if params.inputShape then
        params.inputShape:apply(function(x) inputs = inputs * x end)
    end

    local net = nn.Sequential()
    net:add(nn.MulConstant(0.004))                  -- grey levels to about -0.5 .. 0.5
    net:add(nn.View(-1):setNumInputDims(3))
    net:add(nn.Linear(inputs, 2))

    return {
        model = net,
        loss = nn.MSECriterion(),
    }
end
