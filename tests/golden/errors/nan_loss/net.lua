local net = nn.Sequential()
net:add(nn.View(-1):setNumInputDims(3))
net:add(nn.Linear(16, 8))
net:add(nn.Linear(8, 2))
return { model = net, loss = nn.MSECriterion(), trainBatchSize = 2, labelHook = function(input, label)
    return input:narrow(4, 1, 2):narrow(3, 1, 1):clone()
end }
