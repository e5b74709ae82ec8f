return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 16)):add(nn.View(1, 4, 4)),
  loss = nn.MSECriterion() }
