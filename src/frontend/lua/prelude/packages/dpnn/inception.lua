-- dpnn: Inception and FireModule, columns of convolutions joined by planes.

local torch, nn, native, packages = ...
local dpnn = packages.dpnn
local Inception, decorator = torch.class('nn.Inception', 'nn.Decorator')

-- Columns: a 1x1 convolution that reduces, then one of each kernel size; pooling, then a 1x1; a 1x1 alone.
function Inception:__init(config)
   native.expect('nn.Inception', '{inputSize=, outputSize=, reduceSize=[, kernelSize={5, 3}] …}', 'config', 'table', config)
   for _, name in ipairs{'outputSize', 'reduceSize'} do
      native.expect('nn.Inception', '{inputSize=, outputSize=, reduceSize=[, kernelSize={5, 3}] …}', name, 'table', config[name])
   end
   local reduce, stride = config.reduceSize, config.reduceStride or {}
   local kernels, kernelStride = config.kernelSize or {5, 3}, config.kernelStride or {1, 1}
   local transfer = config.transfer or nn.ReLU()
   local size, step = config.poolSize or 3, config.poolStride or 1
   local pool = config.pool or nn.SpatialMaxPooling(size, size, step, step)
   local function layer(column, convolution, planes)
      column:add(convolution)
      if config.batchNorm then column:add(nn.SpatialBatchNormalization(planes)) end
      return column:add(transfer:clone())
   end
   local function reducing(column, i)
      local d = stride[i] or 1
      return layer(column, nn.SpatialConvolution(config.inputSize, reduce[i], 1, 1, d, d), reduce[i])
   end
   local columns = nn.DepthConcat(2)
   for i, k in ipairs(kernels) do
      local pad = config.padding ~= false and math.floor(k / 2) or 0
      local d = kernelStride[i] or 1
      local column = reducing(nn.Sequential(), i)
      columns:add(layer(column, nn.SpatialConvolution(reduce[i], config.outputSize[i], k, k, d, d, pad), config.outputSize[i]))
   end
   local column = nn.Sequential():add(pool)
   columns:add(reduce[#kernels + 1] and reducing(column, #kernels + 1) or column)
   if reduce[#kernels + 2] then columns:add(reducing(nn.Sequential(), #kernels + 2)) end
   decorator.__init(self, columns)
   self.inputSize, self.outputSize, self.reduceSize, self.pool = config.inputSize, config.outputSize, reduce, pool
end

-- SqueezeNet's: few planes in, then 1x1 and 3x3 side by side.
local FireModule = torch.class('nn.FireModule', 'nn.Decorator')
function FireModule:__init(nInputPlane, s1x1, e1x1, e3x3, activation)
   native.expect('nn.FireModule', '(nInputPlane, s1x1, e1x1, e3x3[, activation=ReLU])', 'nInputPlane', 'number', nInputPlane,
      's1x1', 'number', s1x1, 'e1x1', 'number', e1x1, 'e3x3', 'number', e3x3, 'activation', 'string?', activation)
   self.nInputPlane, self.s1x1, self.e1x1, self.e3x3 = nInputPlane, s1x1, e1x1, e3x3
   self.activation = activation or 'ReLU'
   local squeeze = nn.SpatialConvolution(nInputPlane, s1x1, 1, 1)
   local expand = nn.Concat(2)
      :add(nn.SpatialConvolution(s1x1, e1x1, 1, 1))
      :add(nn.SpatialConvolution(s1x1, e3x3, 3, 3, 1, 1, 1, 1))
   local module = nn.Sequential()
      :add(squeeze):add(nn[self.activation]()):add(expand):add(nn[self.activation]())
   decorator.__init(self, module)
   self.nInputPlane, self.s1x1, self.e1x1, self.e3x3 = nInputPlane, s1x1, e1x1, e3x3
   self.activation = activation or 'ReLU'
   self.squeeze, self.expand, self.module = squeeze, expand, module
end
function FireModule:__tostring__()
   return string.format('%s inputPlanes: %d -> Squeeze Planes: %d -> Expand: %d(1x1) + %d(3x3), activation: %s',
      torch.type(self), self.nInputPlane, self.s1x1, self.e1x1, self.e3x3, self.activation)
end
