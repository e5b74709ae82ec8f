local layers = {first = nn.Linear(784, 10)}
local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(layers.frist)
return { model = net }
