-- nnx: nn.SpatialReSampling, the one of its layers that dpnn and its kin use.

local torch, nn, native = ...
local ReSampling, Decorator = torch.class('nn.SpatialReSampling', 'nn.Decorator')

-- Bilinear, corners on corners: {owidth=, oheight=}, or factors {rwidth=, rheight=}.
function ReSampling:__init(config)
   native.expect('nn.SpatialReSampling', '{owidth=, oheight=} or {rwidth=, rheight=}', 'config', 'table', config)
   local by_size = config.owidth and config.oheight
   if not by_size and not (config.rwidth and config.rheight) then
      error('nn.SpatialReSampling takes owidth and oheight, or rwidth and rheight', 2)
   end
   Decorator.__init(self, nn.SpatialUpSamplingBilinear{owidth = config.owidth or 1, oheight = config.oheight or 1})
   self.owidth, self.oheight, self.rwidth, self.rheight = config.owidth, config.oheight, config.rwidth, config.rheight
end

function ReSampling:updateOutput(input)
   local inner = self.modules[1]
   inner.oheight = self.oheight or math.floor(input:size(input:dim() - 1) * self.rheight)
   inner.owidth = self.owidth or math.floor(input:size(input:dim()) * self.rwidth)
   return Decorator.updateOutput(self, input)
end

-- The gradient tells the extents, also without a forward.
function ReSampling:updateGradInput(input, gradOutput)
   local inner = self.modules[1]
   inner.oheight, inner.owidth = gradOutput:size(gradOutput:dim() - 1), gradOutput:size(gradOutput:dim())
   return Decorator.updateGradInput(self, input, gradOutput)
end

function ReSampling:__tostring__() return torch.type(self) end
