-- Containers whose table side is only a constructor: nn.DepthConcat, nn.MapTable, nn.Decorator and what descends from
-- it. Forward and the gradient of the input come from the Rust modules that they are lowered to, also when called from
-- Lua; training lowers them whole.
--
-- Called with: torch, nn, native.

local torch, nn, native = ...

local Container = torch.getmetatable('nn.Container')

-- Their children's gradients are libtorch's in training. A script that calls backward by hand would miss them: say so.
local function no_eager_gradients(self)
   if #(self:parameters() or {}) > 0 then
      error(torch.type(self) .. ' does not accumulate its children\'s gradients when called from Lua; train it as a network', 3)
   end
end

local function constructed(name, init, text)
   local class = torch.class(name, 'nn.Container')
   class.__init = function(self, ...)
      Container.__init(self)
      init(self, ...)
   end
   class.accGradParameters = no_eager_gradients
   class.__tostring__ = text
   return class
end

local function indent(text, prefix)
   return (text:gsub('\n', '\n' .. prefix))
end

constructed('nn.DepthConcat', function(self, dimension) self.dimension = dimension end,
   torch.getmetatable('nn.Concat').__tostring__)

constructed('nn.MapTable', function(self, module)
   if module then self.module = module; self:add(module) end
end, function(self)
   local child = self.modules[1]
   if not child then return torch.type(self) .. ' { }' end
   return torch.type(self) .. ' {\n  ' .. indent(tostring(child), '        ') .. '\n}'
end)

local function decorates(name, init)
   constructed(name, function(self, module, ...)
      self:add(module)
      if init then init(self, ...) end
   end, function(self)
      return torch.type(self) .. ' @ ' .. tostring(self.modules[1])
   end)
end

decorates('nn.Decorator')
decorates('nn.DontCast')
decorates('nn.Profile')
decorates('nn.Bottle', function(self, nInputDim, nOutputDim)
   self.nInputDim = nInputDim or 2
   self.nOutputDim = nOutputDim or self.nInputDim
end)

-- Offered neither eager nor lowered yet: each needs something of its child or its partner that lowering lacks.
for _, name in ipairs{'NaN', 'GPU', 'SpatialMaxUnpooling', 'VolumetricMaxUnpooling'} do
   local class = torch.class('nn.' .. name, 'nn.Module')
   class.__init = function()
      error('nn.' .. name .. ' is not offered yet', 3)
   end
end
