-- nn.THNN and tensor.THNN: functions of torch/nn's C library that layers written like torch/nn's own files call, by the modules
-- of the same names. They take tensors; `tensor:cdata()` is the tensor itself.

local torch, nn, native, packages = ...
local THNN = packages['nn.THNN']
local functions = {}

-- One module for each class, arguments and type: its numbers are put into it for a call.
local made = {}
local function module(class, tensor, ...)
   local key = table.concat({class, tensor:type(), ...}, ' ')
   made[key] = made[key] or nn[class](...):type(tensor:type())
   return made[key]
end

local function put(result, value)
   result:resize(value:size()):copy(value)
end

-- Functions of each element or row: (input, output, arguments…) and (input, gradOutput, gradInput, [output,] arguments…), where
-- `inplace` ends the arguments of some.
local function pointwise(class, arguments, of_output, in_place)
   functions[class .. '_updateOutput'] = function(input, output, ...)
      local result = module(class, input, unpack({...}, 1, arguments)):updateOutput(input)
      if in_place and select(arguments + 1, ...) then
         input:copy(result)
         output:set(input)
      else
         put(output, result)
      end
   end
   functions[class .. '_updateGradInput'] = function(input, gradOutput, gradInput, ...)
      local given = {...}
      local layer = module(class, input, unpack(given, of_output and 2 or 1, arguments + (of_output and 1 or 0)))
      local result = layer:updateGradInput(input, gradOutput)
      if in_place and given[arguments + (of_output and 2 or 1)] then
         gradOutput:copy(result)
         gradInput:set(gradOutput)
      else
         put(gradInput, result)
      end
   end
end
pointwise('Abs', 0)
pointwise('ELU', 1, true, true)
pointwise('HardShrink', 1)
pointwise('HardTanh', 2, false, true)
pointwise('LeakyReLU', 1, false, true)
pointwise('LogSoftMax', 0, true)
pointwise('Sigmoid', 0, true)
pointwise('SoftMax', 0, true)
pointwise('SoftPlus', 1, true)
pointwise('SoftShrink', 1)
pointwise('Square', 0)
pointwise('Tanh', 0, true)
pointwise('Threshold', 2, false, true)

-- Criteria: (input, target, output, sizeAverage) and (input, target, gradInput, sizeAverage).
for _, class in ipairs{'AbsCriterion', 'MSECriterion', 'SmoothL1Criterion'} do
   functions[class .. '_updateOutput'] = function(input, target, output, sizeAverage)
      local criterion = module(class, input)
      criterion.sizeAverage = sizeAverage
      output:resize(1):fill(criterion:updateOutput(input, target))
   end
   functions[class .. '_updateGradInput'] = function(input, target, gradInput, sizeAverage)
      local criterion = module(class, input)
      criterion.sizeAverage = sizeAverage
      put(gradInput, criterion:updateGradInput(input, target))
   end
end

-- The convolution with these numbers; its buffers `finput` and `fgradInput` are libtorch's own affair.
local function convolution(input, planes, weight, bias, kW, kH, dW, dH, padW, padH)
   local inputs = input:size(input:dim() - 2)
   local layer = module('SpatialConvolutionMM', input, inputs, planes, kW, kH, dW, dH, padW, padH)
   layer.weight = weight and weight:view(planes, inputs * kH * kW) or layer.weight
   layer.bias = bias or input.new(planes):zero()
   return layer
end

function functions.SpatialConvolutionMM_updateOutput(input, output, weight, bias, finput, fgradInput, ...)
   put(output, convolution(input, weight:size(1), weight, bias, ...):updateOutput(input))
end

function functions.SpatialConvolutionMM_updateGradInput(input, gradOutput, gradInput, weight, finput, fgradInput, ...)
   put(gradInput, convolution(input, weight:size(1), weight, nil, ...):updateGradInput(input, gradOutput))
end

function functions.SpatialConvolutionMM_accGradParameters(input, gradOutput, gradWeight, gradBias, finput, fgradInput, ...)
   local kW, kH, dW, dH, padW, padH, scale = ...
   local planes = gradWeight:size(1)
   local layer = convolution(input, planes, nil, nil, kW, kH, dW, dH, padW, padH)
   layer.gradWeight = gradWeight:view(planes, -1)
   layer.gradBias = gradBias or input.new(planes):zero()
   layer:accGradParameters(input, gradOutput, scale or 1)
end

---------------------------------------------------------------------------------------------------------------

setmetatable(functions, {
   __index = function(_, name)
      error('nn.THNN.' .. tostring(name) .. ' is not offered: build the layer out of modules (nn.' .. tostring(name):match('^[^_]*') .. ')', 2)
   end,
})

nn.THNN = THNN
THNN.kernels = {}
function THNN.optionalTensor(tensor) return tensor end
function THNN.getState() end
for _, element in ipairs{'Float', 'Double', 'Cuda', 'CudaDouble', 'CudaHalf', 'Half'} do
   local class = torch.getmetatable('torch.' .. element .. 'Tensor')
   if class then
      THNN.kernels['torch.' .. element .. 'Tensor'] = functions
      rawset(class, 'THNN', functions)
   end
end
