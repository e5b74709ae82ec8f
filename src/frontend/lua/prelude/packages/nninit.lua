-- nninit: first weights: module:init(accessor, initialiser, …).

local torch, nn, native, packages = ...
local nninit = packages.nninit
local Module = torch.getmetatable('nn.Module')

-- accessor: a field's name, {name, index}, or a function of the module.
function Module:init(accessor, initialiser, ...)
   local tensor
   if type(accessor) == 'string' then
      tensor = self[accessor]
   elseif type(accessor) == 'table' then
      tensor = self[accessor[1]]
      tensor = tensor and tensor[accessor[2]]
   elseif type(accessor) == 'function' then
      tensor = accessor(self)
   end
   if not native.is_tensor(tensor) then
      error(torch.type(self) .. ':init: the accessor gives no tensor: a name, {name, index} or a function is wanted', 2)
   end
   if type(initialiser) ~= 'function' then
      error(torch.type(self) .. ':init: the second argument is an initialiser, such as nninit.xavier', 2)
   end
   initialiser(self, tensor, ...)
   return self
end

-- How many numbers go into, and out of, one output. Convolutions: [out, in, extents …], however they are laid out.
local function fans(module, tensor)
   local name = torch.type(module)
   if module.nInputPlane and module.nOutputPlane then
      local window = (module.kT or 1) * (module.kH or 1) * (module.kW or 1)
      return module.nInputPlane * window, module.nOutputPlane * window
   elseif module.inputFrameSize and module.kW then
      return module.inputFrameSize * module.kW, module.outputFrameSize * module.kW
   elseif name:find('LookupTable') then
      return tensor:size(1), tensor:size(2)
   elseif tensor:dim() >= 2 then
      local out = tensor:size(1)
      return tensor:nElement() / out, out
   end
   return tensor:nElement(), tensor:nElement()
end

local gains = {
   linear = function() return 1 end, sigmoid = function() return 1 end, tanh = function() return 5 / 3 end,
   relu = function() return math.sqrt(2) end,
   lrelu = function(options) return math.sqrt(2 / (1 + options.leakiness ^ 2)) end,
}

local function gain_of(options)
   local gain = options and options.gain or 1
   if type(gain) == 'number' then return gain end
   local name = type(gain) == 'table' and gain[1] or gain
   if not gains[name] then error("nninit has no gain '" .. tostring(name) .. "': linear, sigmoid, tanh, relu, lrelu", 4) end
   if name == 'lrelu' and not (type(gain) == 'table' and gain.leakiness) then
      error("nninit's gain lrelu takes its leakiness: {'lrelu', leakiness = 0.3}", 4)
   end
   return gains[name](gain)
end

local function draw(tensor, dist, stdv)
   if dist == 'uniform' then return tensor:uniform(-stdv * math.sqrt(3), stdv * math.sqrt(3)) end
   if dist == 'normal' then return tensor:normal(0, stdv) end
   error("nninit draws from 'normal' or 'uniform', not '" .. tostring(dist) .. "'", 4)
end

function nninit.copy(module, tensor, init) tensor:copy(init) return module end
function nninit.constant(module, tensor, value) tensor:fill(value) return module end
function nninit.addConstant(module, tensor, value) tensor:add(value) return module end
function nninit.mulConstant(module, tensor, value) tensor:mul(value) return module end
function nninit.normal(module, tensor, mean, stdv) tensor:normal(mean, stdv) return module end
function nninit.uniform(module, tensor, a, b) tensor:uniform(a, b) return module end
function nninit.addNormal(module, tensor, mean, stdv)
   tensor:add(tensor.new(tensor:size()):normal(mean, stdv))
   return module
end
function nninit.addUniform(module, tensor, a, b)
   tensor:add(tensor.new(tensor:size()):uniform(a, b))
   return module
end

function nninit.xavier(module, tensor, options)
   local fan_in, fan_out = fans(module, tensor)
   draw(tensor, options and options.dist or 'uniform', gain_of(options) * math.sqrt(2 / (fan_in + fan_out)))
   return module
end

function nninit.kaiming(module, tensor, options)
   local fan_in = fans(module, tensor)
   draw(tensor, options and options.dist or 'normal', gain_of(options) * math.sqrt(1 / fan_in))
   return module
end

-- The identity for matrices; for convolutions the middle of each window, divided by the planes that come in.
function nninit.eye(module, tensor)
   tensor:zero()
   if module.nInputPlane and module.nOutputPlane then
      local kT, kH, kW = module.kT or 1, module.kH or 1, module.kW or 1
      local whole = tensor:view(module.nOutputPlane, module.nInputPlane, kT, kH, kW)
      whole:select(5, math.ceil(kW / 2)):select(4, math.ceil(kH / 2)):select(3, math.ceil(kT / 2)):fill(1 / module.nInputPlane)
   elseif module.inputFrameSize and module.kW then
      tensor:narrow(2, (math.ceil(module.kW / 2) - 1) * module.inputFrameSize + 1, module.inputFrameSize):fill(1 / module.inputFrameSize)
   else
      for i = 1, math.min(tensor:size(1), tensor:size(2)) do tensor[i][i] = 1 end
   end
   return module
end

function nninit.orthogonal(module, tensor, options)
   if tensor:dim() < 2 then error('nninit.orthogonal: a tensor of two dimensions or more is wanted', 2) end
   local rows = tensor:size(1)
   local columns = tensor:nElement() / rows
   local u, _, v = torch.svd(torch.randn(rows, columns):double(), 'S')
   -- Of the two the one that has the matrix's extents.
   local q = rows > columns and u or v:t()
   if q:size(1) ~= rows or q:size(2) ~= columns then q = u:size(2) == columns and u or v:t():narrow(1, 1, rows) end
   tensor:copy(q:contiguous():view(tensor:size())):mul(gain_of(options))
   return module
end

-- Keeps `sparsity` of the numbers.
function nninit.sparse(module, tensor, sparsity)
   local count = tensor:nElement()
   local zeros = math.floor((1 - sparsity) * count)
   if zeros > 0 then
      local flat = tensor:contiguous():view(-1)
      flat:indexFill(1, torch.randperm(count):long():narrow(1, 1, zeros), 0)
      tensor:copy(flat:view(tensor:size()))
   end
   return module
end
