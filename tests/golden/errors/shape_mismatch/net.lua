local net = nn.Sequential()
net:add(nn.MulConstant(0.00390625))
net:add(nn.View(-1):setNumInputDims(3))
net:add(nn.Linear(783, 300))
net:add(nn.ReLU())
net:add(nn.Linear(300, 784))
net:add(nn.View(1, 28, 28):setNumInputDims(1))
return function(params)
    return {model = net, loss = nn.MSECriterion(), labelHook = function(input, label) return input end}
end
