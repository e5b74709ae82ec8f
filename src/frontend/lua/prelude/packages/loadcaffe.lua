-- loadcaffe: networks of Caffe's as nn.Sequential: the layers from their text (.prototxt, of today or of 2014), the numbers
-- from what Caffe has trained (.caffemodel), by name. Layers are a chain, as those of VGG, NIN, AlexNet and CaffeNet are.

local torch, nn, native, packages = ...
local loadcaffe = packages.loadcaffe

-- The text as nested tables: each field is the list of its values, in order.
local function parse(text, name)
   local at, line = 1, 1
   local function fail(what) error(('loadcaffe: %s, line %d: %s'):format(name, line, what), 0) end
   local function skip()
      while true do
         local from, to = text:find('^%s+', at)
         if not from then from, to = text:find('^#[^\n]*', at) end
         if not from then return end
         for _ in text:sub(from, to):gmatch('\n') do line = line + 1 end
         at = to + 1
      end
   end
   local function take(pattern)
      skip()
      local from, to, what = text:find('^(' .. pattern .. ')', at)
      if from then at = to + 1 end
      return what
   end
   local function value()
      local quote = take('["\']')
      if quote then
         local close = text:find(quote, at, true)
         if not close then fail('a string does not end') end
         local words = text:sub(at, close - 1)
         at = close + 1
         return words
      end
      local word = take('[%w%.%+%-_]+')
      if not word then fail('a value is missing') end
      if word == 'true' or word == 'false' then return word == 'true' end
      return tonumber(word) or word
   end
   local function message(depth)
      if depth > 50 then fail('messages lie too deep in each other') end
      local fields = {}
      while true do
         skip()
         if at > #text then
            if depth > 0 then fail('a } is missing') end
            return fields
         end
         if take('}') then
            if depth == 0 then fail('a } too many') end
            return fields
         end
         local field = take('[%a_][%w_]*')
         if not field then fail('a name is wanted at ' .. text:sub(at, at + 9)) end
         local list = fields[field] or {}
         fields[field] = list
         local has_colon = take(':')
         if take('{') then
            list[#list + 1] = message(depth + 1)
         elseif has_colon then
            list[#list + 1] = value()
         else
            fail(field .. ' wants : or {')
         end
         take('[,;]')
      end
   end
   return message(0)
end

local function first(fields, name, default)
   local list = fields[name]
   if list and list[1] ~= nil then return list[1] end
   return default
end

-- Sizes of a window: `kernel_size`, or `kernel_h` and `kernel_w`.
local function both(fields, name, default)
   local whole = first(fields, name, default)
   local short = name:gsub('_size$', '')
   return first(fields, short .. '_w', whole), first(fields, short .. '_h', whole)
end

-- CONVOLUTION and SoftmaxWithLoss as one word.
local function kind_of(layer)
   return (tostring(first(layer, 'type', '')):lower():gsub('_', ''))
end

-- What is only there to train, or brings the images.
local PASSED_OVER = {
   data = true, imagedata = true, input = true, hdf5data = true, memorydata = true, dummydata = true, silence = true,
   accuracy = true, softmaxwithloss = true, softmaxloss = true, euclideanloss = true, windowdata = true, split = true,
}

local BUILD = {}

-- The numbers of a layer, which say how many inputs it has.
local function numbers_of(state, name)
   return state.blobs[name] or error('loadcaffe: the model has no numbers for ' .. name .. ', so that its inputs are unknown', 0)
end

local function filled(module, given, name)
   if given[1]:nElement() ~= module.weight:nElement() then
      error(('loadcaffe: %s wants %d weights, the model has %d'):format(name, module.weight:nElement(), given[1]:nElement()), 0)
   end
   module.weight:copy(given[1]:view(module.weight:size()))
   if module.bias then
      if given[2] then module.bias:copy(given[2]:view(-1)) else module.bias:zero() end
   end
   print(('%s: %s'):format(name, table.concat(given[1]:size():totable(), ' ')))
   return module
end

function BUILD.convolution(layer, state)
   local name, fields = first(layer, 'name'), first(layer, 'convolution_param', {})
   local outputs, groups = first(fields, 'num_output'), first(fields, 'group', 1)
   local kw, kh = both(fields, 'kernel_size')
   local dw, dh = both(fields, 'stride', 1)
   local pw, ph = both(fields, 'pad', 0)
   local dilation = first(fields, 'dilation', 1)
   if not (outputs and kw and kh) then error('loadcaffe: ' .. name .. ' has no num_output or kernel_size', 0) end
   local given = numbers_of(state, name)
   local inputs = given[1]:nElement() / (outputs * kw * kh) * groups
   local module
   if dilation ~= 1 then
      if groups ~= 1 then error('loadcaffe: ' .. name .. ' has groups and a dilation, which no module here has together', 0) end
      module = nn.SpatialDilatedConvolution(inputs, outputs, kw, kh, dw, dh, pw, ph, dilation, dilation)
   elseif groups ~= 1 or state.backend == 'cudnn' then
      module = require 'cudnn'.SpatialConvolution(inputs, outputs, kw, kh, dw, dh, pw, ph, groups)
   else
      module = nn.SpatialConvolution(inputs, outputs, kw, kh, dw, dh, pw, ph)
   end
   state.flat = false
   return filled(module, given, name)
end

function BUILD.innerproduct(layer, state)
   local name, fields = first(layer, 'name'), first(layer, 'inner_product_param', {})
   local outputs = first(fields, 'num_output')
   if not outputs then error('loadcaffe: ' .. name .. ' has no num_output', 0) end
   local given = numbers_of(state, name)
   if not state.flat then
      state.net:add(nn.View(-1):setNumInputDims(3))
      state.net:get(#state.net.modules).name = 'torch_view'
   end
   state.flat = true
   return filled(nn.Linear(given[1]:nElement() / outputs, outputs), given, name)
end

function BUILD.pooling(layer, state)
   local fields = first(layer, 'pooling_param', {})
   local is_max = tostring(first(fields, 'pool', 'MAX')) == 'MAX'
   if first(fields, 'global_pooling', false) then
      return is_max and nn.SpatialAdaptiveMaxPooling(1, 1) or nn.SpatialAdaptiveAveragePooling(1, 1)
   end
   local kw, kh = both(fields, 'kernel_size')
   local dw, dh = both(fields, 'stride', 1)
   local pw, ph = both(fields, 'pad', 0)
   local class = is_max and nn.SpatialMaxPooling or nn.SpatialAveragePooling
   return class(kw, kh, dw, dh, pw, ph):ceil()
end

function BUILD.relu(layer)
   local slope = first(first(layer, 'relu_param', {}), 'negative_slope', 0)
   return slope == 0 and nn.ReLU(true) or nn.LeakyReLU(slope, true)
end

function BUILD.lrn(layer)
   local fields = first(layer, 'lrn_param', {})
   if tostring(first(fields, 'norm_region', 'ACROSS_CHANNELS')) ~= 'ACROSS_CHANNELS' then
      error('loadcaffe: ' .. first(layer, 'name') .. ' normalises within channels, which no module here does', 0)
   end
   return nn.SpatialCrossMapLRN(first(fields, 'local_size', 5), first(fields, 'alpha', 1), first(fields, 'beta', 0.75), first(fields, 'k', 1))
end

function BUILD.dropout(layer) return nn.Dropout(first(first(layer, 'dropout_param', {}), 'dropout_ratio', 0.5)) end
function BUILD.softmax(layer, state) return state.flat and nn.SoftMax() or nn.SpatialSoftMax() end
function BUILD.sigmoid() return nn.Sigmoid() end
function BUILD.tanh() return nn.Tanh() end
function BUILD.absval() return nn.Abs() end

function BUILD.flatten(layer, state)
   state.flat = true
   return nn.View(-1):setNumInputDims(3)
end

-- Whether a layer is for training alone: `include { phase: TRAIN }`.
local function is_for_training(layer)
   for _, rule in ipairs(layer.include or {}) do
      if type(rule) == 'table' and tostring(first(rule, 'phase')) == 'TRAIN' then return true end
   end
   return false
end

-- The network. `backend` is 'nn' or 'cudnn'; others are 'nn'.
function loadcaffe.load(prototxt, binary, backend)
   native.expect('loadcaffe.load', '(prototxt, caffemodel[, backend])', 'prototxt', 'string', prototxt, 'caffemodel', 'string', binary)
   local text = parse(native.caffe.text(prototxt), prototxt)
   local blobs = native.caffe.blobs(binary)
   local net = nn.Sequential()
   local state = {net = net, blobs = blobs, backend = backend or 'nn', flat = false}
   local before
   for _, layer in ipairs(text.layer or text.layers or {}) do
      local name, kind = first(layer, 'name', '?'), kind_of(layer)
      if not PASSED_OVER[kind] and not is_for_training(layer) then
         local build = BUILD[kind]
         if not build then error(('loadcaffe: %s is of the type %s, which is not read'):format(name, first(layer, 'type')), 0) end
         if before and first(layer, 'bottom') ~= before or #(layer.bottom or {}) > 1 then
            error(('loadcaffe: the network branches at %s; only chains are read'):format(name), 0)
         end
         before = first(layer, 'top')
         local module = build(layer, state)
         module.name = name
         net:add(module)
      end
   end
   if #net.modules == 0 then error('loadcaffe: ' .. prototxt .. ' has no layers', 0) end
   return net
end
