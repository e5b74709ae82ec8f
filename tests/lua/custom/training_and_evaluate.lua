-- training and evaluate replaced on objects: a dropout that never drops, a normalisation that keeps its statistics.
local dropout, norm = nn.Identity(), nn.BatchNormalization(5)
norm.running_mean:fill(0.1)
norm.running_var:fill(1.5)
if OWN then
   dropout = nn.Dropout(0.5)
   function dropout:training() self.train = false end
   function norm:training() self.train = false end
   norm.train = false
else
   -- (x - mean) / sqrt(variance + eps) * weight + bias, as a chain of layers with the same parameters.
   local scale = nn.Sequential():add(nn.AddConstant(-0.1)):add(nn.MulConstant(1 / math.sqrt(1.5 + norm.eps)))
   local mul, add = nn.CMul(5), nn.Add(5)
   mul.weight:copy(norm.weight)
   add.bias:copy(norm.bias)
   norm = scale:add(mul):add(add)
end
torch.manualSeed(7)
return {
   model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 5)):add(norm):add(dropout)
      :add(nn.Linear(5, 4)),
   loss = nn.MSECriterion(),
}
