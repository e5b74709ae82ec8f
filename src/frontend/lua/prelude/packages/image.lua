-- image: files, cutting, scaling, turning. An image is a tensor, planes by rows by columns, or rows by columns.
-- Most functions take an optional first tensor for the result. torch/image: `init.lua`.

local torch, nn, native, packages = ...
local image = packages.image
require 'paths'
require 'sys'
require 'xlua'
require 'dok'
local rust = native.image

local function refuse(words) error(words, 3) end
local function height(img) return img:size(img:dim() - 1) end
local function width(img) return img:size(img:dim()) end

-- Runs f on an image of three dims and gives the result the dims of `img`.
local function as_planes(img, f)
   if img:dim() == 3 then return f(img) end
   if img:dim() ~= 2 then refuse('an image has 2 or 3 dimensions, not ' .. img:dim()) end
   local result = f(img:contiguous():view(1, img:size(1), img:size(2)))
   return result:select(1, 1)
end

local function into(result, found)
   if not result then return found end
   return result:resize(found:size()):copy(found)
end
image.into = into

---------------------------------------------------------------------------------------------------------------
-- Files.

local default_types = {byte = 'torch.ByteTensor', float = 'torch.FloatTensor', double = 'torch.DoubleTensor'}

local function with_depth(img, depth)
   local planes = img:size(1)
   if not depth or planes == depth then return img end
   if depth == 1 then
      if planes == 2 then return img:narrow(1, 1, 1) end
      return image.rgb2y(img:narrow(1, 1, 3):contiguous())
   elseif depth == 3 then
      if planes == 4 then return img:narrow(1, 1, 3) end
      return img:narrow(1, 1, 1):expand(3, img:size(2), img:size(3)):clone()
   end
   refuse('image loaded has wrong #channels')
end

-- Numbers between 0 and 1, or bytes when asked for.
local function as_asked(pixels, white, depth, kind)
   if kind and not default_types[kind] then refuse('unknown tensor type ' .. tostring(kind)) end
   if kind == 'byte' then
      -- The upper byte of two.
      if white > 255 then pixels = pixels:int():div(256):byte() end
      return with_depth(pixels:byte(), depth)
   end
   local result = kind and pixels:type(default_types[kind]) or torch.Tensor():resize(pixels:size()):copy(pixels)
   return with_depth(result:mul(1 / white), depth)
end

function image.load(file, depth, kind)
   if not file then refuse('missing file name') end
   local pixels, white = rust.read(file)
   local img = as_asked(pixels, white, depth, kind)
   return img
end
for _, name in ipairs{'loadPNG', 'loadJPG', 'loadPPM'} do image[name] = image.load end

function image.decompress(bytes, depth, kind)
   if torch.typename(bytes) ~= 'torch.ByteTensor' then refuse('Input tensor must be a byte tensor') end
   local pixels, white = rust.decode(bytes)
   return as_asked(pixels, white, depth, kind)
end
image.decompressJPG, image.decompressPNG = image.decompress, image.decompress

local function bytes_of(img)
   if torch.typename(img) == 'torch.ByteTensor' then return img:contiguous() end
   return img:double():clone():clamp(0, 1):mul(255):byte()
end

function image.compressJPG(img, quality) return rust.encode(bytes_of(img), 'jpg', quality or 75) end
function image.compressPNG(img) return rust.encode(bytes_of(img), 'png', 0) end

local formats = {png = 'png', jpg = 'jpg', jpeg = 'jpg', ppm = 'ppm', pgm = 'ppm'}
function image.is_supported(suffix) return formats[tostring(suffix):lower()] ~= nil end

function image.save(file, img)
   if not file or not img then refuse('missing file name | tensor to save') end
   local suffix = file:match('%.(%a+)$') or ''
   local format = formats[suffix:lower()]
   if not format then refuse('unknown image type: ' .. suffix) end
   rust.write(file, rust.encode(bytes_of(img), format, 75))
end
for _, name in ipairs{'savePNG', 'saveJPG', 'savePPM', 'savePGM'} do image[name] = image.save end

function image.getSize(file)
   local size = rust.read(file):size()
   return torch.LongTensor{size[1], size[2], size[3]}
end

