-- dpnn's modules for pictures and for two classes.
require 'dpnn'
torch.setdefaulttensortype('torch.DoubleTensor')
torch.manualSeed(1)

local function near(a, b, what)
   local difference = torch.isTensor(a) and (a - b):abs():max() or math.abs(a - b)
   assert(difference < 1e-7, what .. ': off by ' .. tostring(difference))
end

-- A crop is a window of the picture; its gradient goes back to the same place.
local pictures = torch.range(1, 2 * 3 * 6 * 7):view(2, 3, 6, 7)
local crop = nn.SpatialUniformCrop(4, 5)
local places = {}
for _ = 1, 40 do
   local output = crop:forward(pictures)
   local gradient = crop:backward(pictures, output)
   near(gradient:sum(), output:sum(), 'crop')
   near(torch.cmul(gradient:ne(0):double(), pictures), gradient, 'the place of the crop')
   places[table.concat(crop.coord[1], ',')] = true
end
local count = 0
for _ in pairs(places) do count = count + 1 end
assert(count > 2, 'every crop is at the same place')
crop:evaluate()
near(crop:forward(pictures), pictures:narrow(3, 1, 4):narrow(4, 1, 5), 'the crop of an evaluation')
near(crop:forward(pictures[2]), pictures[2]:narrow(2, 1, 4):narrow(3, 1, 5), 'the crop of one picture')
assert(not pcall(crop.forward, crop, torch.ones(3, 3, 3)), 'a crop larger than the picture')

-- A strip at one edge is zero, the rest is scaled.
local region, edges = nn.SpatialRegionDropout(0.5), {}
for _ = 1, 40 do
   local output = region:forward(torch.ones(2, 1, 4, 4))
   near(output:sum(), 2 * 8 * 2, 'half of the picture is dropped')
   edges[region.regionType] = true
   near(region:backward(torch.ones(2, 1, 4, 4), torch.ones(2, 1, 4, 4)), output, 'gradient of a dropped region')
end
assert(edges[1] and edges[2] and edges[3] and edges[4], 'every edge has its turn')
region:evaluate()
near(region:forward(torch.ones(1, 4, 4)), torch.ones(1, 4, 4), 'nothing is dropped in an evaluation')

local normal = nn.SpatialFeatNormalization(torch.Tensor{1, 2}, torch.Tensor{2, 4})
near(normal:forward(torch.Tensor{3, 10}:view(2, 1, 1)), torch.Tensor{1, 2}:view(2, 1, 1), 'normalised planes')
near(nn.Jacobian.testJacobian(normal, torch.rand(3, 2, 2, 2)), 0, 'gradient of normalised planes')
assert(not pcall(normal.forward, normal, torch.ones(3, 2, 2)), 'another number of planes')

-- Colour noise is one number a picture and plane, none in an evaluation.
local vectors = torch.Tensor{{0, 1}, {1, 0}}
for _, colour in ipairs{nn.SimpleColorTransform(2, torch.Tensor{0.5, 0}), nn.PCAColorTransform(2, vectors, torch.Tensor{1, 0}, 0.3)} do
   local noise = colour:forward(torch.zeros(5, 2, 3, 3))
   local plane = torch.typename(colour) == 'nn.SimpleColorTransform' and 1 or 2
   near(noise:select(2, 3 - plane):abs():max(), 0, 'the plane without noise')
   assert(noise:select(2, plane):std() > 0.01, 'the plane with noise')
   for i = 1, 5 do near(noise[i][plane]:std(), 0, 'one number a picture') end
   colour:evaluate()
   near(colour:forward(torch.ones(2, 3, 3)), torch.ones(2, 3, 3), 'no noise in an evaluation')
end

-- log(1 + exp(-xy)), and its slope by differences.
for _, case in ipairs{{nn.BinaryLogisticRegression(), {4}, 1}, {nn.SpatialBinaryLogisticRegression(), {2, 1, 3, 3}, 2}} do
   local loss, size = case[1], torch.LongStorage(case[2])
   local x, y = torch.randn(size), torch.sign(torch.randn(size))
   near(loss:forward(x, y), torch.exp(-torch.cmul(x, y)):add(1):log():mean() / case[3], torch.typename(loss))
   local slope, step = loss:backward(x, y):clone():view(-1), 1e-6
   local flat = x:view(-1)
   for i = 1, flat:size(1) do
      local old = flat[i]
      flat[i] = old + step
      local above = loss:forward(x, y)
      flat[i] = old - step
      near((above - loss:forward(x, y)) / (2 * step), slope[i], 'slope of ' .. torch.typename(loss))
      flat[i] = old
   end
end

-- The gradient is that of the scaled negative entropy of the batch's mean distribution.
local entropy = nn.CategoricalEntropy(2)
local p = nn.SoftMax():forward(torch.randn(3, 4))
entropy:forward(p)
local found = entropy:backward(p, torch.zeros(3, 4))
local mean = p:sum(1) / p:sum()
near(found[2], (torch.log(mean + 1e-6) + torch.cdiv(mean, mean + 1e-6)) * 2 / p:sum() / 3, 'slope of the entropy')
near(entropy.output, p, 'what goes in comes out')
