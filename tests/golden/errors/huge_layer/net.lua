local net = nn.Sequential():add(nn.Linear(10000000, 10000000))
return function(params) return {model = net} end
