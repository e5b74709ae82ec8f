-- A module of the user's own that works in place, forward and backward, behind a module whose result libtorch keeps and
-- beside a branch that sees the same gradient.
local M, parent = torch.class('nn.Halve', 'nn.Module')

function M:updateOutput(x)
   x:mul(0.5)
   self.output = x
   return self.output
end

function M:updateGradInput(x, g)
   g:mul(0.5)
   self.gradInput = g
   return self.gradInput
end

local halve = OWN and nn.Halve() or nn.MulConstant(0.5)
local branches = nn.ConcatTable():add(nn.Sequential():add(nn.Linear(6, 4)):add(halve)):add(nn.Linear(6, 4))
return {
   model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 6)):add(nn.Sigmoid())
      :add(OWN and nn.Halve() or nn.MulConstant(0.5)):add(branches):add(nn.CAddTable()),
   loss = nn.MSECriterion(),
}
