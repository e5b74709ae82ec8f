-- forward and backward of the whole network, replaced on the object: what the trainer calls.
local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3))
if not OWN then net:add(nn.MulConstant(0.25)) end
net:add(nn.Linear(12, 5)):add(nn.Tanh()):add(nn.Linear(5, 4))
if OWN then
   function net:forward(x)
      self.scaled = x * 0.25
      return self:updateOutput(self.scaled)
   end
   function net:backward(x, g, scale)
      return nn.Sequential.backward(self, self.scaled, g, scale):mul(0.25)
   end
end
return { model = net, loss = nn.MSECriterion() }
