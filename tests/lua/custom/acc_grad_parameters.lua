-- accGradParameters replaced: a layer that learns with three times the gradient of the others. Its twin has its own
-- factor on both sides.
local layer = nn.Linear(5, 5)
if OWN then
   local native = layer.accGradParameters
   function layer:accGradParameters(x, g, scale) native(self, x, g, scale * 3) end
end
local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(nn.Tanh())
if OWN then
   net:add(layer)
else
   -- Forward is the layer; backward sends 3 g to its weights and g to its input.
   local behind = nn.GradientReversal(-3)
   local before = nn.GradientReversal(-1 / 3)
   net:add(before):add(layer):add(behind)
end
return { model = net:add(nn.Linear(5, 4)), loss = nn.MSECriterion() }
