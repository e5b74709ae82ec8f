-- dpnn: nn.SpatialGlimpse, windows around a place at growing scales (Mnih 2014); nn.SpatialBinaryConvolution.

local torch, nn, native = ...
local Glimpse, Module = torch.class('nn.SpatialGlimpse', 'nn.Module')

-- size: height and width of a glimpse, a number or {height, width}; each of `depth` windows is `scale` times the one before.
function Glimpse:__init(size, depth, scale)
   native.expect('nn.SpatialGlimpse', '(size[, depth=3][, scale=2])', 'size', 'number or table', size, 'depth', 'number?', depth,
      'scale', 'number?', scale)
   Module.__init(self)
   self.height, self.width = size, size
   if type(size) == 'table' then self.height, self.width = size[1], size[2] end
   self.size, self.depth, self.scale = size, depth or 3, scale or 2
   self.gradInput = {native.empty(), native.empty()}
   if self.scale == 2 then
      self.module = nn.SpatialAveragePooling(2, 2, 2, 2)
   else
      self.module = nn.SpatialUpSamplingBilinear{oheight = self.height, owidth = self.width}
   end
   self.modules = {self.module}
end

-- Calls visit(sample, depth, window, zeros around the image, first row, first column) for every window of every sample.
local function each_window(self, input, location, visit)
   for sample = 1, input:size(1) do
      local y, x = (location[sample][1] + 1) / 2, (location[sample][2] + 1) / 2
      local height, width = self.height, self.width
      for depth = 1, self.depth do
         if depth > 1 then height, width = math.floor(height * self.scale), math.floor(width * self.scale) end
         local around = {math.floor((height - 1) / 2), math.floor((width - 1) / 2)}
         local function first(place, extent, pad, window)
            local free = extent + 2 * pad - window
            return math.floor(math.min(free, math.max(0, place * free))) + 1
         end
         visit(sample, depth, {height, width}, around, first(y, input:size(3), around[1], height), first(x, input:size(4), around[2], width))
      end
   end
end

-- The module that brings a window to the size of a glimpse.
local function shrinking(self, window)
   local module = self.module
   if torch.isTypeOf(module, 'nn.SpatialAveragePooling') then
      local high, wide = window[1] / self.height, window[2] / self.width
      if high % 2 ~= 0 or wide % 2 ~= 0 then error('nn.SpatialGlimpse: a scale of 2 is wanted with average pooling', 4) end
      module.kH, module.dH, module.kW, module.dW = high, high, wide, wide
   end
   return module
end

local function batches(self, pair)
   local image, location = pair[1], pair[2]
   self._online = image:dim() == 3
   if self._online then
      image = image:view(1, image:size(1), image:size(2), image:size(3))
      location = location:view(1, 2)
   end
   return image, location
end

-- The image of one sample inside zeros.
local function padded(image, around)
   local whole = image.new(image:size(1), image:size(2) + 2 * around[1], image:size(3) + 2 * around[2]):zero()
   return whole, whole:narrow(2, around[1] + 1, image:size(2)):narrow(3, around[2] + 1, image:size(3))
end

function Glimpse:updateOutput(pair)
   local image, location = batches(self, pair)
   local n, planes = image:size(1), image:size(2)
   self.output = image.new(n, self.depth, planes, self.height, self.width)
   self._crops = {}
   each_window(self, image, location, function(sample, depth, window, around, row, column)
      local whole, inside = padded(image[sample], around)
      inside:copy(image[sample])
      local crop = whole:narrow(2, row, window[1]):narrow(3, column, window[2]):contiguous()
      if depth > 1 then
         self._crops[(sample - 1) * self.depth + depth] = crop
         crop = shrinking(self, window):updateOutput(crop)
      end
      self.output[sample][depth]:copy(crop)
   end)
   self.output = self.output:view(n, self.depth * planes, self.height, self.width)
   if self._online then self.output = self.output[1] end
   return self.output
end

-- Nothing flows back through the location.
function Glimpse:updateGradInput(pair, gradOutput)
   local image, location = batches(self, pair)
   local n, planes = image:size(1), image:size(2)
   gradOutput = gradOutput:contiguous():view(n, self.depth, planes, self.height, self.width)
   local gradient = image:clone():zero()
   each_window(self, image, location, function(sample, depth, window, around, row, column)
      local whole, inside = padded(image[sample], around)
      local part = gradOutput[sample][depth]
      if depth > 1 then
         local crop = self._crops[(sample - 1) * self.depth + depth]
         part = shrinking(self, window):updateGradInput(crop, part)
      end
      whole:narrow(2, row, window[1]):narrow(3, column, window[2]):copy(part)
      gradient[sample]:add(inside)
   end)
   self.gradInput = {self._online and gradient[1] or gradient, pair[2]:clone():zero()}
   return self.gradInput
end

function Glimpse:clearState()
   self._crops = nil
   return Module.clearState(self)
end

function Glimpse:__tostring__()
   return string.format('%s(%d x %d, depth %d, scale %g)', torch.type(self), self.height, self.width, self.depth, self.scale)
end

---------------------------------------------------------------------------------------------------------------
-- Forward and back with signs times the mean of each filter's absolute values; steps change the weights themselves
-- (Rastegari 2016).

local Binary, Convolution = torch.class('nn.SpatialBinaryConvolution', 'nn.SpatialConvolution')

local function rows(weight) return weight:view(weight:size(1), -1) end

-- Each filter's mean absolute value, over its numbers.
local function scales(weight)
   return rows(weight):clone():abs():mean(2):expandAs(rows(weight)):contiguous():viewAs(weight)
end

-- Calls f with the binary weights in the place of the others.
local function with_signs(self, f)
   local weight = self.weight
   self.weight = torch.cmul(torch.sign(weight), scales(weight))
   local ok, result = pcall(f)
   self.weight = weight
   if not ok then error(result, 0) end
   return result
end

function Binary:updateOutput(input)
   return with_signs(self, function() return Convolution.updateOutput(self, input) end)
end

function Binary:updateGradInput(input, gradOutput)
   return with_signs(self, function() return Convolution.updateGradInput(self, input, gradOutput) end)
end

function Binary:accGradParameters(input, gradOutput, scale)
   local whole = self.gradWeight
   self.gradWeight = whole:clone():zero()
   local fresh = self.gradWeight
   local ok, message = pcall(with_signs, self, function() Convolution.accGradParameters(self, input, gradOutput, scale) end)
   self.gradWeight = whole
   if not ok then error(message, 0) end
   -- The slope of a binary weight by its own weight: 1 / n, and the scale where the sign's slope counts as 1.
   local inside = torch.le(torch.abs(self.weight), 1):typeAs(self.weight)
   whole:addcmul(1, fresh, scales(self.weight):cmul(inside):add(1 / rows(self.weight):size(2)))
end

Binary.backward = Module.backward
