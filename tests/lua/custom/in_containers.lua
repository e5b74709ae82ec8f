-- Modules of the user's own inside Concat, Parallel, ParallelTable, Bottle, MapTable and Decorator.
local Shrink, parent = torch.class('nn.Shrink', 'nn.Module')

function Shrink:updateOutput(x)
   self.output:resizeAs(x):copy(x):mul(0.7)
   return self.output
end

function Shrink:updateGradInput(x, g)
   self.gradInput:resizeAs(x):copy(g):mul(0.7)
   return self.gradInput
end

local function shrink() return OWN and nn.Shrink() or nn.MulConstant(0.7) end
local function branch(inputs, outputs) return nn.Sequential():add(nn.Linear(inputs, outputs)):add(shrink()) end

local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3))
net:add(nn.Concat(2):add(branch(12, 4)):add(nn.Linear(12, 4))):add(nn.Tanh())
net:add(nn.View(2, 4):setNumInputDims(1)):add(nn.Parallel(2, 2):add(branch(4, 3)):add(branch(4, 3)))
net:add(nn.ConcatTable():add(nn.Identity()):add(shrink())):add(nn.ParallelTable():add(branch(6, 4)):add(shrink()))
net:add(nn.JoinTable(1, 1)):add(nn.View(2, 5):setNumInputDims(1)):add(nn.Bottle(branch(5, 4), 2))
net:add(nn.SplitTable(1, 2)):add(nn.MapTable(shrink())):add(nn.CAddTable()):add(nn.Decorator(shrink()))
return { model = net, loss = nn.MSECriterion() }
