-- Modules around one module: nn.Decorator and what descends from it, nn.Bottle, nn.GPU (spec sections 2.5 to 2.7).
--
-- Decorator, DontCast, GPU and Bottle are also lowered natively. Profile and NaN watch each call: a lowered network runs
-- them, and what is inside them, in Lua.

local torch, nn, native = ...

local Decorator, Container = torch.class('nn.Decorator', 'nn.Container')

function Decorator:__init(module)
   Container.__init(self)
   native.expect_module(module, self)
   self.modules[1] = module
end

function Decorator:updateOutput(input)
   self.output = self.modules[1]:updateOutput(input)
   return self.output
end

function Decorator:updateGradInput(input, gradOutput)
   self.gradInput = self.modules[1]:updateGradInput(input, gradOutput)
   return self.gradInput
end

function Decorator:accGradParameters(input, gradOutput, scale)
   self.modules[1]:accGradParameters(input, gradOutput, scale)
end

function Decorator:accUpdateGradParameters(input, gradOutput, lr)
   self.modules[1]:accUpdateGradParameters(input, gradOutput, lr)
end

function Decorator:sharedAccUpdateGradParameters(input, gradOutput, lr)
   self.modules[1]:sharedAccUpdateGradParameters(input, gradOutput, lr)
end

function Decorator:__tostring__()
   return torch.type(self) .. ' @ ' .. tostring(self.modules[1])
end

-- Gives a class that descends from something else the methods of a decorator.
function Decorator.decorate(class)
   for _, name in ipairs{'updateOutput', 'updateGradInput', 'accGradParameters', 'accUpdateGradParameters',
                         'sharedAccUpdateGradParameters', '__tostring__'} do
      class[name] = Decorator[name]
   end
end

---------------------------------------------------------------------------------------------------------------

-- Leading dims are folded into one around a module that takes inputs of nInputDim dims.
local Bottle = torch.class('nn.Bottle', 'nn.Decorator')

function Bottle:__init(module, nInputDim, nOutputDim)
   Decorator.__init(self, module)
   self.nInputDim = nInputDim or 2
   self.nOutputDim = nOutputDim or self.nInputDim
   self.dimDelta = self.nInputDim - self.nOutputDim
   self.inShape = torch.LongTensor(self.nInputDim)
   self.outShape = torch.LongTensor(self.nOutputDim)
end

-- The sizes with the first `count` folded into one.
local function folded(sizes, count)
   local list, product = {}, 1
   for i = 1, count do product = product * sizes[i] end
   list[1] = product
   for i = count + 1, #sizes do list[#list + 1] = sizes[i] end
   return torch.LongStorage(list)
end

local function leading(self, input)
   return input:dim() - self.nInputDim + 1
end

