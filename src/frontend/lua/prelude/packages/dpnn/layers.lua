-- dpnn: what it adds for pictures (crops, colour noise, normalisation) and for two classes. Noise is drawn in training
-- only, from Torch's generator; the gradient of what adds noise is the gradient it is given.

local torch, nn, native, packages = ...
local dpnn = packages.dpnn

-- A class of images `[planes, h, w]` or `[n, planes, h, w]`, `train` at birth.
local function image_class(name)
   local class, parent = torch.class('nn.' .. name, 'nn.Module')
   class.__init = function(self, ...)
      parent.__init(self)
      self.train = true
      self:configure(...)
   end
   -- The input as a batch; an error names the class.
   class.images = function(self, input, planes)
      local rank = input:dim()
      if rank ~= 3 and rank ~= 4 then
         error('nn.' .. name .. ': images [planes, h, w] or [n, planes, h, w] are wanted, not ' .. rank .. ' dimensions', 3)
      end
      local batch = rank == 4 and input or input:view(1, input:size(1), input:size(2), input:size(3))
      if planes and batch:size(2) ~= planes then
         error('nn.' .. name .. ': ' .. planes .. ' planes are wanted, not ' .. batch:size(2), 3)
      end
      return batch
   end
   class.updateGradInput = function(self, input, gradOutput)
      return self.gradInput:resizeAs(gradOutput):copy(gradOutput)
   end
   return class
end

-- A vector of one number a plane, or a matrix `[n, planes]`, in the shape of `batch`.
local function spread(numbers, batch)
   local rows = numbers:dim() == 2 and numbers:size(1) or 1
   return numbers:view(rows, batch:size(2), 1, 1):expandAs(batch)
end

---------------------------------------------------------------------------------------------------------------

-- A window at a random place of each image; the one in the middle when evaluating.
local Crop = image_class('SpatialUniformCrop')

function Crop:configure(oheight, owidth, scale)
   native.expect('nn.SpatialUniformCrop', '(oheight[, owidth=oheight][, scale={min=, max=}])', 'oheight', 'number', oheight,
      'owidth', 'number?', owidth, 'scale', 'table?', scale)
   self.oheight, self.owidth = oheight, owidth or oheight
   if scale then
      self.scale = {min = scale.min, max = scale.max}
      -- Windows of other sizes are brought to this one.
      self.resample = nn.SpatialUpSamplingBilinear{oheight = self.oheight, owidth = self.owidth}
   end
end

-- Height and width of the window of one image, which a scale s makes 1 / s times as large.
function Crop:window(batch)
   local s = self.scale and self.train ~= false and torch.uniform(self.scale.min, self.scale.max) or 1
   return math.min(batch:size(3), math.ceil(self.oheight / s)), math.min(batch:size(4), math.ceil(self.owidth / s))
end

-- Where the window of one image begins, 1-based.
function Crop:start(size, window)
   if size < window then error('nn.SpatialUniformCrop: an image of ' .. size .. ' has no window of ' .. window, 4) end
   if self.train == false or size == window then return math.max(1, math.ceil((size - window) / 2)) end
   return math.ceil(torch.uniform(1e-2, size - window))
end

function Crop:updateOutput(input)
   local batch = self:images(input)
   local n, planes = batch:size(1), batch:size(2)
   self.coord = {}
   self.output:resize(n, planes, self.oheight, self.owidth)
   for i = 1, n do
      local height, width = self.oheight, self.owidth
      if self.scale then height, width = self:window(batch) end
      local at = {self:start(batch:size(3), height), self:start(batch:size(4), width), height, width}
      self.coord[i] = at
      local window = batch[i]:narrow(2, at[1], height):narrow(3, at[2], width)
      if self.scale then window = self.resample:updateOutput(window:contiguous()) end
      self.output[i]:copy(window)
   end
   if input:dim() == 3 then self.output:resize(planes, self.oheight, self.owidth) end
   return self.output
end

