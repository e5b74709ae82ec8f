-- cunn: nn's classes work on every device; requiring it also gives cutorch.

local torch, nn, cunn = ...
require 'cutorch'