-- Torch shipped a well-known photograph under this name; this is a drawn picture of the same size, planes and range.
function image.lena()
   local picture = torch.Tensor(3, 512, 512)
   local x = torch.linspace(0, 1, 512):view(1, 512):expand(512, 512)
   local y = torch.linspace(0, 1, 512):view(512, 1):expand(512, 512)
   picture[1]:copy(x)
   picture[2]:copy(y)
   picture[3]:copy(torch.add(x, y):mul(9):sin():add(1):div(2))
   -- Bytes, as those of a file.
   return picture:mul(0.9):add(0.05):mul(255):round():div(255)
end
image.fabio = function() return image.lena()[1]:clone() end

---------------------------------------------------------------------------------------------------------------
-- Cutting and scaling.

-- crop([dst,] img, x1, y1[, x2, y2]) with 0-based corners, the second one outside; or crop([dst,] img, place, w, h)
-- with place c, tl, tr, bl or br.
function image.crop(...)
   local given, result = {...}
   if torch.isTensor(given[2]) then result = table.remove(given, 1) end
   local img, x1, y1, x2, y2 = unpack(given, 1, 5)
   if type(x1) == 'string' then
      local place, w, h = x1, y1, x2
      local right, below = width(img) - w, height(img) - h
      local corners = {
         c = {math.floor(right / 2), math.floor(below / 2)}, tl = {0, 0}, tr = {right, 0}, bl = {0, below}, br = {right, below},
      }
      if not corners[place] then refuse('crop format must be "c"|"tl"|"tr"|"bl"|"br"') end
      x1, y1 = unpack(corners[place])
      x2, y2 = x1 + w, y1 + h
   elseif not x2 then
      if not result then refuse('image.crop needs a second corner, or an image for the result') end
      x2, y2 = x1 + width(result), y1 + height(result)
   end
   if x1 < 0 or y1 < 0 or x2 > width(img) or y2 > height(img) then
      refuse('image.crop: crop goes outside bounds of src')
   end
   local found = img:narrow(img:dim(), x1 + 1, x2 - x1):narrow(img:dim() - 1, y1 + 1, y2 - y1):clone()
   if result and result:nElement() > 0 then return image.scale(result, found) end
   return into(result, found)
end

local function target_size(img, size)
   local w, h = width(img), height(img)
   local number = tonumber(size)
   if number then return w * number / math.max(w, h), h * number / math.max(w, h) end
   local a, b = size:match('^(%d+)x(%d+)$')
   if a then return tonumber(a), tonumber(b) end
   local least = tonumber(size:match('^%^(%d+)$'))
   if least then return w * least / math.min(w, h), h * least / math.min(w, h) end
   local over, under = size:match('^%*(%d+)/(%d+)$')
   local factor = over and over / under or tonumber(size:match('^%*(.+)$'))
   if factor then return w * factor, h * factor end
   error('could not find valid dest size', 4)
end

-- scale(img, w, h[, mode]), scale(img, size[, mode]) or scale(dst, img[, mode]); mode bilinear, bicubic or simple.
function image.scale(...)
   local given, result, w, h = {...}
   if torch.isTensor(given[2]) then result = table.remove(given, 1) end
   local img, mode = given[1], nil
   if result then
      w, h, mode = width(result), height(result), given[2]
   elseif type(given[2]) == 'number' and type(given[3]) == 'number' then
      w, h, mode = given[2], given[3], given[4]
   elseif given[2] then
      w, h = target_size(img, given[2])
      mode = given[3]
   else
      refuse('incorrect arguments')
   end
   w, h, mode = math.max(math.floor(w), 1), math.max(math.floor(h), 1), mode or 'bilinear'
   local found = as_planes(img, function(planes)
      local across, down = rust.weights(planes:size(3), w, mode), rust.weights(planes:size(2), h, mode)
      local scaled = torch.DoubleTensor(planes:size(1), h, w)
      local whole = torch.typename(planes) == 'torch.ByteTensor'
      for i = 1, planes:size(1) do
         local rows = planes[i]:double() * across:t()
         -- Bytes are rounded after each of the two passes.
         if whole then rows:add(0.5):floor():clamp(0, 255) end
         scaled[i]:copy(down * rows)
      end
      if whole then scaled:add(0.5):floor():clamp(0, 255) end
      return scaled:typeAs(planes)
   end)
   return into(result, found)
end

---------------------------------------------------------------------------------------------------------------
-- Turning and bending.

local function flipped(dim)
   return function(...)
      local given, result = {...}
      if given[2] then result = given[1] end
      local img = given[2] or given[1]
      local at = dim(img, given[3])
      local order = torch.range(img:size(at), 1, -1):long()
      return into(result, img:index(at, order))
   end
