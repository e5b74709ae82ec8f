-- dpnn: copies that share parameters. The shared tensors are the very same objects in both modules, so that getParameters and
-- type(), which re-point or replace them, keep them shared.

local torch, nn, native = ...
local Module = torch.getmetatable('nn.Module')

-- Fields that a shared clone has in common with its original; a class may name its own.
Module.dpnn_parameters = {'weight', 'bias'}
Module.dpnn_gradParameters = {'gradWeight', 'gradBias'}
for _, name in ipairs{'BatchNormalization', 'SpatialBatchNormalization', 'VolumetricBatchNormalization'} do
   nn[name].dpnn_parameters = {'weight', 'bias', 'running_mean', 'running_var'}
end

-- The (owner, key) pairs below `module` whose values a copy shall not copy. `steps`: also what time-steps have in common.
local function shared_slots(module, parameters, gradients, steps)
   local slots, seen, queue = {}, {[module] = true}, {module}
   while #queue > 0 do
      local owner = table.remove(queue)
      local is_module = torch.isTypeOf(owner, 'nn.Module')
      local function hold(names)
         for _, name in ipairs(names or {}) do
            local value = rawget(owner, name)
            if value ~= nil then slots[#slots + 1] = {owner = owner, key = name, value = value} end
         end
      end
      local function visit(value)
         if type(value) == 'table' and not seen[value] then
            seen[value] = true
            queue[#queue + 1] = value
         end
      end
      if is_module then
         if parameters then hold(owner.dpnn_parameters) end
         if gradients then hold(owner.dpnn_gradParameters) end
         if steps then hold(owner.dpnn_stepShared) end
      end
      for key, value in pairs(owner) do
         visit(key)
         if steps and type(value) == 'table' and torch.isTypeOf(value, 'nn.Module') and value.dpnn_stepclone then
            slots[#slots + 1] = {owner = owner, key = key, value = value}
         else
            visit(value)
         end
      end
   end
   return slots
end

-- A copy of the module that shares parameters and their gradients with it, unless one of the arguments is false. `stepclone`:
-- modules that manage time-steps themselves (`dpnn_stepclone`) are not copied at all.
function Module:sharedClone(parameters, gradients, stepclone)
   if stepclone and self.dpnn_stepclone then return self end
   local slots = shared_slots(self, parameters ~= false, gradients ~= false, stepclone)
   local owners = {}
   for i, slot in ipairs(slots) do
      owners[i] = slot.owner
      rawset(slot.owner, slot.key, nil)
   end
   local ok, copies = pcall(native.copy, {self, owners})
   for i, slot in ipairs(slots) do
      rawset(slot.owner, slot.key, slot.value)
      if ok then rawset(copies[2][i], slot.key, slot.value) end
   end
   if not ok then error(copies, 0) end
   return copies[1]
end
