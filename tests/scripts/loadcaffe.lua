-- Networks of Caffe's, whose numbers the test has written: 0.01, 0.02, … in each blob.
local loadcaffe = require 'loadcaffe'
local folder = arg[1]

local function counted(...)
   local shape = torch.LongStorage{...}
   local numbers = torch.Tensor(shape)
   return torch.range(1, numbers:nElement()):mul(0.01):view(shape)
end

for _, form in ipairs {'new', 'old'} do
   local net = loadcaffe.load(folder .. '/' .. form .. '.prototxt', folder .. '/' .. form .. '.caffemodel', 'nn')
   print(form, tostring(net):gsub('%s+', ' '))
   local names = {}
   for i, module in ipairs(net.modules) do names[i] = module.name end
   assert(table.concat(names, ' ') == 'conv1 relu1 norm1 pool1 torch_view fc drop prob', table.concat(names, ' '))
   local conv = nn.SpatialConvolution(1, 2, 3, 3, 1, 1, 1, 1)
   conv.weight:copy(counted(2, 1, 3, 3))
   conv.bias:copy(counted(2))
   local fc = nn.Linear(8, 3)
   fc.weight:copy(counted(3, 8))
   fc.bias:copy(counted(3))
   local by_hand = nn.Sequential():add(conv):add(nn.ReLU()):add(nn.SpatialCrossMapLRN(5, 0.0001, 0.75))
   by_hand:add(nn.SpatialMaxPooling(2, 2, 2, 2):ceil()):add(nn.View(-1):setNumInputDims(3)):add(fc):add(nn.SoftMax())
   local input = torch.randn(2, 1, 3, 3)
   net:evaluate()
   local far = (net:forward(input) - by_hand:forward(input)):abs():max()
   assert(far < 1e-6, far)
end

local function fails(prototxt, words)
   local ok, why = pcall(loadcaffe.load, folder .. '/' .. prototxt, folder .. '/new.caffemodel')
   assert(not ok and tostring(why):find(words, 1, true), tostring(why))
end
fails('cut.prototxt', 'cut.prototxt, line 3: a } is missing')
fails('branch.prototxt', 'the network branches at b')
fails('strange.prototxt', 'is of the type Scale, which is not read')
print('read')
