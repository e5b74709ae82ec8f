local net = nn.Sequential()
net:add(nn.Linear(784, 10)
net:add(nn.LogSoftMax())
return function(params) return {model = net} end