function Crop:updateGradInput(input, gradOutput)
   local batch = self:images(input)
   self.gradInput:resizeAs(batch):zero()
   for i, at in ipairs(self.coord) do
      local part = gradOutput:dim() == 4 and gradOutput[i] or gradOutput
      if self.scale then
         local window = batch[i]:narrow(2, at[1], at[3]):narrow(3, at[2], at[4]):contiguous()
         part = self.resample:updateGradInput(window, part:contiguous())
      end
      self.gradInput[i]:narrow(2, at[1], at[3]):narrow(3, at[2], at[4]):copy(part)
   end
   return self.gradInput:resizeAs(input)
end

-- Drops a strip at one of the four edges, the same for the whole batch: bounding boxes are never exact.
local Region = image_class('SpatialRegionDropout')

function Region:configure(p)
   native.expect('nn.SpatialRegionDropout', '([p=0.2])', 'p', 'number?', p)
   self.p, self.noise = p or 0.2, torch.Tensor()
   if self.p >= 1 or self.p < 0 then error('<SpatialRegionDropout> illegal percentage, must be 0 <= p < 1', 3) end
end

function Region:setp(p) self.p = p end

function Region:updateOutput(input)
   self.output:resizeAs(input):copy(input)
   if not self.train then return self.output end
   local batch = self:images(input)
   self.noise:resizeAs(batch):fill(1)
   self.regionType = torch.random(4)
   local dim = self.regionType <= 2 and 3 or 4
   local extent = batch:size(dim)
   local strip = math.floor(extent * self.p)
   if strip > 0 then
      self.noise:narrow(dim, self.regionType % 2 == 1 and 1 or extent - strip + 1, strip):fill(0)
   end
   self.noise:div(1 - self.p):resizeAs(input)
   return self.output:cmul(self.noise)
end

function Region:updateGradInput(input, gradOutput)
   if not self.train then error('backprop only defined while training', 2) end
   return self.gradInput:resizeAs(gradOutput):copy(gradOutput):cmul(self.noise)
end

function Region:__tostring__() return string.format('%s p: %f', torch.type(self), self.p) end

-- (x - mean) / std, each a number a plane.
local Normal = image_class('SpatialFeatNormalization')

function Normal:configure(mean, std)
   native.expect('nn.SpatialFeatNormalization', '(mean[, std])', 'mean', 'tensor', mean, 'std', 'tensor?', std)
   if mean:dim() ~= 1 then error('<SpatialFeatNormalization> Mean/Std should be 1D.', 3) end
   self.mean = torch.Tensor():resize(mean:size()):copy(mean)
   self.std = torch.Tensor():resize(mean:size()):fill(1)
   if std then self.std:copy(std) end
   self.noOfFeats = mean:size(1)
end

function Normal:updateOutput(input)
   local batch = self:images(input, self.noOfFeats)
   self.output:resizeAs(batch):copy(batch):add(-1, spread(self.mean, batch)):cdiv(spread(self.std, batch))
   return self.output:resizeAs(input)
end

function Normal:updateGradInput(input, gradOutput)
   local batch = self:images(gradOutput, self.noOfFeats)
   self.gradInput:resizeAs(batch):copy(batch):cdiv(spread(self.std, batch))
   return self.gradInput:resizeAs(input)
end

-- A number for each image and plane that `draw` fills, added to the picture while training.
local function colour_noise(self, input, draw)
   local batch = self:images(input, self.inputChannels)
   self.output:resizeAs(batch):copy(batch)
   if self.train then
      self.noise = (self.noise or input.new()):resize(batch:size(1), self.inputChannels)
      draw(self.noise)
      self.output:add(spread(self.noise, batch))
   end
   return self.output:resizeAs(input)
end

-- Along the principal components of colours: Krizhevsky 2012.
local PCA = image_class('PCAColorTransform')

function PCA:configure(inputChannels, eigenVectors, eigenValues, std)
   native.expect('nn.PCAColorTransform', '(inputChannels, eigenVectors, eigenValues[, std=0.1])', 'inputChannels', 'number',
      inputChannels, 'eigenVectors', 'tensor', eigenVectors, 'eigenValues', 'tensor', eigenValues, 'std', 'number?', std)
   if eigenVectors:size(1) ~= inputChannels or eigenVectors:size(2) ~= inputChannels then
      error('Number of input channels do not match number of eigen vectors.', 3)
   end
   if eigenValues:nElement() ~= inputChannels then
      error('Number of input channels do not match number of eigen values.', 3)
   end
   self.inputChannels, self.eigenVectors, self.eigenValues, self.std = inputChannels, eigenVectors, eigenValues, std or 0.1
