local mask = torch.Tensor(1e12)
return function(params) return {model = nn.Sequential()} end
