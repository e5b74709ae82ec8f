local t = torch.FloatTensor(4, 4):fill(1e300)
return { model = nn.Sequential() }