end

function PCA:updateOutput(input)
   return colour_noise(self, input, function(noise)
      -- One column a picture, as dpnn draws them.
      local alphas = noise.new(self.inputChannels, noise:size(1)):normal(0, self.std)
      alphas:cmul(self.eigenValues:typeAs(noise):view(-1, 1):expandAs(alphas))
      noise:copy(torch.mm(self.eigenVectors:typeAs(noise), alphas):t())
   end)
end

function PCA:__tostring__() return string.format('%s channels: %d, std: %f', torch.type(self), self.inputChannels, self.std) end

-- Uniform within a range of its own for each plane.
local Simple = image_class('SimpleColorTransform')

function Simple:configure(inputChannels, range)
   native.expect('nn.SimpleColorTransform', '(inputChannels, range)', 'inputChannels', 'number', inputChannels, 'range', 'tensor', range)
   if range:nElement() ~= inputChannels then
      error("Number of input channels and number of range values don't match.", 3)
   end
   self.inputChannels, self.range = inputChannels, range
end

function Simple:updateOutput(input)
   return colour_noise(self, input, function(noise)
      for i = 1, self.inputChannels do noise:select(2, i):uniform(-self.range[i], self.range[i]) end
   end)
end

---------------------------------------------------------------------------------------------------------------

-- log(1 + exp(-target input)) for targets of 1 and -1: its sum, divided by `count`.
local function logistic(name, count)
   local class, parent = torch.class('nn.' .. name, 'nn.Criterion')
   function class:__init(sizeAverage)
      parent.__init(self)
      self.sizeAverage = sizeAverage == nil or sizeAverage
   end
   function class:updateOutput(input, target)
      if input:nElement() ~= target:nElement() then
         error('No of input and target elements should be same.', 2)
      end
      self.exponents = torch.cmul(input, target:typeAs(input)):mul(-1):exp()
      self.output = torch.add(self.exponents, 1):log():sum() / count(self, input)
      return self.output
   end
   function class:updateGradInput(input, target)
      self.gradInput:resizeAs(input):copy(target):mul(-1):cmul(self.exponents)
      return self.gradInput:cdiv(torch.add(self.exponents, 1)):div(count(self, input))
   end
end

logistic('BinaryLogisticRegression', function(self, input) return self.sizeAverage and input:nElement() or 1 end)
logistic('SpatialBinaryLogisticRegression', function(self, input)
   if input:dim() < 3 or input:size(input:dim() - 2) ~= 1 then error('No. of channels should be 1.', 3) end
   local pixels = input:size(input:dim()) * input:size(input:dim() - 1)
   return 2 * (self.sizeAverage and input:nElement() or pixels)
end)

-- Hands its batch of probabilities on; the gradient also raises the entropy of their mean.
local Entropy, parent = torch.class('nn.CategoricalEntropy', 'nn.Module')

function Entropy:__init(scale, minEntropy)
   native.expect('nn.CategoricalEntropy', '([scale=1][, minEntropy])', 'scale', 'number?', scale, 'minEntropy', 'number?', minEntropy)
   parent.__init(self)
   self.scale, self.minEntropy, self.sizeAverage = scale or 1, minEntropy, true
end

function Entropy:updateOutput(input)
   if input:dim() ~= 2 then error('CategoricalEntropy only works with batches', 2) end
   self.output:set(input)
   return self.output
end

function Entropy:updateGradInput(input, gradOutput)
   self.gradInput:resizeAs(input):copy(gradOutput)
   local total = input:sum()
   local p = input:sum(1):div(total)
   local logs = torch.add(p, 1e-6):log()
   self.entropy = -torch.cmul(p, logs):sum()
   if not self.minEntropy or self.entropy < self.minEntropy then
      -- The slope of -H by p, times the scale; the total counts as a constant.
      local slope = torch.cdiv(p, torch.add(p, 1e-6)):add(logs):mul(self.scale / total)
      if self.sizeAverage then slope:div(input:size(1)) end
      self.gradInput:add(slope:expandAs(input))
   end
   return self.gradInput
end
