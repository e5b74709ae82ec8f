local t = torch.FloatTensor(1, 1):expand(2 ^ 16, 2 ^ 16)
local copy = t:clone()
return { model = nn.Sequential() }
