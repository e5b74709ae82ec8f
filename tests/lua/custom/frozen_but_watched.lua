-- A frozen layer whose accGradParameters does something, but does not learn.
local layer = nn.Linear(5, 5)
layer.accGradParameters = OWN and function(self) self.seen = (self.seen or 0) + 1 end or function() end
return {
   model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(nn.Tanh()):add(layer)
      :add(nn.Linear(5, 4)),
   loss = nn.MSECriterion(),
}
