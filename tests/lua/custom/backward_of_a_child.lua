-- backward of a child, replaced on the object: a clipped gradient. forward of a child is called by no container.
local layer = nn.Sequential():add(nn.Linear(5, 5)):add(nn.Tanh())
local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(layer)
if OWN then
   function layer:backward(x, g, scale)
      return nn.Sequential.backward(self, x, g * 0.5, scale)
   end
   function layer:forward() error('a container calls updateOutput') end
else
   net:add(nn.GradientReversal(-0.5))
end
return { model = net:add(nn.Linear(5, 4)), loss = nn.MSECriterion() }
