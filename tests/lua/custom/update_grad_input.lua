-- updateGradInput alone replaced: the gradient is reversed.
local layer = nn.GradientReversal(2)
if OWN then
   layer = nn.Identity()
   function layer:updateGradInput(x, g)
      self.gradInput = g * -2
      return self.gradInput
   end
end
return {
   model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(layer):add(nn.Linear(5, 4)),
   loss = nn.MSECriterion(),
}
