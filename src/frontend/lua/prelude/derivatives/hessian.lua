-- nn.hessian.enable(): the diagonal of the Hessian by backpropagation of squares, for conditioning learning rates.
--
-- Squared weights take the place of the weights while updateGradInput runs, and the Hessian's vectors that of the
-- gradients while accGradParameters runs on squared inputs: native methods read the fields at each call.

local torch, nn, native = ...

nn.hessian = {}

local function swap(module, a, b)
   module[a], module[b] = module[b], module[a]
end

-- Runs f while fields a[i] and b[i] are exchanged.
local function exchanged(module, a, b, f)
   assert(#a == #b, 'as many fields are wanted as there are to replace')
   for i = 1, #a do swap(module, a[i], b[i]) end
   f()
   for i = 1, #a do swap(module, a[i], b[i]) end
end

local function acc_parameters(module, input, diagHessianOutput, gradients, hessians)
   for i, name in ipairs(gradients) do
      local gradient = module[name]
      if module[hessians[i]] == nil and gradient then
         module[hessians[i]] = gradient.new():resizeAs(gradient):zero()
      end
   end
   module.inputSq = (module.inputSq or input.new()):resizeAs(input):cmul(input, input)
   local output = module.output
   module.output = output.new():resizeAs(output)
   exchanged(module, gradients, hessians, function()
      module:forward(module.inputSq)
      module:accGradParameters(module.inputSq, diagHessianOutput, 1)
   end)
   module.output = output
end

local function update_input(module, input, diagHessianOutput, weights, squares)
   for i, name in ipairs(weights) do
      local weight = module[name]
      module[squares[i]] = (module[squares[i]] or weight.new()):resizeAs(weight):cmul(weight, weight)
   end
   module.diagHessianInput = (module.diagHessianInput or input.new()):resizeAs(input):zero()
   local gradInput = module.gradInput
   module.gradInput = module.diagHessianInput
   exchanged(module, weights, squares, function() module:updateGradInput(input, diagHessianOutput) end)
   module.diagHessianInput = module.gradInput
   module.gradInput = gradInput
   return module.diagHessianInput
end

-- For functions of single numbers: (dy/dx)² times what comes from behind.
local function update_pointwise(module, input, diagHessianOutput)
   local ones = diagHessianOutput.new():resizeAs(diagHessianOutput):fill(1)
   local slope = update_input(module, input, ones, {}, {})
   return slope:cmul(slope):cmul(diagHessianOutput)
end

local function init_parameters(module, gradients, hessians)
   module.diagHessianInput = module.diagHessianInput or module.gradInput.new()
   for i, name in ipairs(gradients) do
      module[hessians[i]] = module[hessians[i]] or module[name].new():resizeAs(module[name]):zero()
   end
end

nn.hessian.accDiagHessianParameters = acc_parameters
nn.hessian.updateDiagHessianInput = update_input
nn.hessian.updateDiagHessianInputPointWise = update_pointwise
nn.hessian.initDiagHessianParameters = init_parameters

local GRADIENTS, HESSIANS = {'gradWeight', 'gradBias'}, {'diagHessianWeight', 'diagHessianBias'}

local function undefined(self)
   error(torch.typename(self) .. ':updateDiagHessianInput() is undefined', 2)
end

local function enable_linear(class, weights, squares)
   function class:updateDiagHessianInput(input, diagHessianOutput)
      return update_input(self, input, diagHessianOutput, weights, squares)
   end
   function class:accDiagHessianParameters(input, diagHessianOutput)
      acc_parameters(self, input, diagHessianOutput, GRADIENTS, HESSIANS)
   end
   function class:initDiagHessianParameters()
      init_parameters(self, GRADIENTS, HESSIANS)
   end
end

local function enable_sequential()
   local Sequential = nn.Sequential

   function Sequential:initDiagHessianParameters()
      for _, child in ipairs(self.modules) do child:initDiagHessianParameters() end
   end

   -- Visits the children from the last to the first with the input of each.
   local function backwards(self, input, visit)
      for i = #self.modules, 1, -1 do
         visit(self.modules[i], i > 1 and self.modules[i - 1].output or input)
      end
   end

   function Sequential:updateDiagHessianInput(input, diagHessianOutput)
      local current = diagHessianOutput
      backwards(self, input, function(child, x) current = child:updateDiagHessianInput(x, current) end)
      self.diagHessianInput = current
      return current
   end

   function Sequential:accDiagHessianParameters(input, diagHessianOutput)
      local current = diagHessianOutput
      backwards(self, input, function(child, x)
         child:accDiagHessianParameters(x, current)
         current = child.diagHessianInput
      end)
   end

   function Sequential:parameters()
      local lists = {{}, {}, {}}
      for _, child in ipairs(self.modules) do
         local found = {child:parameters()}
         for k, list in ipairs(lists) do
            for _, tensor in ipairs(found[k] or {}) do list[#list + 1] = tensor end
         end
      end
      return unpack(lists)
   end
end

function nn.hessian.enable()
   nn.hessian.enable = function() end

   nn.Module.updateDiagHessianInput = undefined
   nn.Criterion.updateDiagHessianInput = undefined
   function nn.Module:accDiagHessianParameters() end
   function nn.Module:initDiagHessianParameters() end

   -- The curvature of a mean of squares is constant.
   function nn.MSECriterion:updateDiagHessianInput(input)
      local value = 2 / (self.sizeAverage and input:nElement() or 1)
      self.diagHessianInput = (self.diagHessianInput or input.new()):resizeAs(input):fill(value)
      return self.diagHessianInput
   end
   function nn.WeightedMSECriterion:updateDiagHessianInput(input)
      return nn.MSECriterion.updateDiagHessianInput(self, input)
   end

   function nn.L1Cost:updateDiagHessianInput(input)
      self.diagHessianInput = (self.diagHessianInput or input.new()):resizeAs(input):copy(torch.ne(input, 0))
      return self.diagHessianInput
   end

   for _, name in ipairs{'Linear', 'SpatialConvolution', 'SpatialConvolutionLocal', 'SpatialFullConvolution',
                         'SpatialFullConvolutionMap'} do
      enable_linear(nn[name], {'weight'}, {'weightSq'})
   end
   enable_linear(nn.SpatialConvolutionMap, {'weight', 'bias'}, {'weightSq', 'biasSq'})
   for _, name in ipairs{'Tanh', 'TanhShrink', 'Square', 'Sqrt'} do
      nn[name].updateDiagHessianInput = update_pointwise
   end
   function nn.Reshape:updateDiagHessianInput(input, diagHessianOutput)
      self.diagHessianInput = self.diagHessianInput or input.new()
      self.diagHessianInput:set(diagHessianOutput:contiguous()):resizeAs(input)
      return self.diagHessianInput
   end
   enable_sequential()

   function nn.Module:parameters()
      local names = {{'weight', 'bias'}, {'gradWeight', 'gradBias'}, {'diagHessianWeight', 'diagHessianBias'}}
      if not (self.weight or self.bias) then return end
      local lists = {}
      for k, pair in ipairs(names) do
         lists[k] = {}
         for i, name in ipairs(pair) do
            if self[names[1][i]] then lists[k][#lists[k] + 1] = self[name] end
         end
      end
      return unpack(lists)
   end

   function nn.Module:getParameters()
      local lists = {self:parameters()}
      local flat = {}
      for k, list in ipairs(lists) do
         if k < 3 or list[1] then flat[k] = native.flatten(list) end
      end
      return unpack(flat)
   end
end
