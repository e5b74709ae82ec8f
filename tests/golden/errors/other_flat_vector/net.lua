local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 10))
function net:getParameters()
    local flat, gradients = nn.Module.getParameters(self)
    return flat:double(), gradients
end
return { model = net, loss = nn.MSECriterion() }
