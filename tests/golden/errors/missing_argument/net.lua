local net = nn.Sequential()
net:add(nn.Linear(784))
return function(params) return {model = net} end
