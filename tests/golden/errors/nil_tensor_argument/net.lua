local sizes = {width = 28}
local mask = torch.zeros(28, 28):narrow(1, sizes.height, 3)
return { model = nn.Identity() }
