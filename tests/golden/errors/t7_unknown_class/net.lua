print(torch.load("own.t7"))
