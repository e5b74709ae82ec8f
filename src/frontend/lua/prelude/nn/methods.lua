-- Methods of native modules that only set fields; loaded after the classes exist as nn.X and cudnn.X.
-- Torch7 sources: the file of each class in torch/nn.

local torch, nn, native, packages = ...
local cudnn, inn = packages.cudnn, packages.inn

-- Rank of one sample, for modules that tell the batch by it.
function nn.View:setNumInputDims(n) self.numInputDims = n; return self end
function nn.Squeeze:setNumInputDims(n) self.numInputDims = n; return self end
function nn.Unsqueeze:setNumInputDims(n) self.numInputDims = n; return self end
function nn.Transpose:setNumInputDims(n) self.numInputDims = n; return self end

-- nn.View: new sizes, by the rules of the constructor.
function nn.View:resetSize(...)
   local fresh = nn.View(...)
   self.size, self.numElements, self.inferdim = fresh.size, fresh.numElements, fresh.inferdim
   return self
end

-- Rounding of output sizes.
local function ceil(self) self.ceil_mode = true; return self end
local function floor(self) self.ceil_mode = false; return self end
for _, library in ipairs{nn, cudnn, inn} do
   for _, name in ipairs{'SpatialMaxPooling', 'SpatialDilatedMaxPooling', 'SpatialAveragePooling',
                         'VolumetricMaxPooling', 'VolumetricDilatedMaxPooling', 'VolumetricAveragePooling'} do
      local class = library and rawget(library, name)
      if class then
         class.ceil, class.floor = ceil, floor
      end
   end
end

-- What a mean over a window counts.
for _, library in ipairs{nn, cudnn} do
   local class = library and rawget(library, 'SpatialAveragePooling')
   if class then
      function class:setCountIncludePad() self.count_include_pad = true; return self end
      function class:setCountExcludePad() self.count_include_pad = false; return self end
   end
end

-- No bias.
local function noBias(self) self.bias = nil; self.gradBias = nil; return self end
for _, library in ipairs{nn, cudnn} do
   for _, name in ipairs{'Linear', 'SpatialConvolution', 'SpatialConvolutionMM', 'SpatialDilatedConvolution',
                         'SpatialFullConvolution', 'SpatialDepthWiseConvolution', 'VolumetricConvolution',
                         'VolumetricDilatedConvolution', 'VolumetricFullConvolution', 'TemporalRowConvolution'} do
      local class = library and rawget(library, name)
      if class then class.noBias = noBias end
   end
end

-- Probabilities and strengths.
function nn.Dropout:setp(p) self.p = p; return self end
function nn.SpatialDropout:setp(p) self.p = p; return self end
function nn.VolumetricDropout:setp(p) self.p = p; return self end
function nn.GradientReversal:setLambda(lambda) self.lambda = lambda; return self end

-- A shared weight is stepped on at once, too.
for _, name in ipairs{'Linear', 'Bilinear', 'TemporalConvolution'} do
   nn[name].sharedAccUpdateGradParameters = nn.Module.defaultAccUpdateGradParameters
end

-- cudnn: choices of algorithms, which libtorch makes itself here.
local function itself(self) return self end
for _, class in pairs(cudnn or {}) do
   if type(class) == 'table' then
      class.setMode, class.fastest, class.resetMode, class.resetWeightDescriptors = itself, itself, itself, itself
   end
end

function nn.CReLU:__tostring__() return 'CReLU()' end

-- Windows at random places, kept from pass to pass or not.
for _, name in ipairs{'SpatialFractionalMaxPooling', 'VolumetricFractionalMaxPooling'} do
   local class = nn[name]
   function class:fixPoolingRegions(value)
      if value == nil then value = true end
      self.newRandomPool = value
      return self
   end
   function class:clearState()
      self.indices, self.randomSamples = nil, nil
      return nn.Module.clearState(self)
   end
end

-- Scores of the classes: products with the corners of the simplex.
function nn.ClassSimplexCriterion:getPredictions(input)
   if input:dim() == 1 then input = input:view(1, -1) end
   return torch.mm(input, self.simplex:t())
end
function nn.ClassSimplexCriterion:getTopPrediction(input)
   local scores = self:getPredictions(input)
   local _, index = scores:max(scores:nDimension())
   return index:view(-1)
end

-- Parameters beyond weight and bias.
function nn.WeightedEuclidean:parameters()
   return {self.weight, self.diagCov}, {self.gradWeight, self.gradDiagCov}
end

-- nn.LookupTable without gradients: accUpdateGradParameters steps on the rows themselves.
function nn.LookupTable:accUpdateOnly() self.gradWeight = nil; return self end
nn.LookupTable.sharedAccUpdateGradParameters = nn.Module.defaultAccUpdateGradParameters

-- nn.LookupTable: what its forward pass reads.
function nn.LookupTable:setPadding(value) self.paddingValue = value; return self end
function nn.LookupTable:setMaxNorm(norm) self.maxNorm = norm; return self end
function nn.LookupTable:setNormType(kind) self.normType = kind; return self end
function nn.LookupTable:scaleGradByFreq() self.shouldScaleGradByFreq = true; return self end
