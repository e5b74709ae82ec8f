local net = nn.Sequential()
net:add(nn.Lineer(784, 10))
return function(params) return {model = net} end
