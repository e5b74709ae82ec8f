local weights = torch.load("cut.t7")
print(weights)
