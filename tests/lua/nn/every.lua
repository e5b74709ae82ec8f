-- Takes one case of tests/golden/nn through everything that a user does with a module or a criterion.
--
-- Called with `lower(model, criterion, input, other, evaluates, differentiates, is_criterion)`, which lowers and runs a
-- network in Rust, and how far its output and its gradients may be off, and
-- whether it computes in doubles. Gives `run(case)`, which answers a list of faults, and `printed(expression)`. What the fields of a
-- case mean is said in tests/golden/nn/recipe.py; flags of a case (each one is a fact about its class):
--   is_rule               its gradient is not the derivative of its output (gradient reversal)
--   no_backward           it has no gradient in this mode
--   no_input_gradient     it gives its input none unless asked
--   no_parameter_gradient it does not learn by a gradient (k-means)
--   nearly                Torch7's gradient has an epsilon that the reference leaves out: the allowed difference
--   in_place, undoes      it writes into its input; its backward undoes that
--   looks_at_input        its output lies in its input's memory
--   hands_on              it answers the very tensor that it was given, beside its field
--   keeps_type            a change of type passes it by
--   not_shared            so many of its first parameters are out of the reach of a clone with shared fields
--   clones                it makes so many clones of its module, which share their parameters
--   not_flattened         getParameters refuses it, as in Torch7
--   ignores_gradient      its gradient does not ask for the one of its output
--   entries_without_gradient  so many last entries of its input get a token instead of a gradient

local lower, output_allowed, gradient_allowed, in_doubles = ...
local PARAMETER, GRADIENT, MAKE, TARGET, SEED = 400, 300, 100, 200, 7

-- The numbers of recipe.py's `wave`.
local function wave(size, k)
   local count = 1
   for _, extent in ipairs(size) do count = count * extent end
   return torch.range(0, count - 1):mul(1.7):add(1 + 0.9 * k):sin():resize(torch.LongStorage(size))
end

-- What the expressions of a case see: `torch.randn` and `torch.rand` give waves.
local function environment(k)
   local function following(...)
      k = k + 1
      return wave({...}, k - 1)
   end
   local numbers = setmetatable({
      randn = function(...) return following(...):mul(1.3) end,
      rand = function(...) return following(...):mul(0.45):add(0.5) end,
   }, {__index = torch})
   return setmetatable({
      torch = numbers,
      with = function(module, f) f(module) return module end,
      -- A pooling module that has seen an image, for the modules that go back to its places.
      after = function(pooling, size) pooling:forward(wave(size, 150)) return pooling end,
   }, {__index = _G})
end

local function evaluate(text, k)
   return setfenv(assert(loadstring('return ' .. text)), environment(k))()
end

local function is_tensor(value) return torch.isTensor(value) end

local function is_real(value)
   return is_tensor(value) and (torch.type(value) == 'torch.DoubleTensor' or torch.type(value) == 'torch.FloatTensor')
end

-- The tree with f applied to every tensor and number.
local function map(tree, f)
   if type(tree) ~= 'table' then return f(tree) end
   local copy = {}
   for i, entry in ipairs(tree) do copy[i] = map(entry, f) end
   return copy
end

local function copied(tree) return map(tree, function(t) return is_tensor(t) and t:clone() or t end) end

