local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 784)):add(nn.View(1, 28, 28):setNumInputDims(1))
local flat, steps = nil, 0
function net:getParameters()
    local gradients
    flat, gradients = nn.Module.getParameters(self)
    return flat, gradients
end
return {
    model = net,
    loss = nn.MSECriterion(),
    labelHook = function(input, label)
        steps = steps + 1
        if steps == 40 then flat:set(torch.FloatTensor(1)) end
        return input
    end,
}
