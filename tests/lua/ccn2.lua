-- ccn2: batch-last layers give what nn's give with the batch first; gradients against finite differences.
require 'ccn2'
require 'totem'
torch.setdefaulttensortype('torch.DoubleTensor')
torch.manualSeed(2)
local x = torch.randn(4, 7, 7, 3)
local function near(a, b, what)
   assert(a:isSameSizeAs(b) and (a - b):abs():max() < 1e-9, what)
end
local function first(t) return t:permute(4, 1, 2, 3):contiguous() end

local convolution = ccn2.SpatialConvolution(4, 16, 3, 2, 1)
local plain = nn.SpatialConvolution(4, 16, 3, 3, 2, 2, 1, 1)
plain.weight:copy(convolution.weight:t():contiguous():view(16, 4, 3, 3))
plain.bias:copy(convolution.bias)
near(first(convolution:forward(x)), plain:forward(first(x)), 'convolution')
near(first(ccn2.SpatialMaxPooling(3, 2):forward(x)), nn.SpatialMaxPooling(3, 3, 2, 2):ceil():forward(first(x)), 'max')
-- The last window of 2 holds one column.
local means = ccn2.SpatialAvgPooling(2):forward(x)
near(means[1][1][4], x[1]:narrow(1, 1, 2):select(2, 7):mean(1):view(-1), 'mean at the border')
near(first(ccn2.SpatialCrossResponseNormalization(3, 0.5):forward(x)), nn.SpatialCrossMapLRN(3, 0.5, 0.75, 1):forward(first(x)), 'lrn')

local failures = 0
local tester = {assert = function(_, ok) if not ok then failures = failures + 1 end end}
function tester:assertle(a, b) self:assert(a <= b) end
local small = torch.randn(2, 4, 4, 2)
for _, module in ipairs{ccn2.SpatialConvolution(2, 16, 3), ccn2.SpatialConvolution(2, 16, 3, 1, 1, 2), ccn2.SpatialAvgPooling(3, 2),
   ccn2.SpatialMaxPooling(2), ccn2.SpatialCrossResponseNormalization(3, 0.5)} do
   totem.nn.checkGradients(tester, module, small:clone(), 1e-6)
   assert(failures == 0, tostring(module))
   assert(#tostring(module) > 5 and torch.deserialize(torch.serialize(module)):float():forward(small:float()))
end
assert(not pcall(ccn2.SpatialMaxPooling, 'a') and not pcall(function() ccn2.SpatialMaxPooling(2):forward(x[1]) end))
