return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 2)):add(nn.LogSoftMax()) }