local function leaves(tree, list)
   list = list or {}
   if type(tree) == 'table' then
      for _, entry in ipairs(tree) do leaves(entry, list) end
   else
      list[#list + 1] = tree
   end
   return list
end

-- How far apart two lists of numbers are, relative above 1; infinite when their sizes differ.
local function distance(a, b)
   if is_tensor(a) ~= is_tensor(b) then
      a, b = is_tensor(a) and a or torch.Tensor{a}, is_tensor(b) and b or torch.Tensor{b}
   elseif not is_tensor(a) then
      return math.abs(a - b) / math.max(1, math.abs(b))
   end
   if a:nDimension() ~= b:nDimension() then return math.huge end
   for d = 1, a:nDimension() do if a:size(d) ~= b:size(d) then return math.huge end end
   if a:nElement() == 0 then return 0 end
   a, b = a:double(), b:double()
   local scale = torch.cmax(b:clone():abs(), 1)
   local far = (a - b):abs():cdiv(scale):max()
   return far == far and far or math.huge
end

local function shown(value)
   if not is_tensor(value) then return tostring(value) end
   local numbers = {}
   local flat = value:contiguous():view(-1)
   for i = 1, math.min(flat:nElement(), 8) do numbers[i] = string.format('%.7g', flat[i]) end
   return torch.type(value) .. ' ' .. table.concat(value:size():totable(), 'x') .. ': ' .. table.concat(numbers, ' ')
end

-- The faults of a case, collected.
local Faults = {}
Faults.__index = Faults

function Faults:add(text) self[#self + 1] = text end

function Faults:check(is_so, text) if not is_so then self:add(text) end end

-- Compares trees of tensors; `false` in `wanted` (no gradient of whole numbers) is passed over.
function Faults:same(what, got, wanted, allowed)
   if wanted == false then return end
   if type(wanted) == 'table' then
      if type(got) ~= 'table' then return self:add(what .. ': no table but ' .. torch.type(got)) end
      self:check(#got == #wanted, what .. ': ' .. #got .. ' entries instead of ' .. #wanted)
      for i, entry in ipairs(wanted) do self:same(what .. '[' .. i .. ']', got[i], entry, allowed) end
   elseif type(got) == 'table' or got == nil then
      self:add(what .. ': ' .. torch.type(got) .. ' instead of ' .. shown(wanted))
   else
      local far = distance(got, wanted)
      self:check(far <= allowed, string.format('%s is off by %.2g: %s instead of %s', what, far, shown(got), shown(wanted)))
   end
end

-- Runs one step; an error in it is a fault.
function Faults:step(what, f, ...)
   local fine, message = pcall(f, ...)
   if not fine then self:add(what .. ' fails: ' .. tostring(message)) end
   return fine
end

-- A tree of numbers from the golden as tensors.
local function golden(tree)
   if not tree then return false end
   if tree.size then
      if #tree.numbers == 0 then return torch.Tensor() end
      if #tree.size == 0 then return tree.numbers[1] end
      return torch.Tensor(tree.numbers):resize(torch.LongStorage(tree.size))
   end
   local list = {}
   for i, entry in ipairs(tree) do list[i] = golden(entry) end
   return list
end

-- (Σ f(x + step) − Σ f(x − step)) / (2·step) for every element of t.
local function slopes(t, f)
   local result, storage, step = t:clone(), t:storage(), 1e-5
   local flat = result:view(-1)
   for i = 1, flat:nElement() do
      local at = t:storageOffset() + i - 1
      local kept = storage[at]
      storage[at] = kept + step
      local above = f()
      storage[at] = kept - step
      flat[i] = (above - f()) / (2 * step)
      storage[at] = kept
   end
   return result
end

local function class_fields(object, f, seen)
   seen = seen or {}
   if seen[object] then return end
   seen[object] = true
   for key, value in pairs(object) do
      if is_tensor(value) then
         f(key, value)
      elseif type(value) == 'table' then
         class_fields(value, f, seen)
      end
   end
end

-- Whether a tensor of one tree lies in the memory of one of the other's.
local function share_memory(a, b)
   for _, x in ipairs(leaves(a)) do
      for _, y in ipairs(leaves(b)) do
         if is_tensor(x) and is_tensor(y) and torch.type(x) == torch.type(y) and x:storage() == y:storage() then
            return true
         end
      end
   end
   return false
end

-- Everything that a type change must leave behind: a field of the other type.
local function fields_of_type(object, typename)
   local found
   class_fields(object, function(key, value) if torch.type(value) == typename then found = key end end)
   return found
end

local function to_float(tree) return map(tree, function(t) return is_real(t) and t:float() or t end) end

local function seeded(f)
   torch.manualSeed(SEED)
   return f()
end

-- The same object in another form computes and prints the same.
local function check_twin(faults, what, object, twin, output)
   faults:check(torch.type(twin) == torch.type(object), what .. ' is a ' .. torch.type(twin))
   faults:check(tostring(twin) == tostring(object), what .. ' prints ' .. tostring(twin))
   faults:same(what .. "'s output", output(twin), output(object), 0)
end

local function check_files(faults, object, output)
   for _, mode in ipairs{'binary', 'ascii'} do
      faults:step('saving as ' .. mode .. ' .t7', function()
         local file = torch.MemoryFile()
         file[mode](file)
         file:writeObject(object)
         file:seek(1)
         check_twin(faults, 'the ' .. mode .. ' .t7 file', object, file:readObject(), output)
      end)
   end
end

---------------------------------------------------------------------------------------------------------------

local function make(case)
   local module = evaluate(case.make, MAKE)
   for j, p in ipairs(module:parameters() or {}) do p:copy(wave(p:size():totable(), PARAMETER + j - 1):mul(0.6)) end
   if case.evaluate then module:evaluate() end
   return module
end

local function gradient_of(output)
   local k = GRADIENT - 1
   return map(output, function(t)
      k = k + 1
      return is_tensor(t) and wave(t:size():totable(), k) or wave({1}, k)
   end)
end

-- Names of the fields that hold parameters and their gradients.
local function parameter_names(module)
   local is_one, names, list = {}, {}, {}
   local parameters, gradients = module:parameters()
   for _, group in ipairs{parameters or {}, gradients or {}} do
      for _, tensor in ipairs(group) do is_one[torch.pointer(tensor)] = true end
   end
   class_fields(module, function(key, value) if is_one[torch.pointer(value)] then names[key] = true end end)
   for name in pairs(names) do list[#list + 1] = name end
   table.sort(list)
   return list
end

local function check_clones(faults, case, module, output)
   check_twin(faults, 'a clone', module, module:clone(), output)
   local parameters = module:parameters() or {}
   if #parameters == 0 then return end
   local before = output(module)
   for _, p in ipairs((module:clone():parameters())) do p:fill(0.25) end
   faults:same('the output after a clone was changed', output(module), before, 0)
   local shared = module:clone(unpack(parameter_names(module)))
   check_twin(faults, 'a clone with shared fields', module, shared, output)
   for i, p in ipairs((shared:parameters())) do
      local is_same = p:storage() == parameters[i]:storage()
      if i > (case.not_shared or 0) then
         faults:check(is_same, 'parameter ' .. i .. ' of a shared clone is a copy')
      else
         faults:check(not is_same, 'parameter ' .. i .. ' of a shared clone is no copy')
      end
   end
end

local function check_types(faults, case, module, input, wanted, output)
   local twin = module:clone()
   faults:check(twin:float() == twin, 'float() gives another object')
   faults:check(twin:type() == 'torch.FloatTensor', 'its type after float() is ' .. twin:type())
   local left = fields_of_type(twin, 'torch.DoubleTensor')
   faults:check(case.keeps_type or not left, 'float() leaves ' .. tostring(left))
   local y = output(twin, to_float(input))
   for _, t in ipairs(leaves(y)) do
      faults:check(case.keeps_type or torch.type(t) ~= 'torch.DoubleTensor', 'its output after float() is double')
   end
   faults:same('its output after float()', y, wanted, 1e-4)
   twin:double()
   left = fields_of_type(twin, 'torch.FloatTensor')
   faults:check(case.keeps_type or not left, 'double() leaves ' .. tostring(left))
   faults:same('its output after float():double()', output(twin), wanted, 1e-4)
end

local function check_gradients(faults, case, module, input, output, gradient, found)
   local function sum()
      local total = 0
      local y, g = leaves(output(module)), leaves(gradient)
      for i = 1, #y do total = total + (is_tensor(y[i]) and torch.dot(y[i], g[i]) or y[i] * g[i][1]) end
      return total
   end
   if not case.no_input_gradient then
      local got = leaves(found.input)
      for i, t in ipairs(leaves(input)) do
         if is_real(t) and is_real(got[i]) then faults:same('gradInput by differences', got[i], slopes(t, sum), 1e-5) end
      end
   end
   if not case.no_parameter_gradient then
      for i, p in ipairs(module:parameters() or {}) do
         faults:same('gradient ' .. i .. ' by differences', found.parameters[i], slopes(p, sum), 1e-5)
      end
   end
end

local function module_case(case, faults)
   local module = make(case)
   local sizes = {}
   for i, p in ipairs(module:parameters() or {}) do sizes[i] = table.concat(p:size():totable(), 'x') end
   local wanted_sizes = {}
   for i, size in ipairs(case.parameters) do wanted_sizes[i] = table.concat(size, 'x') end
   faults:check(table.concat(sizes, ' ') == table.concat(wanted_sizes, ' '),
      'its parameters are ' .. table.concat(sizes, ' ') .. ' instead of ' .. table.concat(wanted_sizes, ' '))

   local input = evaluate(case.input, 0)
   local wanted = golden(case.output)
   local function output(twin, x)
      return seeded(function() return copied(twin:forward(copied(x or input))) end)
   end

   -- Forward and backward, as a training script calls them.
   local x = copied(input)
   local y = seeded(function() return module:forward(x) end)
   faults:same('output', y, wanted, 1e-9)
   if case.in_place then
      local first = type(x) == 'table' and x[1] or x
      faults:check(is_tensor(y) and y:storage() == first:storage(), 'it does not act in place')
   else
      faults:same('its input after forward', x, input, 0)
   end
   faults:check(case.hands_on or not is_tensor(y) or torch.pointer(module.output) == torch.pointer(y),
      "what forward gives is not the field 'output'")
   if not case.in_place then
      local shares = share_memory(x, y)
      faults:check(shares == (case.looks_at_input or false),
         shares and "its output looks at the input's memory" or "its output does not look at the input's memory")
   end
   local result = copied(y)
   local gradient = gradient_of(y)
   local found = {parameters = {}}
   local allowed = case.nearly or 1e-9
   if not case.no_backward then
      module:zeroGradParameters()
      found.input = module:backward(x, copied(gradient))
      if not case.no_input_gradient then
         faults:same('gradInput', found.input, golden(case.gradInput), allowed)
         faults:check(case.hands_on or type(found.input) == 'table'
               or torch.pointer(module.gradInput) == torch.pointer(found.input),
            "what backward gives is not the field 'gradInput'")
      end
      found.input = copied(found.input)
      if case.undoes then faults:same('its input after backward', x, input, 1e-12) end
      if not case.no_parameter_gradient then
         local _, gradients = module:parameters()
         local wanted_gradients = golden(case.gradParameters)
         for _ = 2, case.clones or 1 do
            for i = 1, #case.gradParameters do wanted_gradients[#wanted_gradients + 1] = wanted_gradients[i] end
         end
         faults:same('gradParameters', gradients or {}, wanted_gradients, allowed)
         found.parameters = copied(gradients or {})
         if #found.parameters > 0 then
            module:accGradParameters(x, copied(gradient), 0.5)
            faults:same('gradParameters after accGradParameters with scale 0.5', gradients,
               map(found.parameters, function(t) return t * 1.5 end), 1e-9)
         end
      end
   end
   if not (case.is_rule or case.no_backward) then
      faults:step('differences', check_gradients, faults, case, module, input, output, gradient, found)
   end
   faults:step('clone', check_clones, faults, case, module, output)
   check_files(faults, module, output)
   faults:step('float and double', check_types, faults, case, module, input, result, output)
   faults:step('clearState', function()
      faults:check(module:clearState() == module, 'clearState gives another object')
      faults:check(not is_tensor(module.output) or module.output:nElement() == 0, 'clearState leaves the output')
      faults:same('the output after clearState', output(module), result, 0)
   end)
   -- What keeps its doubles has no network in 32 bits.
   if not case.not_flattened and (in_doubles or not case.keeps_type) then
      faults:step('lowering', function()
         -- A lowered network is differentiated in training only.
         local differentiates = not (case.no_backward or case.evaluate)
         local low = lower(module:clone(), nn.MSECriterion(), copied(input), gradient, case.evaluate or false,
            differentiates)
         faults:same('the lowered output', low.output, result, output_allowed)
         if differentiates then
            if not case.no_input_gradient then
               local wanted_gradient = golden(case.gradInput)
               if type(wanted_gradient) == 'table' then
                  -- Entries that Torch7 gives no gradient, or a token.
                  local first = #wanted_gradient - (case.entries_without_gradient or 0) + 1
                  for i = first, #low.gradInput do wanted_gradient[i] = false end
               end
               faults:same('the lowered gradInput', low.gradInput, wanted_gradient, math.max(allowed, gradient_allowed))
            end
            if not case.no_parameter_gradient then
               faults:same('the lowered gradParameters', low.gradParameters, found.parameters, gradient_allowed)
            end
         end
      end)
   end
end

local function criterion_case(case, faults)
   local criterion = evaluate(case.make, MAKE)
   local input, target = evaluate(case.input, 0), evaluate(case.target, TARGET)
   local function output(twin, x) return (twin:forward(x or input, copied(target))) end

   local x = copied(input)
   local loss = criterion:forward(x, target)
   faults:check(type(loss) == 'number', 'forward gives a ' .. torch.type(loss))
   faults:same('loss', loss, case.loss, 1e-9)
   faults:check(criterion.output == loss or case.keeps_no_output, "field 'output' is " .. tostring(criterion.output))
   local found = criterion:backward(x, target)
   faults:same('gradInput', found, golden(case.gradInput), 1e-9)
   faults:same('its input after backward', x, input, 0)
   found = copied(found)
   if not case.is_rule then
      local got = leaves(found)
      for i, t in ipairs(leaves(input)) do
         if is_real(t) then
            faults:same('gradInput by differences', got[i], slopes(t, function() return output(criterion) end), 1e-5)
         end
      end
   end
   faults:step('clone', function() check_twin(faults, 'a clone', criterion, criterion:clone(), output) end)
   check_files(faults, criterion, output)
   faults:step('float and double', function()
      local twin = criterion:clone()
      faults:check(twin:float() == twin and twin:type() == 'torch.FloatTensor', 'float() does not change its type')
      local left = fields_of_type(twin, 'torch.DoubleTensor')
      faults:check(not left, 'float() leaves ' .. tostring(left))
      local y = twin:forward(to_float(input), to_float(target))
      faults:same('its loss after float()', y, loss, 1e-4)
      local gradient = twin:backward(to_float(input), to_float(target))
      for _, t in ipairs(leaves(gradient)) do
         faults:check(torch.type(t) == 'torch.FloatTensor', 'its gradInput after float() is a ' .. torch.type(t))
      end
      faults:same('its loss after float():double()', output(twin:double()), loss, 1e-4)
   end)
   faults:step('lowering', function()
      local low = lower(nn.Identity(), criterion:clone(), copied(input), copied(target), false, true, true)
      faults:same('the lowered loss', low.output, loss, output_allowed)
      faults:same('the lowered gradInput', low.gradInput, found, gradient_allowed)
   end)
end

local function run(case)
   local faults = setmetatable({}, Faults)
   faults:step('the case', case.target and criterion_case or module_case, case, faults)
   return faults
end

-- The printed form of what an expression of a case makes.
local function printed(text) return tostring(evaluate(text, MAKE)) end

return run, printed
