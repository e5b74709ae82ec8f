-- Constructors of nn.UpSampling and nn.SpatialUpSamplingBilinear, which take a factor or a table of output extents.

local torch, nn, native = ...

local function set_extents(self, params)
   native.expect(torch.type(self), '(scale_factor | {owidth=, oheight=[, odepth=]}[, mode])', 'scale_factor',
      'number or table', params)
   if type(params) == 'table' then
      self.odepth, self.owidth, self.oheight = params.odepth, params.owidth, params.oheight
      if not (self.owidth and self.oheight) then error('Output height and width parameters are required', 3) end
      return
   end
   if params < 1 then error('scale_factor must be greater than 1', 3) end
   if math.floor(params) ~= params then error('scale_factor must be integer', 3) end
   self.scale_factor = params
end

local Bilinear, Module = torch.class('nn.SpatialUpSamplingBilinear', 'nn.Module')

function Bilinear:__init(params)
   Module.__init(self)
   self.inputSize, self.outputSize = torch.LongStorage(4), torch.LongStorage(4)
   set_extents(self, params)
end

function Bilinear:__tostring__()
   if self.scale_factor then return string.format('%s(%d)', torch.type(self), self.scale_factor) end
   return string.format('%s(%d, %d)', torch.type(self), self.oheight, self.owidth)
end

local UpSampling = torch.class('nn.UpSampling', 'nn.Module')

local LINEAR = {linear = true, bilinear = true, trilinear = true}

function UpSampling:__init(params, mode)
   Module.__init(self)
   self.inputSize, self.outputSize = torch.LongStorage(5), torch.LongStorage(5)
   self.mode = LINEAR[mode] and 'linear' or 'nearest'
   if type(params) == 'table' and self.mode == 'nearest' then
      error('Nearest neighbour upsampling requires a scale_factor', 2)
   end
   set_extents(self, params)
end

function UpSampling:__tostring__()
   local size
   if self.scale_factor then
      size = string.format('%dx', self.scale_factor)
   elseif self.odepth then
      size = string.format('%dx%dx%d', self.odepth, self.oheight, self.owidth)
   else
      size = string.format('%dx%d', self.oheight, self.owidth)
   end
   return string.format('%s(%s, %s)', torch.type(self), size, self.mode)
end
