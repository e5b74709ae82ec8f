-- Modules that hand on the very tensors they are given: nn.Identity, FlattenTable, Contiguous, Copy; the full
-- convolutions' answer for their second input; and what in-place modules do to the input in their backward.
--
-- What matters here is which tensor *object* comes out, which only calls from Lua can see. Training lowers them natively.

local torch, nn, native = ...

local Identity, Module = torch.class('nn.Identity', 'nn.Module')

function Identity:updateOutput(input)
   self.output = input
   return self.output
end

function Identity:updateGradInput(_, gradOutput)
   self.gradInput = gradOutput
   return self.gradInput
end

-- It never writes into what it holds: that is somebody else's.
function Identity:clearState()
   for _, name in ipairs{'output', 'gradInput'} do
      self[name] = type(self[name]) == 'table' and {} or native.is_tensor(self[name]) and self[name].new() or nil
   end
   return self
end

---------------------------------------------------------------------------------------------------------------

local FlattenTable = torch.class('nn.FlattenTable', 'nn.Module')

-- Appends the leaves of `input` to `list`; gives the tree of their positions.
local function flatten(list, input)
   if torch.type(input) ~= 'table' then
      list[#list + 1] = input
      return #list
   end
   local positions = {}
   for i, entry in ipairs(input) do positions[i] = flatten(list, entry) end
   return positions
end

-- Whether `list` still holds the leaves of `input` in these positions.
local function holds(list, input, positions)
   if torch.type(input) ~= 'table' then return list[positions] == input end
   if type(positions) ~= 'table' or #positions ~= #input then return false end
   for i, entry in ipairs(input) do
      if not holds(list, entry, positions[i]) then return false end
   end
   return true
end

local function unflatten(list, positions)
   if type(positions) ~= 'table' then return list[positions] end
   local tree = {}
   for i, position in ipairs(positions) do tree[i] = unflatten(list, position) end
   return tree
end

function FlattenTable:updateOutput(input)
   assert(torch.type(input) == 'table', 'input must be a table')
   if not (self.input_map and torch.type(self.output) == 'table' and holds(self.output, input, self.input_map)) then
      self.output = {}
      self.input_map = flatten(self.output, input)
   end
   return self.output
end

function FlattenTable:updateGradInput(_, gradOutput)
   self.gradInput = unflatten(gradOutput, self.input_map)
   return self.gradInput
end

function FlattenTable:clearState()
   self.input_map = {}
   self.output, self.gradInput = {}, {}
   return self
end

---------------------------------------------------------------------------------------------------------------

local Contiguous = torch.class('nn.Contiguous', 'nn.Module')

-- `field` becomes a view of a contiguous value, or a copy of another one.
local function contiguous(self, field, value)
   local buffer = self[field]
   if value:isContiguous() then
      buffer:set(value)
   else
      if buffer:storage() == value:storage() then buffer:set() end
      buffer:resizeAs(value):copy(value)
   end
   return buffer
end

function Contiguous:updateOutput(input)
   return contiguous(self, 'output', input)
end

function Contiguous:updateGradInput(_, gradOutput)
   return contiguous(self, 'gradInput', gradOutput)
end

---------------------------------------------------------------------------------------------------------------

-- A copy of another type; without arguments, the input itself.
local Copy = torch.class('nn.Copy', 'nn.Module')

function Copy:__init(intype, outtype, forceCopy, dontCast)
   Module.__init(self)
   local usage = '([intype][, outtype][, forceCopy][, dontCast])'
   native.expect('nn.Copy', usage, 'intype', 'string?', intype, 'outtype', 'string?', outtype)
   local default = torch.getdefaulttensortype()
   self.intype = intype and native.full_typename(intype) or default
   self.outtype = outtype and native.full_typename(outtype) or default
   self.forceCopy, self.dontCast = forceCopy, dontCast
   self.gradInput = torch.getmetatable(self.intype).new()
   self.output = torch.getmetatable(self.outtype).new()
end

local function hand_on(self, field, value)
   if self.intype == self.outtype and not self.forceCopy then
      self[field]:set(value)
      return value
   end
   return self[field]:resize(value:size()):copy(value)
end

function Copy:updateOutput(input)
   return hand_on(self, 'output', input)
end

function Copy:updateGradInput(_, gradOutput)
   return hand_on(self, 'gradInput', gradOutput)
end

function Copy:type(typename, cache)
   if typename and self.dontCast then return self end
   if typename then self.intype, self.outtype = native.full_typename(typename), native.full_typename(typename) end
   return Module.type(self, typename, cache)
end

---------------------------------------------------------------------------------------------------------------

-- The second input of a full convolution only lends its size: its gradient is one zero.
for _, name in ipairs{'SpatialFullConvolution', 'VolumetricFullConvolution'} do
   local class = torch.class('nn.' .. name, 'nn.Module')

   function class:updateGradInput(input, gradOutput)
      local gradInput = native.gradient(self, input, gradOutput)
      if type(input) == 'table' and gradInput then
         self.gradInput = {gradInput[1], gradInput[1].new(1):zero()}
      end
      return self.gradInput
   end
end

---------------------------------------------------------------------------------------------------------------

-- In place, the forward pass has changed the input. These two give it back; the gradient does not depend on it.
local function undone(name, undo)
   local class = torch.class('nn.' .. name, 'nn.Module')

   function class:updateGradInput(input, gradOutput)
      local gradInput = native.gradient(self, input, gradOutput)
      if self.inplace and gradInput then undo(input, self.constant_scalar) end
      return gradInput
   end
end

undone('MulConstant', function(x, constant) x:div(constant) end)
undone('AddConstant', function(x, constant)
   if native.is_tensor(constant) then x:add(-1, constant:expandAs(x)) else x:add(-constant) end
end)

-- ELU's gradient is that at its old input, which is found from the output.
local ELU = torch.class('nn.ELU', 'nn.Module')

function ELU:updateGradInput(input, gradOutput)
   if self.inplace then
      local below = torch.cmin(input, 0):div(self.alpha):add(1):log()
      input = torch.cmax(input, 0):add(below)
   end
   return native.gradient(self, input, gradOutput)
end
