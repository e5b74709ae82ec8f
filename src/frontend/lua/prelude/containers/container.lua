-- nn.Container and the containers that network files build by hand: Sequential, Concat, ConcatTable,
-- ParallelTable, Parallel (spec sections 1.3, 1.5, 2.7).
--
-- Only the table side lives here; training runs the Rust modules that they are lowered to. The loops below serve
-- `net:forward(x)` and `net:backward(x, g)` called from Lua.

local torch, nn, native = ...

local Container, Module = torch.class('nn.Container', 'nn.Module')

function Container:__init(...)
   Module.__init(self, ...)
   self.modules = {}
end

-- Adding nil adds nothing, which classes of scripts that build what they hold later rely on; nn.Sequential refuses it.
function Container:add(module)
   native.expect_module(module, self, true)
   table.insert(self.modules, module)
   return self
end

function Container:get(index)
   return self.modules[index]
end

function Container:size()
   return #self.modules
end

-- Runs a method of child `index`; an error gets the line that says which child it was.
function Container:rethrowErrors(module, index, method, ...)
   if not module then error('there is no module ' .. index .. ' in ' .. torch.type(self), 0) end
   local ok, a, b, c = pcall(module[method], module, ...)
   if ok then return a, b, c end
   -- The lines of all levels follow each other.
   local inner = tostring(a):gsub('^\n', '')
   error('\nIn ' .. index .. ' module of ' .. torch.type(self) .. ':\n' .. inner, 0)
end

function Container:applyToModules(f)
   for _, child in ipairs(self.modules) do f(child) end
end

function Container:zeroGradParameters()
   self:applyToModules(function(child) child:zeroGradParameters() end)
end

function Container:updateParameters(learningRate)
   self:applyToModules(function(child) child:updateParameters(learningRate) end)
end

function Container:training()
   self:applyToModules(function(child) child:training() end)
   Module.training(self)
end

function Container:evaluate()
   self:applyToModules(function(child) child:evaluate() end)
   Module.evaluate(self)
end

function Container:reset(stdv)
   self:applyToModules(function(child) child:reset(stdv) end)
end

function Container:sharers(list)
   list = list or {}
   if self.share == Container.share then
      for _, child in ipairs(self.modules) do child:sharers(list) end
   end
   return list
end

function Container:share(other, ...)
   for i, child in ipairs(self.modules) do child:share(other.modules[i], ...) end
   return self
end

