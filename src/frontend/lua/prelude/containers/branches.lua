-- nn.MapTable and nn.DepthConcat: the loops for calls from Lua; training lowers them whole (spec section 2.7).

local torch, nn, native = ...

local MapTable, Container = torch.class('nn.MapTable', 'nn.Container')

function MapTable:__init(module, shared)
   Container.__init(self)
   if shared == nil then shared = true end
   self.shared = shared
   self.sharedparams = {'weight', 'bias', 'gradWeight', 'gradBias'}
   self.output, self.gradInput = {}, {}
   if module then self:add(module) end
end

function MapTable:add(module)
   assert(not self.module, 'Single module required')
   Container.add(self, module)
   self.module = module
   return self
end

-- One clone for each entry beyond the first.
function MapTable:_extend(count)
   self.modules[1] = self.module
   for i = #self.modules + 1, count do
      self.modules[i] = self.shared and self.module:clone(unpack(self.sharedparams)) or self.module:clone()
   end
end

function MapTable:resize(count)
   self:_extend(count)
   for i = #self.modules, count + 1, -1 do self.modules[i] = nil end
end

function MapTable:updateOutput(input)
   self.output = {}
   self:_extend(#input)
   for i, entry in ipairs(input) do
      self.output[i] = self:rethrowErrors(self.modules[i], i, 'updateOutput', entry)
   end
   return self.output
end

function MapTable:updateGradInput(input, gradOutput)
   self.gradInput = {}
   self:_extend(#input)
   for i, entry in ipairs(input) do
      self.gradInput[i] = self:rethrowErrors(self.modules[i], i, 'updateGradInput', entry, gradOutput[i])
   end
   return self.gradInput
end

for _, method in ipairs{'accGradParameters', 'accUpdateGradParameters'} do
   MapTable[method] = function(self, input, gradOutput, factor)
      self:_extend(#input)
      for i, entry in ipairs(input) do
         self:rethrowErrors(self.modules[i], i, method, entry, gradOutput[i], factor or 1)
      end
   end
end

-- Clones that share are one module to whoever counts or steps.
for _, method in ipairs{'zeroGradParameters', 'updateParameters'} do
   MapTable[method] = function(self, ...)
      if not self.module then return end
      if self.shared then
         self.module[method](self.module, ...)
      else
         Container[method](self, ...)
      end
   end
end

function MapTable:clearState()
   for i = #self.modules, 2, -1 do self.modules[i] = nil end
   return Container.clearState(self)
end

function MapTable:__tostring__()
   if not self.module then return torch.type(self) .. ' { }' end
   return torch.type(self) .. ' {\n  ' .. tostring(self.module):gsub('\n', '\n        ') .. '\n}'
end

---------------------------------------------------------------------------------------------------------------

-- Concat for outputs whose other dims differ: smaller ones are centred in zeros.
local DepthConcat, Concat = torch.class('nn.DepthConcat', 'nn.Concat')

-- The part of `whole` that belongs to an output of these sizes, starting at `offset` along the joined dim.
local function window(self, whole, sizes, offset)
   local part = whole:narrow(self.dimension, offset, sizes[self.dimension])
   for d = 1, #sizes do
      local spare = whole:size(d) - sizes[d]
      if d ~= self.dimension and spare ~= 0 then
         part = part:narrow(d, math.floor(spare / 2) + 1, sizes[d])
      end
   end
   return part
end

function DepthConcat:windowNarrow(whole, output, offset)
   return window(self, whole, output:size():totable(), offset)
end

function DepthConcat:updateOutput(input)
   local outputs, largest = {}, {}
   for i, child in ipairs(self.modules) do
      outputs[i] = self:rethrowErrors(child, i, 'updateOutput', input)
      for d = 1, outputs[i]:dim() do
         local size = outputs[i]:size(d)
         if d == self.dimension then
            largest[d] = (largest[d] or 0) + size
         else
            largest[d] = math.max(largest[d] or 0, size)
         end
      end
   end
   self.outputSize = torch.LongStorage(largest)
   self.output:resize(self.outputSize):zero()
   self.pieces = {}
   local offset = 1
   for i, output in ipairs(outputs) do
      self.pieces[i] = {offset, output:size():totable()}
      window(self, self.output, self.pieces[i][2], offset):copy(output)
      offset = offset + output:size(self.dimension)
   end
   return self.output
end

local function each(self, method, input, gradOutput, factor, visit)
   for i, child in ipairs(self.modules) do
      local piece = self.pieces[i]
      local part = window(self, gradOutput, piece[2], piece[1]):contiguous()
      local gradInput = self:rethrowErrors(child, i, method, input, part, factor)
      if visit then visit(gradInput) end
   end
end

local function collected(self, method, input, gradOutput, factor)
   self.gradInput:resizeAs(input):zero()
   each(self, method, input, gradOutput, factor, function(g) if g then self.gradInput:add(g) end end)
   return self.gradInput
end

native.give_gradients(DepthConcat, collected, each)
DepthConcat.__tostring__ = Concat.__tostring__
