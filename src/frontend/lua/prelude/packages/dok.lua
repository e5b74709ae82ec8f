-- dok: named arguments and usage texts, as xlua has them.

local torch, nn, native, packages = ...
local dok = packages.dok
require 'xlua'

dok.unpack, dok.usage, dok.error = packages.xlua.unpack, packages.xlua.usage, packages.xlua.error
