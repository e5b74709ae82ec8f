local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 600)):add(nn.Linear(600, 2)):add(nn.LogSoftMax())
return { model = net }
