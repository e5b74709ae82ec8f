-- cudnn: settings of a library whose choices libtorch makes itself here. The classes `cudnn.X` exist from the start.

local torch, nn, native, packages = ...
local cudnn = packages.cudnn
require 'cutorch'

cudnn.benchmark = false
cudnn.fastest = false
cudnn.verbose = false
cudnn.version = 5110
cudnn.hasFp16 = false

-- Gives every module of the network that both libraries have the other library's class; its fields stay.
function cudnn.convert(net, to, exclude)
   local from = to == cudnn and 'nn' or 'cudnn'
   local name_to = to == cudnn and 'cudnn' or 'nn'
   local kept = {Linear = true, Sequential = true, Concat = true, BatchNormalization = false}
   return net:replace(function(module)
      if exclude and exclude(module) then return module end
      local class = torch.typename(module)
      local name = class and class:match('^' .. from .. '%.(.+)$')
      if not name or kept[name] then return module end
      local other = torch.getmetatable(name_to .. '.' .. name)
      return other and setmetatable(module, other) or module
   end)
end

-- Pooling strides default to the window there, for averages too (nn's averages step by one). Seen in use: DenseNet's
-- `cudnn.SpatialAveragePooling(2, 2)` halves its maps.
local Average = torch.getmetatable('cudnn.SpatialAveragePooling')
local init = Average.__init
function Average:__init(kW, kH, dW, dH, ...)
   init(self, kW, kH, dW or kW, dH or kH, ...)
end
