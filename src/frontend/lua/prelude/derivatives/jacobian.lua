-- nn.Jacobian and nn.SparseJacobian: derivatives of modules compared with differences of their outputs.
--
-- Both are one set of functions over "the numbers of the input that can vary": all of them, or column 2 of rows
-- (index, value).

local torch, nn = ...

local function flat(tensor)
   return tensor.new(tensor):resize(tensor:nElement())
end

local function draw_into(tensor, least, most)
   least, most = least or -2, most or 2
   tensor:copy(torch.rand(tensor:nElement()):mul(most - least):add(least))
end

local function distance(a, b)
   return a:nElement() == 0 and 0 or (a - b):abs():max()
end

local function tools(varying)
   local jac = {}

   -- Column j: what `pull(unit)` gives for a gradOutput that is 1 at element j.
   local function columns(module, input, rows, pull)
      module:forward(input)
      local unit = module.output.new():resizeAs(module.output)
      local cells = unit.new(unit:storage(), 1, unit:nElement())
      local jacobian = torch.Tensor(rows, cells:nElement()):zero()
      for j = 1, cells:nElement() do
         unit:zero()
         cells[j] = 1
         jacobian:select(2, j):copy(pull(unit))
      end
      return jacobian
   end

   -- Row i: the slope of the output along number i of `numbers`, made by `put(slope, number)` into a row.
   local function rows(module, input, numbers, step, put)
      step = step or 1e-6
      local jacobian = torch.Tensor(numbers:nElement(), module:forward(input):nElement())
      local below, above = torch.Tensor(jacobian:size(2)), torch.Tensor(jacobian:size(2))
      for i = 1, numbers:nElement() do
         local here = numbers[i]
         numbers[i] = here - step
         below:copy(module:forward(input))
         numbers[i] = here + step
         above:copy(module:forward(input))
         numbers[i] = here
         jacobian:select(1, i):copy(put(above:add(-1, below):div(2 * step), here))
      end
      return jacobian
   end

   function jac.backward(module, input, param, dparam)
      local count = param and param:nElement() or varying(input):nElement()
      return columns(module, input, count, function(unit)
         module:zeroGradParameters()
         local gradInput = module:updateGradInput(input, unit)
         module:accGradParameters(input, unit)
         return param and dparam or varying(gradInput)
      end)
   end

   function jac.backwardUpdate(module, input, param)
      local parameters, kept = module:parameters(), {}
      for i, p in ipairs(parameters) do kept[i] = p:clone() end
      local function restore()
         for i, p in ipairs(parameters) do p:copy(kept[i]) end
      end
      local jacobian = columns(module, input, param:nElement(), function(unit)
         restore()
         module:zeroGradParameters()
         module:updateGradInput(input, unit)
         module:accUpdateGradParameters(input, unit, 1)
         return param
      end)
      restore()
      return jacobian
   end

   function jac.forward(module, input, param, step)
      return rows(module, input, flat(param or varying(input)), step, function(slope) return slope end)
   end

   -- One step of gradient descent with rate 1, from slopes.
   function jac.forwardUpdate(module, input, param, step)
      return rows(module, input, flat(param), step, function(slope, here) return slope:mul(-1):add(here) end)
   end

   function jac.testJacobian(module, input, least, most, step)
      draw_into(varying(input), least, most)
      return distance(jac.forward(module, input, nil, step), jac.backward(module, input))
   end

   function jac.testJacobianParameters(module, input, param, dparam, least, most, step)
      draw_into(varying(input), least, most)
      draw_into(param, least, most)
      local pulled = jac.backward(module, input, param, dparam)
      return distance(jac.forward(module, input, param, step), pulled)
   end

   function jac.testJacobianUpdateParameters(module, input, param, least, most, step)
      draw_into(varying(input), least, most)
      draw_into(param, least, most)
      local pulled = jac.backwardUpdate(module, input, param)
      return distance(jac.forwardUpdate(module, input, param, step), pulled)
   end

   -- Distances of outputs and input gradients after the module was written and read again.
   function jac.testIO(module, input, least, most)
      least, most = least or -2, most or 2
      local kept = input:clone()
      module:forward(input)
      local gradOutput = module.output:clone()
      draw_into(gradOutput, least, most)
      local gradKept = gradOutput:clone()
      local function run(m, x, g)
         m:forward(x)
         m:zeroGradParameters()
         m:updateGradInput(x, g)
         m:accGradParameters(x, g)
         return m.output:clone(), m.gradInput:clone()
      end
      local output, gradInput = run(module, input, gradOutput)
      assert(module == module:clearState(), 'clearState did not return self')
      local output2, gradInput2 = run(torch.deserialize(torch.serialize(module)), kept, gradKept)
      return distance(output, output2), distance(gradInput, gradInput2)
   end

   -- Four ways to make one step; the distance of each from weight − rate·gradient.
   function jac.testAllUpdate(module, input, weight, gradWeight)
      local rate, errors = torch.uniform(0.1, 1), {}
      local start = module[weight]:clone()
      local gradOutput

      local function prepared()
         local m = module:clone()
         m:forward(input)
         gradOutput = gradOutput or torch.rand(m.output:size())
         return m
      end

      local plain = prepared()
      plain:zeroGradParameters()
      plain:updateGradInput(input, gradOutput)
      plain:accGradParameters(input, gradOutput)
      plain:updateParameters(rate)
      local gradient = plain[gradWeight]:clone()
      errors['accGradParameters'] = (start - gradient * rate - plain[weight]):norm()

      local direct = prepared()
      direct:updateGradInput(input, gradOutput)
      direct:accUpdateGradParameters(input, gradOutput, rate)
      errors['accUpdateGradParameters'] = (direct[weight] - plain[weight]):norm()

      local function both(step)
         local pair = {module:clone(), module:clone()}
         pair[2]:share(pair[1], weight)
         for _, m in ipairs(pair) do m:forward(input) end
         step(pair)
         local sum = 0
         for _, m in ipairs(pair) do sum = sum + (start - gradient * (2 * rate) - m[weight]):norm() end
         return sum
      end
      errors['accGradParameters [shared]'] = both(function(pair)
         for _, m in ipairs(pair) do m:zeroGradParameters() end
         for _, m in ipairs(pair) do m:updateGradInput(input, gradOutput) end
         for _, m in ipairs(pair) do m:accGradParameters(input, gradOutput) end
         for _, m in ipairs(pair) do m:updateParameters(rate) end
      end)
      errors['accUpdateGradParameters [shared]'] = both(function(pair)
         for _, m in ipairs(pair) do m:updateGradInput(input, gradOutput) end
         for _, m in ipairs(pair) do m:accUpdateGradParameters(input, gradOutput, rate) end
      end)
      return errors
   end

   return jac
