local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 10))
return { model = net, loss = nn.MSECriterion(), trainBatchSize = 2 ^ 62 }
