-- A frozen layer: by an accGradParameters that does nothing, or by hiding its parameters.
local layer = nn.Linear(5, 5)
if OWN then
   layer.accGradParameters = function() end
else
   layer.parameters = function() return nil end
end
return {
   model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(nn.Tanh()):add(layer)
      :add(nn.Linear(5, 4)),
   loss = nn.MSECriterion(),
}
