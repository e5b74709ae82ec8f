-- nn.PartialLinear: a linear layer of which only the chosen output columns are computed and learn.

local torch, nn, native = ...

local PartialLinear, Module = torch.class('nn.PartialLinear', 'nn.Module')

function PartialLinear:__init(inputsize, outputsize, bias)
   native.expect('nn.PartialLinear', '(inputsize, outputsize[, bias=true])', 'inputsize', 'number', inputsize,
      'outputsize', 'number', outputsize)
   Module.__init(self)
   -- {x, columns} → x · (rows of the table)ᵀ
   local columns = nn.ParallelTable():add(nn.Identity()):add(nn.LookupTable(outputsize, inputsize))
   self.network = nn.Sequential():add(columns):add(nn.MM(false, true))
   if bias ~= false then
      self.bias = torch.Tensor(1, outputsize):zero()
      self.gradBias = torch.Tensor(1, outputsize):zero()
   end
   self.inputsize, self.outputsize = inputsize, outputsize
   self.allcolumns = torch.range(1, outputsize)
   self:resetPartition()
end

local function rows(self)
   return self.network:get(1):get(2)
end

function PartialLinear:setPartition(indices)
   self.partition = indices:type(self.allcolumns:type())
end

function PartialLinear:resetPartition()
   self.partition = self.allcolumns
end

function PartialLinear:parameters()
   return {rows(self).weight, self.bias}, {rows(self).gradWeight, self.gradBias}
end

function PartialLinear:reset(stdv)
   self.network:reset(stdv)
   if self.bias then self.bias:zero() end
   return self
end

function PartialLinear:updateOutput(input)
   local product = self.network:forward{input, self.partition}
   self.output:resizeAs(product):copy(product)
   if self.bias then
      self.output:add(self.bias:index(2, self.partition:long()):expandAs(self.output))
   end
   return self.output
end

function PartialLinear:updateGradInput(input, gradOutput)
   if self.gradInput then
      self.network:updateGradInput({input, self.partition}, gradOutput)
      self.gradInput:set(self.network.gradInput[1])
   end
   return self.gradInput
end

function PartialLinear:accGradParameters(input, gradOutput, scale)
   self.network:accGradParameters({input, self.partition}, gradOutput, scale or 1)
   if self.bias then
      self.gradBias:indexAdd(2, self.partition:long(), gradOutput:sum(1):mul(scale or 1))
   end
end

-- The gradients' fields are the parameters while a step of rate lr is accumulated into them.
function PartialLinear:accUpdateGradParameters(input, gradOutput, lr)
   local table_ = rows(self)
   local gradWeight, gradBias = table_.gradWeight, self.gradBias
   table_.gradWeight, self.gradBias = table_.weight, self.bias
   self:accGradParameters(input, gradOutput, -lr)
   table_.gradWeight, self.gradBias = gradWeight, gradBias
end
PartialLinear.sharedAccUpdateGradParameters = PartialLinear.accUpdateGradParameters

function PartialLinear:__tostring__()
   return string.format('%s(%d -> %d)%s', torch.type(self), self.inputsize, self.outputsize,
      self.bias and '' or ' without bias')
end
