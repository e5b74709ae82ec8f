local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 784)):add(nn.View(1, 28, 28):setNumInputDims(1))
return {
    model = net,
    loss = nn.MSECriterion(),
    labelHook = function(input, label)
        local t = {input}
        t[2] = t
        return t
    end,
}
