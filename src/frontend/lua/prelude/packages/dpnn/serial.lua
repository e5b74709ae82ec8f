-- dpnn: nn.Serial, which decides what a file or a clone keeps of the module inside; nn.ArgMax that gives its own type.

local torch, nn, native = ...
local Module = torch.getmetatable('nn.Module')

-- What is left out: of a medium file what a pass leaves behind, of a light one the gradients too.
Module.dpnn_mediumEmpty = {'output', 'gradInput', 'momGradParams', 'dpnn_input'}

local Serial, Decorator = torch.class('nn.Serial', 'nn.Decorator')

-- tensortype: what the module is converted to when it is written.
function Serial:__init(module, tensortype)
   Decorator.__init(self, module)
   self.tensortype = tensortype
   if tensortype then
      native.full_typename(tensortype)
      self:type(tensortype)
   end
   self.serialMode = 'heavySerial'
end

function Module:Serial(tensortype) return nn.Serial(self, tensortype) end

for _, mode in ipairs{'heavySerial', 'mediumSerial', 'lightSerial'} do
   Serial[mode] = function(self, tensortype)
      self.serialMode, self.tensortype = mode, tensortype or self.tensortype
      return self
   end
   -- A module without a Serial around it is written as it is.
   Module[mode] = function(self) return self end
end

local function emptied(module, names)
   for _, name in ipairs(names) do
      local value = rawget(module, name)
      if native.is_tensor(value) then
         module[name] = value.new()
      elseif type(value) == 'table' then
         module[name] = {}
      end
   end
end

-- What a file gets: a copy without what the mode leaves out, in the type that was asked for.
function Serial:write(file)
   local copy = native.copy(self)
   local seen, queue = {[copy] = true}, {copy}
   while #queue > 0 do
      local owner = table.remove(queue)
      if torch.isTypeOf(owner, 'nn.Module') and self.serialMode ~= 'heavySerial' then
         emptied(owner, owner.dpnn_mediumEmpty)
         if self.serialMode == 'lightSerial' then emptied(owner, owner.dpnn_gradParameters) end
      end
      for _, value in pairs(owner) do
         if type(value) == 'table' and not seen[value] then
            seen[value] = true
            queue[#queue + 1] = value
         end
      end
   end
   if self.tensortype then copy:type(self.tensortype) end
   local fields = {}
   for key, value in pairs(copy) do fields[key] = value end
   file:writeObject(fields)
end

function Serial:read(file)
   for key, value in pairs(file:readObject()) do self[key] = value end
end

function Serial:clone(...)
   local copy = torch.deserialize(torch.serialize(self))
   if select('#', ...) > 0 then copy:share(self, ...) end
   return copy
end

---------------------------------------------------------------------------------------------------------------

-- The third argument, asLong = false, gives indices in the type of the input.
local ArgMax = torch.getmetatable('nn.ArgMax')
local init, update = rawget(ArgMax, '__init'), ArgMax.updateOutput

local function as_input(self, input)
   return update(self, input):typeAs(input)
end

ArgMax.__init = function(self, dim, nInputDim, asLong)
   init(self, dim, nInputDim)
   self.asLong = asLong == nil or asLong
   if not self.asLong then self.updateOutput = as_input end
end
