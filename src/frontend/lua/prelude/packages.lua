-- The packages beside torch and nn, as far as network files touch them (spec section 6).
--
-- Called with: torch, packages (name -> table, filled here).

local torch, packages = ...

local cutorch = packages.cutorch
local function one_device() return 1 end
local function nothing() end
cutorch.getDeviceCount = one_device
cutorch.getDevice = one_device
for _, name in ipairs{'setDevice', 'synchronize', 'synchronizeAll', 'manualSeed', 'manualSeedAll', 'setHeapTracking'} do
   cutorch[name] = nothing
end
cutorch.hasHalf = true
function cutorch.withDevice(_, f) return f() end
function cutorch.createCudaHostTensor(...) return torch.FloatTensor(...) end

local cudnn = packages.cudnn
cudnn.benchmark = false
cudnn.fastest = false
cudnn.verbose = false
cudnn.version = 5110
function cudnn.convert(net) return net end

local xlua = packages.xlua
xlua.progress = nothing
xlua.print = print
xlua.log = nothing

local paths = packages.paths
function paths.concat(...)
   local parts = {}
   for _, part in ipairs{...} do
      if part:sub(1, 1) == '/' then parts = {} end
      parts[#parts + 1] = (part:gsub('(.)/+$', '%1'))
   end
   return table.concat(parts, '/')
end
function paths.basename(name, suffix)
   local base = name:match('([^/]*)/*$')
   if suffix and base:sub(-#suffix) == suffix then base = base:sub(1, -#suffix - 1) end
   return base
end
function paths.dirname(name)
   return name:match('^(.*)/[^/]*$') or '.'
end
function paths.extname(name)
   return name:match('%.([^./]+)$')
end
-- The sandbox shows no disk: every check answers no.
function paths.filep() return false end
function paths.dirp() return false end

local sys = packages.sys
sys.clock = os.clock
sys.COLORS = setmetatable({}, {__index = function() return '' end})
