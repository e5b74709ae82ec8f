local weights = torch.load("weights.t7")
return function() return {model = nn.Sequential()} end
