-- A container of the user's own, derived from nn.Sequential: a residual block.
local Residual, parent = torch.class('nn.Residual', 'nn.Sequential')

function Residual:updateOutput(x)
   self.sum = self.sum or x.new()
   self.sum:resizeAs(x):copy(parent.updateOutput(self, x)):add(x)
   self.output = self.sum
   return self.output
end

function Residual:updateGradInput(x, g)
   self.total = self.total or x.new()
   self.total:resizeAs(x):copy(parent.updateGradInput(self, x, g)):add(g)
   self.gradInput = self.total
   return self.gradInput
end

function Residual:backward(x, g, scale)
   self.total = self.total or x.new()
   self.total:resizeAs(x):copy(parent.backward(self, x, g, scale)):add(g)
   self.gradInput = self.total
   return self.gradInput
end

local function block()
   if OWN then
      return nn.Residual():add(nn.Linear(6, 6)):add(nn.Tanh()):add(nn.Linear(6, 6))
   end
   local body = nn.Sequential():add(nn.Linear(6, 6)):add(nn.Tanh()):add(nn.Linear(6, 6))
   return nn.Sequential():add(nn.ConcatTable():add(body):add(nn.Identity())):add(nn.CAddTable())
end

return {
   model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 6)):add(block()):add(block())
      :add(nn.Linear(6, 4)),
   loss = nn.MSECriterion(),
}
