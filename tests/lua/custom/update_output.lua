-- updateOutput and updateGradInput replaced on one object.
local layer = nn.LeakyReLU(0.1)
if OWN then
   layer = nn.ReLU()
   function layer:updateOutput(x)
      self.output:resizeAs(x):copy(x)
      self.slope = torch.gt(x, 0):typeAs(x):mul(0.9):add(0.1)
      return self.output:cmul(self.slope)
   end
   function layer:updateGradInput(x, g)
      return self.gradInput:resizeAs(x):copy(g):cmul(self.slope)
   end
end
return {
   model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(layer):add(nn.Linear(5, 4)),
   loss = nn.MSECriterion(),
}
