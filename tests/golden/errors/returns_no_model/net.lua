local net = nn.Sequential():add(nn.Linear(784, 10))
return function(params)
    return {network = net, loss = nn.MSECriterion()}
end
