-- nn.SparseLinear beside its Rust file: the gradient of the input, which is dense rows (index, value), and updates of the
-- seen columns only.

local torch, nn, native = ...

local SparseLinear, Module = torch.class('nn.SparseLinear', 'nn.Module')

-- The 1-based columns that an input names.
local function columns(input)
   if type(input) ~= 'table' then
      local index = input:select(input:dim(), 1)
      return index:contiguous():view(-1):long()
   end
   local parts = {}
   for i, sample in ipairs(input) do parts[i] = sample:select(2, 1):contiguous():long() end
   return torch.cat(parts, 1)
end

function SparseLinear:updateGradInput(input, gradOutput)
   self.gradInput = {}
   if not self.doGradInput then return self.gradInput end
   local features = self.weight:size(2)
   local dense = gradOutput:dim() == 1 and gradOutput:view(1, -1) * self.weight or gradOutput * self.weight
   for i = 1, dense:size(1) do
      local row = gradOutput.new(features, 2)
      row:select(2, 1):copy(torch.range(1, features))
      row:select(2, 2):copy(dense[i])
      self.gradInput[i] = row
   end
   if torch.isTensor(input) and input:dim() == 3 then
      local batch = gradOutput.new(#self.gradInput, features, 2)
      for i, row in ipairs(self.gradInput) do batch[i]:copy(row) end
      self.gradInput = batch
   end
   return self.gradInput
end

-- After one accumulation only the seen columns can differ from 0: updates and zeroing touch no others.
function SparseLinear:accGradParameters(input, gradOutput, scale)
   self.seen = not self.seen and not self.accumulated and columns(input) or nil
   self.accumulated = true
   native.accumulate(self, input, gradOutput, scale or 1)
end

function SparseLinear:updateParameters(learningRate)
   if not self.seen then return Module.updateParameters(self, learningRate) end
   self.bias:add(-learningRate, self.gradBias)
   local done = {}
   self.seen:apply(function(column)
      if not done[column] then
         done[column] = true
         self.weight:select(2, column):add(-learningRate, self.gradWeight:select(2, column))
      end
   end)
end

function SparseLinear:zeroGradParameters()
   if self.seen then
      self.gradWeight:indexFill(2, self.seen, 0)
      self.gradBias:zero()
   else
      Module.zeroGradParameters(self)
   end
   self.seen, self.accumulated = nil, nil
end

function SparseLinear:clearState()
   self.seen = nil
   self.accumulated = true
   return Module.clearState(self)
end
