-- A class derived from nn.Linear whose methods call the parent's and do more.
local Scaled, parent = torch.class('nn.Scaled', 'nn.Linear')

function Scaled:updateOutput(x)
   parent.updateOutput(self, x)
   self.output:mul(3)
   return self.output
end

function Scaled:updateGradInput(x, g)
   parent.updateGradInput(self, x, g * 3)
   return self.gradInput
end

function Scaled:accGradParameters(x, g, scale)
   parent.accGradParameters(self, x, g, scale * 3)
end

local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(nn.ReLU())
if OWN then
   net:add(nn.Scaled(5, 4))
else
   net:add(nn.Linear(5, 4)):add(nn.MulConstant(3))
end
return { model = net, loss = nn.MSECriterion() }
