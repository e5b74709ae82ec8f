-- Two clones that share the parameters of a class of the user's own, and a table of outputs.
local Own, parent = torch.class('nn.Kept', 'nn.Linear')

function Own:updateOutput(x)
   return parent.updateOutput(self, x)
end

local make = OWN and nn.Kept or nn.Linear
local tower = nn.Sequential():add(make(12, 4)):add(nn.Tanh())
local twin = tower:clone('weight', 'bias', 'gradWeight', 'gradBias')
return {
   model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.ConcatTable():add(tower):add(twin))
      :add(nn.CAddTable()),
   loss = nn.MSECriterion(),
}
