-- md5: the rock's sum(message) and sumhexa(message), which are those of torchx.

local torch, nn, native, packages = ...
require 'torchx'
packages.md5.sum, packages.md5.sumhexa = torch.md5.sum, torch.md5.sumhexa
