-- totem: DeepMind's tester, which became torch.Tester, and its checks of modules.

local torch, nn, native, packages = ...
local totem = packages.totem
totem.nn = {}

local Tester, parent = torch.class('totem.Tester', 'torch.Tester', totem)
totem.TestSuite = torch.TestSuite

-- A name that ends in .lua is a file of tests, which passes when it runs to its end.
function Tester:add(f, name)
   if type(f) == 'string' and f:find('%.lua$') then
      local file = f
      f, name = function() dofile(file) end, name or file
   end
   return parent.add(self, f, name)
end

---------------------------------------------------------------------------------------------------------------

-- Calls visit(tensor, name) for every tensor of nested tables.
local function each_tensor(value, visit, name)
   if native.is_tensor(value) then
      visit(value, name or '')
   elseif type(value) == 'table' then
      for key, entry in pairs(value) do each_tensor(entry, visit, (name or '') .. '[' .. tostring(key) .. ']') end
   end
end

local function mapped(value, f)
   if type(value) ~= 'table' then return f(value) end
   local result = {}
   for key, entry in pairs(value) do result[key] = mapped(entry, f) end
   return result
end

-- The same random numbers for f every time.
local function same_draws(f)
   local state = torch.getRNGState()
   return function()
      torch.setRNGState(state)
      return f()
   end
end

local function random_like(output)
   return mapped(output, function(part)
      return native.is_tensor(part) and torch.randn(part:size()):typeAs(part) or torch.normal()
   end)
end

-- Σ output · weights, of nested tensors or numbers.
local function weighed(output, weights)
   if native.is_tensor(output) then return torch.cmul(output:double(), weights:double()):sum() end
   if type(output) == 'number' then return output * weights end
   local sum = 0
   for key, part in pairs(output) do sum = sum + weighed(part, weights[key]) end
   return sum
end

local STEP = 1e-5

-- Gradients by the input and by the parameters against finite differences, for random gradients of the output.
function totem.nn.checkGradients(tester, module, input, precision)
   precision = precision or 1e-5
   local forward = same_draws(function() return module:updateOutput(input) end)
   local gradOutput = random_like(native.copy(forward()))
   module:zeroGradParameters()
   forward()
   local gradInput = native.copy(module:updateGradInput(input, gradOutput))
   module:accGradParameters(input, gradOutput, 1)

   local pairs_of = {}
   local function gather(values, gradients, name)
      if native.is_tensor(values) then
         if native.is_tensor(gradients) and gradients:nElement() == values:nElement() and values:nElement() > 0 then
            pairs_of[#pairs_of + 1] = {values, gradients, name}
         else
            tester:assert(native.is_tensor(gradients), name .. ': the gradient has another size than its tensor')
         end
      elseif type(values) == 'table' then
         for key, entry in pairs(values) do gather(entry, type(gradients) == 'table' and gradients[key] or nil, name .. '[' .. tostring(key) .. ']') end
      end
   end
   gather(input, gradInput, 'gradInput')
   local parameters, gradients = module:parameters()
   for i, parameter in ipairs(parameters or {}) do gather(parameter, gradients[i]:clone(), 'gradParam ' .. i) end

   for _, pair in ipairs(pairs_of) do
      local values, gradient, name = pair[1], pair[2]:contiguous():view(-1), pair[3]
      if not values:isContiguous() then
         -- Its numbers are changed in place.
         error('totem.nn.checkGradients: ' .. name .. ' belongs to a tensor that is not contiguous', 2)
      end
      local flat, worst = values:view(-1), 0
      for i = 1, flat:size(1) do
         local old = flat[i]
         flat[i] = old + STEP
         local above = weighed(forward(), gradOutput)
         flat[i] = old - STEP
         local below = weighed(forward(), gradOutput)
         flat[i] = old
         worst = math.max(worst, math.abs((above - below) / (2 * STEP) - gradient[i]))
      end
      tester:assertle(worst, precision, name .. ' differs from finite differences')
   end
end

-- Each sample alone gives what it gives in a batch.
function totem.nn.checkMinibatch(tester, module, batch, precision)
   precision = precision or 1e-14
   local first
   each_tensor(batch, function(tensor) first = first or tensor end)
   local whole = native.copy(module:updateOutput(batch))
   for i = 1, first:size(1) do
      local one = native.copy(module:updateOutput(mapped(batch, function(tensor) return tensor[i] end)))
      tester:eq(one, mapped(whole, function(tensor) return native.is_tensor(tensor) and tensor[i]:clone() or tensor end), precision,
         'sample ' .. i .. ' differs from the batch')
   end
end

local function outcome(module, input)
   return native.copy(module:updateOutput(input))
end

-- Through a file and back.
function totem.nn.checkSerializable(tester, module, input, precision)
   precision = precision or 1e-6
   local before = outcome(module, input)
   local ok, back = pcall(function() return torch.deserialize(torch.serialize(module)) end)
   tester:assert(ok, 'the module cannot be written and read: ' .. tostring(back))
   if ok then tester:eq(outcome(back, input), before, precision, 'the module that was read gives another output') end
end

-- To another type and back.
function totem.nn.checkTypeCastable(tester, module, input, toType, precision)
   toType, precision = toType or 'torch.FloatTensor', precision or 1e-6
   local original = module:type()
   local before = outcome(module, input)
   local function as(value, kind) return mapped(value, function(part) return native.is_tensor(part) and part:type(kind) or part end) end
   module:type(toType)
   local there = outcome(module, as(input, toType))
   each_tensor(module:parameters() or {}, function(tensor, name)
      tester:asserteq(tensor:type(), toType, 'parameter' .. name .. ' kept its type')
   end)
   module:type(original)
   tester:eq(as(there, original), before, precision, 'the output in ' .. toType .. ' differs')
   tester:eq(outcome(module, input), before, precision, 'the output differs after the way back')
end

-- Parameters that a clone shares are shared after a cast of both.
function totem.nn.checkTypePreservesSharing(tester, module, toType)
   toType = toType or 'torch.FloatTensor'
   local twin = module:clone('weight', 'bias', 'gradWeight', 'gradBias')
   local both = nn.Sequential():add(module):add(twin)
   local original = module:type()
   both:type(toType)
   local a, da = module:parameters()
   local b, db = twin:parameters()
   local function at(tensor) return torch.pointer(tensor:storage()) end
   for i = 1, #(a or {}) do
      tester:assert(at(a[i]) == at(b[i]), 'parameter ' .. i .. ' is no longer shared')
      tester:assert(at(da[i]) == at(db[i]), 'gradient ' .. i .. ' is no longer shared')
   end
   both:type(original)
end
