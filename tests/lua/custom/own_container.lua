-- A container of the user's own, derived from nn.Container: its children's outputs are averaged.
local Mean, parent = torch.class('nn.Mean2', 'nn.Container')

function Mean:updateOutput(x)
   self.output:resizeAs(self.modules[1]:updateOutput(x)):zero()
   for _, child in ipairs(self.modules) do self.output:add(1 / #self.modules, child:updateOutput(x)) end
   return self.output
end

function Mean:updateGradInput(x, g)
   self.gradInput:resizeAs(x):zero()
   self.share = g / #self.modules
   for _, child in ipairs(self.modules) do self.gradInput:add(child:updateGradInput(x, self.share)) end
   return self.gradInput
end

function Mean:accGradParameters(x, g, scale)
   for _, child in ipairs(self.modules) do child:accGradParameters(x, self.share, scale) end
end

local branches = OWN and nn.Mean2() or nn.ConcatTable()
branches:add(nn.Linear(5, 4)):add(nn.Linear(5, 4)):add(nn.Linear(5, 4))
local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(nn.Tanh()):add(branches)
if not OWN then net:add(nn.CAddTable()):add(nn.MulConstant(1 / 3)) end
return { model = net, loss = nn.MSECriterion() }
