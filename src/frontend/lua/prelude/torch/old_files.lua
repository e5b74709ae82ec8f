-- What objects in files from earlier years of Torch7 lack (spec section 5.6), so that the classes of today can read them.
--
-- Answers upgrade(object, class, version), called when the fields of an object of nn, cudnn or inn have been read.

-- Fields that came later, by the name behind the package's.
local later = {
   SpatialConvolution = {padW = 0, padH = 0, dW = 1, dH = 1},
   SpatialFullConvolution = {padW = 0, padH = 0, adjW = 0, adjH = 0},
   SpatialMaxPooling = {padW = 0, padH = 0, ceil_mode = false},
   SpatialAveragePooling = {padW = 0, padH = 0, ceil_mode = false, count_include_pad = true, divide = true},
   VolumetricConvolution = {padT = 0, padW = 0, padH = 0},
   VolumetricFullConvolution = {padT = 0, padW = 0, padH = 0},
   VolumetricMaxPooling = {padT = 0, padW = 0, padH = 0, ceil_mode = false},
   VolumetricAveragePooling = {padT = 0, padW = 0, padH = 0, ceil_mode = false, count_include_pad = true},
   ReLU = {inplace = false, threshold = 0, val = 0},
   Threshold = {inplace = false},
   Dropout = {inplace = false, v2 = false},
   BatchNormalization = {eps = 1e-5, momentum = 0.1, affine = true},
}
later.SpatialConvolutionMM = later.SpatialConvolution
later.SpatialBatchNormalization = later.BatchNormalization
later.VolumetricBatchNormalization = later.BatchNormalization

local change = {}

-- `padding` was both; weights were matrices [out, in * height * width].
function change.SpatialConvolution(m)
   if m.padding then
      m.padW, m.padH, m.padding = m.padW or m.padding, m.padH or m.padding, nil
   end
   for _, name in ipairs{'weight', 'gradWeight'} do
      local w = rawget(m, name)
      if w and w:dim() == 2 and m.nInputPlane and m.kH and w:nElement() == m.nOutputPlane * m.nInputPlane * m.kH * m.kW then
         m[name] = w:view(m.nOutputPlane, m.nInputPlane, m.kH, m.kW)
      end
   end
end
change.SpatialConvolutionMM = function(m)
   if m.padding then
      m.padW, m.padH, m.padding = m.padW or m.padding, m.padH or m.padding, nil
   end
end

-- The inverse of the standard deviation was kept instead of the variance.
function change.BatchNormalization(m)
   if rawget(m, 'running_std') then
      m.running_var = m.running_std:clone():pow(-2):add(-(m.eps or 1e-5))
      m.running_std = nil
   end
end
change.SpatialBatchNormalization = change.BatchNormalization

-- Input and output planes of the weight were exchanged.
function change.VolumetricFullConvolution(m)
   if rawget(m, 'adjW') == nil then
      for _, name in ipairs{'weight', 'gradWeight'} do
         local w = rawget(m, name)
         if w and w:dim() == 5 then m[name] = w:transpose(1, 2):clone() end
      end
      m.adjT, m.adjW, m.adjH = 0, 0, 0
   end
end

return function(object, class)
   local package, name = class:match('^(%a+)%.(.+)$')
   if package ~= 'nn' and package ~= 'cudnn' and package ~= 'inn' then return end
   if change[name] then change[name](object) end
   for field, value in pairs(later[name] or {}) do
      if rawget(object, field) == nil then object[field] = value end
   end
end
