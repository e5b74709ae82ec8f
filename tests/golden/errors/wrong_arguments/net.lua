local net = nn.Sequential()
net:add(nn.Linear('many', 10))
return function(params) return {model = net} end
