-- cunn: nn's classes work on every device; requiring it also gives cutorch.

local torch, nn, native, packages = ...
local cunn = packages.cunn
require 'cutorch'
