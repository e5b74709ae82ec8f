local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 784)):add(nn.View(1, 28, 28):setNumInputDims(1))
return function(params)
    return {
        model = net,
        loss = nn.MSECriterion(),
        labelHook = function(input, label)
            while input do end
            return input
        end,
    }
end