end
image.hflip = flipped(function(img) return img:dim() end)
image.vflip = flipped(function(img) return img:dim() - 1 end)

-- flip([dst,] img, dim)
function image.flip(...)
   local given, result = {...}
   if torch.isTensor(given[2]) then result = table.remove(given, 1) end
   local img, dim = given[1], given[2]
   if not dim or dim < 1 or dim > img:dim() then refuse('image.flip: no such dimension') end
   return into(result, img:index(dim, torch.range(img:size(dim), 1, -1):long()))
end

function image.translate(...)
   local given, result = {...}
   if torch.isTensor(given[2]) then result = table.remove(given, 1) end
   local img, x, y = unpack(given)
   local found = img:clone():zero()
   local w, h = width(img) - math.abs(x), height(img) - math.abs(y)
   if w > 0 and h > 0 then
      local function part(tensor, left, top)
         return tensor:narrow(tensor:dim(), left + 1, w):narrow(tensor:dim() - 1, top + 1, h)
      end
      part(found, math.max(x, 0), math.max(y, 0)):copy(part(img, math.max(-x, 0), math.max(-y, 0)))
   end
   return into(result, found)
end

-- Row and column of every pixel, 0-based.
local function grid(h, w)
   local y = torch.range(0, h - 1):double():view(h, 1):expand(h, w):clone()
   local x = torch.range(0, w - 1):double():view(1, w):expand(h, w):clone()
   return y, x
end

-- rotate([dst,] img, radians[, mode]): about the centre; what comes from outside is 0.
function image.rotate(...)
   local given, result = {...}
   if torch.isTensor(given[2]) then result = table.remove(given, 1) end
   local img, theta, mode = unpack(given, 1, 3)
   local found = as_planes(img, function(planes)
      local y, x = grid(planes:size(2), planes:size(3))
      local cy, cx = (planes:size(2) - 1) / 2, (planes:size(3) - 1) / 2
      y:add(-cy)
      x:add(-cx)
      local from_x = torch.mul(x, math.cos(theta)):add(-math.sin(theta), y):add(cx)
      local from_y = torch.mul(y, math.cos(theta)):add(math.sin(theta), x):add(cy)
      mode = mode or 'simple'
      if mode == 'simple' then
         from_x:add(0.5):floor()
         from_y:add(0.5):floor()
      end
      return rust.sample(planes, from_y, from_x, mode, 0)
   end)
   return into(result, found)
end

-- warp([dst,] img, field[, mode[, offsets[, clamp_mode[, pad_value]]]]); field[1] are rows, field[2] columns.
function image.warp(...)
   local given, result = {...}
   if torch.isTensor(given[3]) then result = table.remove(given, 1) end
   local img, field, mode, offsets, clamp, pad = unpack(given, 1, 6)
   if clamp and clamp ~= 'clamp' and clamp ~= 'pad' then refuse('clamp_mode is clamp or pad, not ' .. tostring(clamp)) end
   local found = as_planes(img, function(planes)
      local y, x = field[1]:double():clone(), field[2]:double():clone()
      if offsets ~= false then
         local rows, columns = grid(y:size(1), y:size(2))
         y:add(rows)
         x:add(columns)
      end
      if clamp == 'pad' then return rust.sample(planes, y, x, mode or 'bilinear', pad or 0) end
      return rust.sample(planes, y:clamp(0, planes:size(2) - 1), x:clamp(0, planes:size(3) - 1), mode or 'bilinear')
   end)
   return into(result, found)
end

-- affinetransform([dst,] img, matrix[, mode[, translation[, clamp_mode[, pad_value]]]]): a 2 by 2 matrix of (y, x)
-- about the centre.
function image.affinetransform(...)
   local given, result = {...}
   if torch.isTensor(given[3]) then result = table.remove(given, 1) end
   local img, matrix, mode, shift, clamp, pad = unpack(given, 1, 6)
   local y, x = grid(height(img), width(img))
   y:add(-(height(img) - 1) / 2):mul(-1)
   x:add(-(width(img) - 1) / 2):mul(-1)
   local points = torch.cat(y:view(1, -1), x:view(1, -1), 1)
   local field = (points - matrix:double() * points):view(2, height(img), width(img))
   field[1]:add(-(shift and shift[1] or 0))
   field[2]:add(-(shift and shift[2] or 0))
   local found = image.warp(img, field, mode or 'bilinear', true, clamp or 'clamp', pad)
   return into(result, found)
end
