return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 3)):add(nn.Linear(3, 2)):add(nn.LogSoftMax()) }
