local t = torch.Tensor(3)
return t:view(2, 2)
