-- nn.SpatialMaxUnpooling and nn.VolumetricMaxUnpooling: constructed with the pooling module whose choices they undo.

local torch, nn = ...

for _, kind in ipairs{'Spatial', 'Volumetric'} do
   local Unpooling, Module = torch.class('nn.' .. kind .. 'MaxUnpooling', 'nn.Module')
   local wanted = kind .. 'MaxPooling'
   local dims = kind == 'Spatial' and {'H', 'W'} or {'T', 'H', 'W'}

   function Unpooling:__init(poolingModule)
      Module.__init(self)
      assert((torch.type(poolingModule):match('%.(.*)$')) == wanted,
         'Argument must be a nn.' .. wanted .. ' module')
      for _, dim in ipairs(dims) do
         assert(poolingModule['k' .. dim] == poolingModule['d' .. dim],
            "The size of pooling module's kernel must be equal to its stride")
      end
      self.pooling = poolingModule
   end

   function Unpooling:empty()
      return self:clearState()
   end

   function Unpooling:__tostring__()
      return torch.type(self) .. ' associated to ' .. tostring(self.pooling)
   end
end
