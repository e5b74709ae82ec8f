-- cutorch: device bookkeeping. digits-rs works on one device, which its own settings choose; a script that names
-- others goes on as on a machine with one.

local torch, nn, native, packages = ...
local cutorch = packages.cutorch

local function nothing() end
local function one() return 1 end

cutorch.getDeviceCount = one
cutorch.getDevice = one
for _, name in ipairs{
   'setDevice', 'synchronize', 'synchronizeAll', 'streamSynchronize', 'setStream', 'setDefaultStream', 'reserveStreams',
   'setHeapTracking', 'setKernelPeerToPeerAccess', 'setPeerToPeerAccess', 'reserveBlasHandles', 'setBlasHandle',
   'streamWaitFor', 'streamBarrier',
} do
   cutorch[name] = nothing
end
function cutorch.getStream() return 0 end
function cutorch.getNumStreams() return 0 end
function cutorch.manualSeed(seed) torch.manualSeed(seed) end
cutorch.manualSeedAll = cutorch.manualSeed
function cutorch.seed() return torch.seed() end
cutorch.seedAll = cutorch.seed
function cutorch.initialSeed() return torch.initialSeed() end
function cutorch.getRNGState() return torch.getRNGState() end
function cutorch.setRNGState(state) torch.setRNGState(state) end
cutorch.hasHalf = true
cutorch.hasFastHalfInstructions = function() return false end
cutorch.driverVersion = 0
cutorch.runtimeVersion = 0
function cutorch.withDevice(_, f, ...) return f(...) end
function cutorch.createCudaHostTensor(...) return torch.FloatTensor(...) end
cutorch.createCudaHostDoubleTensor = torch.DoubleTensor
cutorch.isManagedPtr = function() return false end
function cutorch.getMemoryUsage() return 0, 0 end
function cutorch.getDeviceProperties()
   return {name = 'digits-rs', major = 0, minor = 0, totalGlobalMem = 0, freeGlobalMem = 0, multiProcessorCount = 1}
end