function Container:parameters()
   local parameters, gradients = {}, {}
   for _, child in ipairs(self.modules) do
      local p, g = child:parameters()
      for i = 1, #(p or {}) do
         parameters[#parameters + 1] = p[i]
         gradients[#gradients + 1] = g[i]
      end
   end
   return parameters, gradients
end

function Container:clearState()
   for _, name in ipairs({'output', 'gradInput'}) do
      if native.is_tensor(self[name]) then
         self[name] = self[name].new and self[name].new() or native.empty()
      elseif type(self[name]) == 'table' then
         self[name] = {}
      end
   end
   self:applyToModules(function(child) child:clearState() end)
   return self
end

-- Gives a container its four methods of the way back out of two functions (self, method, input, gradOutput, factor):
-- `collect` calls the method of each child and gives gradInput, `visit` only calls it.
function native.give_gradients(class, collect, visit)
   function class:updateGradInput(input, gradOutput)
      return collect(self, 'updateGradInput', input, gradOutput)
   end

   function class:backward(input, gradOutput, scale)
      return collect(self, 'backward', input, gradOutput, scale or 1)
   end

   function class:accGradParameters(input, gradOutput, scale)
      visit(self, 'accGradParameters', input, gradOutput, scale or 1)
   end

   function class:accUpdateGradParameters(input, gradOutput, lr)
      visit(self, 'accUpdateGradParameters', input, gradOutput, lr)
   end
end

local function indent(text, prefix)
   return (text:gsub('\n', '\n' .. prefix))
end

---------------------------------------------------------------------------------------------------------------

local Sequential = torch.class('nn.Sequential', 'nn.Container')

function Sequential:__len__()
   return #self.modules
end

function Sequential:add(module)
   native.expect_module(module, self)
   if #self.modules == 0 then self.gradInput = module.gradInput end
   table.insert(self.modules, module)
   self.output = module.output
   return self
end

function Sequential:insert(module, index)
   index = index or (#self.modules + 1)
   if index > #self.modules + 1 or index < 1 then
      error('index should be contiguous to existing modules', 2)
   end
   native.expect_module(module, self)
   table.insert(self.modules, index, module)
   self.output = self.modules[#self.modules].output
   self.gradInput = self.modules[1].gradInput
end

function Sequential:remove(index)
   index = index or #self.modules
   if index > #self.modules or index < 1 then
      error('index out of range', 2)
   end
   table.remove(self.modules, index)
   if #self.modules > 0 then
      self.output = self.modules[#self.modules].output
      self.gradInput = self.modules[1].gradInput
   else
      self.output = native.empty()
      self.gradInput = native.empty()
   end
end

function Sequential:updateOutput(input)
   local output = input
   for i, child in ipairs(self.modules) do
      output = self:rethrowErrors(child, i, 'updateOutput', output)
   end
   self.output = output
   return output
end

-- Walks the children backwards; each is fed the output field of the one before it.
local function backwards(self, method, input, gradOutput, scale)
   local gradient = gradOutput
   for i = #self.modules, 1, -1 do
      local child = self.modules[i]
      local before = i > 1 and self.modules[i - 1].output or input
      gradient = self:rethrowErrors(child, i, method, before, gradient, scale)
      if method ~= 'updateGradInput' then child.gradInput = gradient end
   end
   self.gradInput = gradient
   return gradient
end

local function accumulate(self, method, input, gradOutput, factor)
   local gradient = gradOutput
   for i = #self.modules, 1, -1 do
      local child = self.modules[i]
      local before = i > 1 and self.modules[i - 1].output or input
      self:rethrowErrors(child, i, method, before, gradient, factor)
      gradient = child.gradInput
   end
end

native.give_gradients(Sequential, backwards, accumulate)

function Sequential:__tostring__()
   local arrow, lines = ' -> ', {}
   local head = 'nn.Sequential {\n  [input'
   for i, child in ipairs(self.modules) do
      head = head .. arrow .. '(' .. i .. ')'
      lines[#lines + 1] = '\n  (' .. i .. '): ' .. indent(tostring(child), '  ')
   end
   return head .. arrow .. 'output]' .. table.concat(lines) .. '\n}'
end

---------------------------------------------------------------------------------------------------------------

local function branches_tostring(self)
   local text = torch.type(self) .. ' {\n  input'
   for i, child in ipairs(self.modules) do
      local last = i == #self.modules
      text = text .. '\n  ' .. (last and '   `-> ' or '  |`-> ') .. '(' .. i .. '): '
         .. indent(tostring(child), '  ' .. (last and '       ' or '  |    '))
   end
   return text .. '\n  ' .. '   ... -> ' .. 'output\n}'
end

-- Adds b to a, entry by entry for tables; nil counts as nothing.
local function add_activities(a, b)
   if a == nil then return native.copy(b) end
   if b == nil then return a end
   if type(a) == 'table' then
      for key, entry in pairs(b) do a[key] = add_activities(a[key], entry) end
      return a
   end
   return a:add(b)
end

local ConcatTable = torch.class('nn.ConcatTable', 'nn.Container')

function ConcatTable:__init()
   Container.__init(self)
   self.output = {}
end

function ConcatTable:updateOutput(input)
   self.output = {}
   for i, child in ipairs(self.modules) do
      self.output[i] = self:rethrowErrors(child, i, 'updateOutput', input)
   end
   return self.output
end

local function sum_of_gradients(self, method, input, gradOutput, scale)
   local sum
   for i, child in ipairs(self.modules) do
      sum = add_activities(sum, self:rethrowErrors(child, i, method, input, gradOutput[i], scale))
   end
   self.gradInput = sum
   return sum
end

native.give_gradients(ConcatTable, sum_of_gradients, function(self, method, input, gradOutput, factor)
   for i, child in ipairs(self.modules) do
      self:rethrowErrors(child, i, method, input, gradOutput[i], factor)
   end
end)
ConcatTable.__tostring__ = branches_tostring

---------------------------------------------------------------------------------------------------------------

local ParallelTable = torch.class('nn.ParallelTable', 'nn.Container')

function ParallelTable:__init()
   Container.__init(self)
   self.output, self.gradInput = {}, {}
end

function ParallelTable:updateOutput(input)
   self.output = {}
   for i, child in ipairs(self.modules) do
      self.output[i] = self:rethrowErrors(child, i, 'updateOutput', input[i])
   end
   return self.output
end

local function each_entry(method, keeps)
   return function(self, input, gradOutput, factor)
      if keeps then self.gradInput = {} end
      for i, child in ipairs(self.modules) do
         local gradient = self:rethrowErrors(child, i, method, input[i], gradOutput[i], factor or 1)
         if keeps then self.gradInput[i] = gradient end
      end
      return keeps and self.gradInput or nil
   end
end

ParallelTable.updateGradInput = each_entry('updateGradInput', true)
ParallelTable.backward = each_entry('backward', true)
ParallelTable.accGradParameters = each_entry('accGradParameters', false)
ParallelTable.accUpdateGradParameters = each_entry('accUpdateGradParameters', false)
ParallelTable.__tostring__ = branches_tostring

---------------------------------------------------------------------------------------------------------------

-- Concat joins its children's outputs along a dimension; Parallel also splits the input along one.

local function slices(outputs, dimension)
   local pieces, offset = {}, 1
   for i, output in ipairs(outputs) do
      pieces[i] = {offset, output:size(dimension)}
      offset = offset + output:size(dimension)
   end
   return pieces
end

local function joined_container(name, split)
   local class = torch.class(name, 'nn.Container')

   -- Slice i of the input goes to child i; there may be more children than slices.
   local function part(self, input, i)
      return split and input:select(self.inputDimension, i) or input
   end

   local function count(self, input)
      return split and input:size(self.inputDimension) or #self.modules
   end

   local function joining_dimension(self)
      return split and self.outputDimension or self.dimension
   end

   function class:updateOutput(input)
      local outputs = {}
      for i = 1, count(self, input) do
         outputs[i] = self:rethrowErrors(self.modules[i], i, 'updateOutput', part(self, input, i))
      end
      self.pieces = slices(outputs, joining_dimension(self))
      self.output = torch.cat(self.output, outputs, joining_dimension(self))
      return self.output
   end

   local function each(self, method, input, gradOutput, factor, visit)
      for i, piece in ipairs(self.pieces) do
         local gradient = gradOutput:narrow(joining_dimension(self), piece[1], piece[2]):contiguous()
         local gradInput = self:rethrowErrors(self.modules[i], i, method, part(self, input, i), gradient, factor)
         if visit then visit(i, gradInput) end
      end
   end

   local function collect(self, method, input, gradOutput, factor)
      if split then
         self.gradInput = input:clone():zero()
         each(self, method, input, gradOutput, factor, function(i, g)
            if g then self.gradInput:select(self.inputDimension, i):copy(g) end
         end)
      else
         local sum
         each(self, method, input, gradOutput, factor, function(_, g) sum = add_activities(sum, g) end)
         self.gradInput = sum
      end
      return self.gradInput
   end

   native.give_gradients(class, collect, each)
   class.__tostring__ = branches_tostring
   return class
end

local Concat = joined_container('nn.Concat', false)

function Concat:__init(dimension)
   Container.__init(self)
   native.expect(torch.typename(self), '(dimension)', 'dimension', 'number', dimension)
   self.outputSize = torch.LongStorage()
   self.dimension = dimension
end

local Parallel = joined_container('nn.Parallel', true)

function Parallel:__init(inputDimension, outputDimension)
   Container.__init(self)
   native.expect(torch.typename(self), '(inputDimension, outputDimension)', 'inputDimension', 'number', inputDimension,
                 'outputDimension', 'number', outputDimension)
   self.inputDimension = inputDimension
   self.outputDimension = outputDimension
end

---------------------------------------------------------------------------------------------------------------

-- On one device the table of copies is its first entry.
local DataParallelTable = torch.class('nn.DataParallelTable', 'nn.Container')

function DataParallelTable:__init(dimension)
   Container.__init(self)
   self.dimension = dimension
end

function DataParallelTable:add(module)
   if #self.modules == 0 then Container.add(self, module) end
   return self
end

function DataParallelTable:threads()
   return self
end

-- cunn writes the list of GPUs before the fields from its version 2 on.
function DataParallelTable:read(file, version)
   if version >= 2 then file:readObject() end
   for key, value in pairs(file:readObject()) do self[key] = value end
end

function DataParallelTable:updateOutput(input)
   self.output = self:rethrowErrors(self.modules[1], 1, 'updateOutput', input)
   return self.output
end

function DataParallelTable:updateGradInput(input, gradOutput)
   self.gradInput = self:rethrowErrors(self.modules[1], 1, 'updateGradInput', input, gradOutput)
   return self.gradInput
end

function DataParallelTable:accGradParameters(input, gradOutput, scale)
   self:rethrowErrors(self.modules[1], 1, 'accGradParameters', input, gradOutput, scale or 1)
end
