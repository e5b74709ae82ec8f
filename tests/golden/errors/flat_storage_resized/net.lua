local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 784)):add(nn.View(1, 28, 28):setNumInputDims(1))
local steps = 0
return {
    model = net,
    loss = nn.MSECriterion(),
    labelHook = function(input, label)
        steps = steps + 1
        if steps == 40 then net:get(2).weight:storage():resize(2 ^ 24) end
        return input
    end,
}
