-- optnet: a lowered network has no buffers to share, so nothing is done; and it says so once.

local torch, nn, native, packages = ...
local optnet = packages.optnet

local told = false
local function nothing()
   if not told then print('optnet: outputs and gradients need no sharing here: the network stays as it is') end
   told = true
end

function optnet.optimizeMemory(net, input, options) nothing() end
function optnet.removeOptimization(net) nothing() end

-- Bytes of a network, by what they are for.
function optnet.countUsedMemory(net)
   local sizes, seen = {outputs = 0, buffers = 0, gradInputs = 0, params = 0, gradParams = 0}, {}
   local function add(kind, value)
      if native.is_tensor(value) then
         local storage = value:storage()
         if storage and not seen[torch.pointer(storage)] then
            seen[torch.pointer(storage)] = true
            sizes[kind] = sizes[kind] + storage:size() * storage:elementSize()
         end
      elseif type(value) == 'table' and not torch.isTypeOf(value, 'nn.Module') then
         for _, entry in pairs(value) do add(kind, entry) end
      end
   end
   local parameters, gradients = net:parameters()
   for _, tensor in ipairs(parameters or {}) do add('params', tensor) end
   for _, tensor in ipairs(gradients or {}) do add('gradParams', tensor) end
   for _, module in ipairs(net:listModules()) do
      for key, value in pairs(module) do
         if key ~= 'modules' then add(key == 'output' and 'outputs' or key == 'gradInput' and 'gradInputs' or 'buffers', value) end
      end
   end
   local total = 0
   for _, size in pairs(sizes) do total = total + size end
   sizes.total_size = total
   return sizes
end