function Bottle:updateOutput(input)
   local count = leading(self, input)
   if count <= 1 then
      self.output:set(self.modules[1]:updateOutput(input))
      return self.output
   end
   local sizes = input:size():totable()
   local inner = folded(sizes, count)
   local output = self.modules[1]:updateOutput(input:view(inner))
   assert(output:dim() == self.nOutputDim, string.format(
      'Wrong number of output dims on module. Expected: %d but got %d', self.nOutputDim, output:dim()))
   self.inShape:resize(#inner):copy(torch.LongTensor(inner))
   self.outShape:resize(output:dim()):copy(torch.LongTensor(output:size()))
   local outer = {}
   for i = 1, count do outer[i] = sizes[i] end
   for i = 2, output:dim() do outer[#outer + 1] = output:size(i) end
   self.output:set(output:view(torch.LongStorage(outer)))
   return self.output
end

local function as(tensor, shape)
   return tensor:contiguous():view(torch.LongStorage(shape:totable()))
end

function Bottle:updateGradInput(input, gradOutput)
   local child = self.modules[1]
   local gradient
   if leading(self, input) > 1 then
      gradient = child:updateGradInput(as(input, self.inShape), as(gradOutput, self.outShape))
   else
      gradient = child:updateGradInput(input, gradOutput)
   end
   if gradient then
      self.gradInput = self.gradInput or native.empty()
      self.gradInput:set(gradient:viewAs(input))
   else
      self.gradInput = nil
   end
   return self.gradInput
end

local function bottled(method)
   return function(self, input, gradOutput, factor)
      if leading(self, input) > 1 then
         input, gradOutput = as(input, self.inShape), as(gradOutput, self.outShape)
      end
      self.modules[1][method](self.modules[1], input, gradOutput, factor)
   end
end

Bottle.accGradParameters = bottled('accGradParameters')
Bottle.accUpdateGradParameters = bottled('accUpdateGradParameters')

---------------------------------------------------------------------------------------------------------------

-- Keeps the type of its module whatever `type()` is called with, and converts at the border.
local DontCast = torch.class('nn.DontCast', 'nn.Decorator')

-- The type of the first tensor in a value.
local function tensor_type(value)
   if native.is_tensor(value) then return torch.type(value) end
   if type(value) == 'table' then
      for _, entry in pairs(value) do
         local found = tensor_type(entry)
         if found then return found end
      end
   end
end

local function copied(into, value, typename)
   if type(value) == 'table' then
      into = type(into) == 'table' and into or {}
      for key, entry in pairs(value) do into[key] = copied(into[key], entry, typename) end
      return into
   elseif native.is_tensor(value) then
      into = torch.type(into) == typename and into or torch.getmetatable(typename).new()
      into:resize(value:size())
      if value:nElement() > 0 then into:copy(value) end
   end
   return into
end

function DontCast:__init(module, castin, castout, moduleType)
   Decorator.__init(self, module)
   self.castin = castin
   if castout == nil then castout = castin end
   self.castout = castout
   self.moduleType = moduleType
   if (castin or castout) and not moduleType then
      self.moduleType = tensor_type(module.output) or tensor_type(module:parameters())
      if not self.moduleType then
         error('Cannot extrapolate moduleType. Provide constructor argument 4', 2)
      end
   end
end

-- input and gradOutput as the module wants them.
local function cast(self, name, value, wanted)
   if not wanted or tensor_type(value) == self.moduleType then return value end
   self[name] = copied(self[name], value, self.moduleType)
   return self[name]
end

function DontCast:updateOutput(input)
   local output = self.modules[1]:updateOutput(cast(self, '_input', input, self.castin))
   if self.castout then
      self.output = copied(self.output, output, tensor_type(self.output) or self._type)
   else
      self.output = output
   end
   return self.output
end

function DontCast:updateGradInput(input, gradOutput)
   local gradInput = self.modules[1]:updateGradInput(
      cast(self, '_input', input, self.castin), cast(self, '_gradOutput', gradOutput, self.castout))
   if self.castin then
      self.gradInput = copied(self.gradInput, gradInput, tensor_type(self.gradInput) or self._type)
   else
      self.gradInput = gradInput
   end
   return self.gradInput
end

for _, method in ipairs{'accGradParameters', 'accUpdateGradParameters'} do
   DontCast[method] = function(self, input, gradOutput, factor)
      self.modules[1][method](self.modules[1], cast(self, '_input', input, self.castin),
         cast(self, '_gradOutput', gradOutput, self.castout), factor)
   end
end

function DontCast:type(typename)
   if not typename then return self._type end
   typename = native.full_typename(typename)
   if self.castout and tensor_type(self.output) ~= typename then
      self.output = copied(nil, self.output, typename)
   end
   if self.castin and tensor_type(self.gradInput) ~= typename then
      self.gradInput = copied(nil, self.gradInput, typename)
   end
   self._type = typename
   return self
end

---------------------------------------------------------------------------------------------------------------

-- A network here lives on one device, so nn.GPU only remembers which one it was given.
local GPU = torch.class('nn.GPU', 'nn.Decorator')

function GPU:__init(module, device, outdevice)
   native.expect('nn.GPU', '(module, device[, outdevice])', 'module', 'module', module, 'device', 'number', device)
   Decorator.__init(self, module)
   self.device = device
   self.outdevice = outdevice or device
end

function GPU:setDevice(device)
   self.device = device or self.device
   return self
end

function GPU:accUpdateGradParameters()
   error('Not Implemented for ' .. torch.type(self), 2)
end
GPU.sharedAccUpdateGradParameters = GPU.accUpdateGradParameters

function GPU:__tostring__()
   return torch.type(self) .. '(' .. self.device .. ') @ ' .. tostring(self.modules[1])
end

---------------------------------------------------------------------------------------------------------------

-- Prints how long `print_interval` passes of its module took.
local Profile = torch.class('nn.Profile', 'nn.Decorator')

function Profile:__init(module, print_interval, name)
   Decorator.__init(self, module)
   self.print_interval = print_interval or 100
   self.name = name or torch.type(module)
   self.module = module
   self.numFwds, self.numBwds = 0, 0
   self.summedFwdTime, self.summedBwdTime = 0, 0
end

local function timed(self, way, words, f)
   local count, sum = 'num' .. way .. 's', 'summed' .. way .. 'Time'
   local began = native.seconds()
   local result = f()
   self[sum] = self[sum] + native.seconds() - began
   self[count] = self[count] + 1
   if self[count] % self.print_interval == 0 then
      print(string.format('%s took %.3f seconds for %d %s passes', self.name, self[sum], self.print_interval, words))
      self[count], self[sum] = 0, 0
   end
   return result
end

function Profile:updateOutput(input)
   self.output = timed(self, 'Fwd', 'forward', function() return self.module:updateOutput(input) end)
   return self.output
end

function Profile:updateGradInput(input, gradOutput)
   self.gradInput = timed(self, 'Bwd', 'backward', function() return self.module:updateGradInput(input, gradOutput) end)
   return self.gradInput
end

---------------------------------------------------------------------------------------------------------------

-- Raises an error where the first NaN appears.
local NaN = torch.class('nn.NaN', 'nn.Decorator')

local last_id = 0
function NaN.newId()
   last_id = last_id + 1
   return last_id
end

function NaN:__init(module, id)
   Decorator.__init(self, module)
   self.id = id or NaN.newId()
end

function NaN:recursiveIsNaN(value)
   if type(value) == 'table' then
      for _, entry in pairs(value) do
         if self:recursiveIsNaN(entry) then return true end
      end
      return false
   end
   if not native.is_tensor(value) or value:nElement() == 0 then return false end
   local sum = value:sum()
   return sum ~= sum
end

-- Names the first of `suspects` (pairs of words and value) that holds a NaN.
local function accuse(self, suspects)
   for _, suspect in ipairs(suspects) do
      if self:recursiveIsNaN(suspect[2]) then
         error(string.format('NaN found in %s of module :\n%s', suspect[1], tostring(self)), 3)
      end
   end
end

function NaN:updateOutput(input)
   self.output = self.modules[1]:updateOutput(input)
   if self:recursiveIsNaN(self.output) then
      accuse(self, {{'input', input}, {'parameters', (self:parameters())}, {'output', self.output}})
   end
   return self.output
end

function NaN:updateGradInput(input, gradOutput)
   self.gradInput = self.modules[1]:updateGradInput(input, gradOutput)
   if self:recursiveIsNaN(self.gradInput) then
      accuse(self, {{'gradOutput', gradOutput}, {'gradInput', self.gradInput}})
   end
   return self.gradInput
end

function NaN:accGradParameters(input, gradOutput, scale)
   self.modules[1]:accGradParameters(input, gradOutput, scale)
   accuse(self, {{'gradParameters', select(2, self:parameters())}})
end

function NaN:__tostring__()
   return torch.type(self) .. '(' .. self.id .. ') @ ' .. tostring(self.modules[1])
end