end

nn.Jacobian = tools(function(input) return input end)
nn.SparseJacobian = tools(function(input) return input:select(2, 2) end)

---------------------------------------------------------------------------------------------------------------
-- Second derivatives of ½‖y‖² (see hessian.lua), by propagation and from the first derivatives of a module that is
-- linear in its input and parameters: Σ (∂y/∂x)².

local Jacobian = nn.Jacobian

function Jacobian.backwardDiagHessian(module, input, name)
   module:forward(input)
   local ones = module.output.new():resizeAs(module.output):fill(1)
   module.diagHessianWeight:zero()
   module.diagHessianBias:zero()
   module:updateDiagHessianInput(input, ones)
   module:accDiagHessianParameters(input, ones)
   return module[name]
end

function Jacobian.linearModuleDiagHessian(module, input, name)
   module:forward(input)
   local unit = module.output.new():resizeAs(module.output):zero()
   local cells = flat(unit)
   local sum = module[name].new():resize(module[name]:nElement()):zero()
   for j = 1, cells:nElement() do
      unit:zero()
      cells[j] = 1
      module:zeroGradParameters()
      module:updateGradInput(input, unit)
      module:accGradParameters(input, unit)
      sum:addcmul(module[name], module[name])
   end
   return sum
end

function Jacobian.testDiagHessian(module, input, gradient, hessian, least, most)
   draw_into(input, least, most)
   module:initDiagHessianParameters()
   local propagated = Jacobian.backwardDiagHessian(module, input, hessian)
   return distance(propagated, Jacobian.linearModuleDiagHessian(module, input, gradient))
end

for _, part in ipairs{'Input', 'Weight', 'Bias'} do
   Jacobian['testDiagHessian' .. part] = function(module, input, least, most)
      return Jacobian.testDiagHessian(module, input, 'grad' .. part, 'diagHessian' .. part, least, most)
   end
end
