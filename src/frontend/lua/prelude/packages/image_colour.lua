-- image: colour spaces, ranges, and pictures made of many. Colours are between 0 and 1.

local torch, nn, native, packages = ...
local image = packages.image
local into = image.into

-- f([dst,] img) for f on doubles; bytes are scaled to 0..1 and back.
local function converter(name, f, no_bytes)
   image[name] = function(...)
      local given = {...}
      local result, img = given[2] and given[1], given[2] or given[1]
      if not torch.isTensor(img) then error('image.' .. name .. ': missing input', 2) end
      local bytes = torch.typename(img) == 'torch.ByteTensor'
      if bytes and no_bytes then error('image.' .. name .. ': no bytes, whose range L*a*b* leaves', 2) end
      -- Bytes go the way of floats between 0 and 1, and are rounded as these.
      local found = f(bytes and img:float():div(255):double() or img:double())
      if bytes then found = found:float():mul(255):round():clamp(0, 255) end
      return into(result or nil, found:typeAs(img))
   end
end

-- A colour space that is a matrix away.
local function linear(name, rows)
   converter(name, function(img)
      local matrix = torch.DoubleTensor(rows)
      local flat = img:contiguous():view(img:size(1), -1)
      return (matrix * flat):view(#rows, img:size(2), img:size(3))
   end)
end
linear('rgb2yuv', {{0.299, 0.587, 0.114}, {-0.14713, -0.28886, 0.436}, {0.615, -0.51499, -0.10001}})
linear('yuv2rgb', {{1, 0, 1.13983}, {1, -0.39465, -0.58060}, {1, 2.03211, 0}})
linear('rgb2y', {{0.299, 0.587, 0.114}})

converter('rgb2nrgb', function(img)
   local sum = img:sum(1):add(1e-6)
   return img:cdiv(sum:expandAs(img))
end)

-- Every pixel through f(a, b, c) -> a, b, c.
local function pixelwise(name, f, no_bytes)
   converter(name, function(img)
      local a, b, c = img[1]:contiguous():view(-1), img[2]:contiguous():view(-1), img[3]:contiguous():view(-1)
      local pixels = torch.cat({a, b, c}, 1):view(3, -1):t():contiguous():totable()
      for _, pixel in ipairs(pixels) do pixel[1], pixel[2], pixel[3] = f(pixel[1], pixel[2], pixel[3]) end
      return torch.DoubleTensor(pixels):t():contiguous():view(3, img:size(2), img:size(3))
   end, no_bytes)
end

local function hue(r, g, b, most, range)
   if range == 0 then return 0 end
   local h
   if most == r then
      h = (g - b) / range + (g < b and 6 or 0)
   elseif most == g then
      h = (b - r) / range + 2
   else
      h = (r - g) / range + 4
   end
   return h / 6
end

pixelwise('rgb2hsl', function(r, g, b)
   local most, least = math.max(r, g, b), math.min(r, g, b)
   local light, range = (most + least) / 2, most - least
   if range == 0 then return 0, 0, light end
   return hue(r, g, b, most, range), light > 0.5 and range / (2 - most - least) or range / (most + least), light
end)

pixelwise('hsl2rgb', function(h, s, l)
   if s == 0 then return l, l, l end
   local q = l < 0.5 and l * (1 + s) or l + s - l * s
   local p = 2 * l - q
   local function channel(t)
      t = t % 1
      if t < 1 / 6 then return p + (q - p) * 6 * t end
      if t < 1 / 2 then return q end
      if t < 2 / 3 then return p + (q - p) * (2 / 3 - t) * 6 end
      return p
   end
   return channel(h + 1 / 3), channel(h), channel(h - 1 / 3)
end)

pixelwise('rgb2hsv', function(r, g, b)
   local most, least = math.max(r, g, b), math.min(r, g, b)
   local range = most - least
   return hue(r, g, b, most, range), most == 0 and 0 or range / most, most
end)

pixelwise('hsv2rgb', function(h, s, v)
   local sector = math.floor(h * 6)
   local f = h * 6 - sector
   local p, q, t = v * (1 - s), v * (1 - f * s), v * (1 - (1 - f) * s)
   local sectors = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}}
   return unpack(sectors[sector % 6 + 1])
end)

-- CIE L*a*b* of sRGB under D65.
local white = {0.950470, 1, 1.088830}
local epsilon, kappa = 216 / 24389, 24389 / 27

pixelwise('rgb2lab', function(r, g, b)
   local function expand(c) return c <= 0.04045 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4 end
   r, g, b = expand(r), expand(g), expand(b)
   local function root(c) return c > epsilon and c ^ (1 / 3) or (kappa * c + 16) / 116 end
   local x = root((0.412453 * r + 0.357580 * g + 0.180423 * b) / white[1])
   local y = root((0.212671 * r + 0.715160 * g + 0.072169 * b) / white[2])
   local z = root((0.019334 * r + 0.119193 * g + 0.950227 * b) / white[3])
   return 116 * y - 16, 500 * (x - y), 200 * (y - z)
end, true)

pixelwise('lab2rgb', function(l, a, b)
   local fy = (l + 16) / 116
   local fx, fz = fy + a / 500, fy - b / 200
   local function cube(f) return f ^ 3 > epsilon and f ^ 3 or (116 * f - 16) / kappa end
   local x, z = white[1] * cube(fx), white[3] * cube(fz)
   local y = white[2] * (l > kappa * epsilon and fy ^ 3 or l / kappa)
   local function compress(c) return c <= 0.0031308 and 12.92 * c or 1.055 * c ^ (1 / 2.4) - 0.055 end
   return compress(3.240479 * x - 1.537150 * y - 0.498535 * z),
      compress(-0.969256 * x + 1.875991 * y + 0.041556 * z),
      compress(0.055648 * x - 0.204043 * y + 1.057311 * z)
end, true)

-- n colours from blue over green and yellow to red.
function image.jetColormap(n)
   local map = torch.Tensor(n, 3)
   local function clamped(a, b) return math.max(math.min(a, b, 1), 0) end
   for i = 1, n do
      local t = 4 * i / n
      map[i][1], map[i][2], map[i][3] =
         clamped(t - 1.5, 4.5 - t), clamped(t - 0.5, 3.5 - t), clamped(t + 0.5, 2.5 - t)
   end
   return map
end

-- n colours far apart.
function image.colormap(n)
   local map = torch.Tensor(n, 3)
   for i = 1, n do
      local h, s = ((i - 1) * 39) % 360 / 60, ((i - 1) / 9) % 0.7 + 0.3
      local x = s * (1 - math.abs(h % 2 - 1))
      local parts = {{s, x, 0}, {x, s, 0}, {0, s, x}, {0, x, s}, {x, 0, s}, {s, 0, x}}
      for j = 1, 3 do map[i][j] = parts[math.floor(h) + 1][j] + 0.5 - s / 2 end
   end
   return map
end

-- Levels 1..L as a heat map.
function image.y2jet(...)
   local given = {...}
   local result, img = given[2] and given[1], given[2] or given[1]
   if img:dim() == 3 then img = img[1] end
   if img:dim() == 1 then img = img:contiguous():view(1, -1) end
   local map = image.jetColormap(img:max())
   if torch.typename(img) == 'torch.ByteTensor' then map = map:mul(255):round():clamp(0, 255) end
   map = map:typeAs(img)
   local levels = img:contiguous():view(-1):long()
   local found = img.new(3, img:size(1), img:size(2))
   for i = 1, 3 do found[i]:copy(map:select(2, i):index(1, levels)) end
   return into(result or nil, found)
end

-- Shifts and scales to 0..1: minmax{tensor=, min=, max=, symm=, inplace=, saturate=, tensorOut=}.
function image.minmax(args)
   local result = args.tensorOut and args.tensorOut:resize(args.tensor:size()):copy(args.tensor)
      or (args.inplace and args.tensor) or torch.Tensor(args.tensor:size()):copy(args.tensor)
   local least, most = args.min, args.max
   local saturate = args.saturate and (least ~= nil or most ~= nil)
   if args.symm and least == nil then
      local reach = math.max(math.abs(result:min()), math.abs(result:max()))
      least, most = -reach, most or reach
   end
   least = least or result:min()
   result:add(-least)
   local range = most and most - least or result:max()
   if range ~= 0 then result:div(range) end
   if saturate then result:clamp(0, 1) end
   return result
end

-- Many images in one, `nrow` beside each other, `padding` pixels apart.
function image.toDisplayTensor(...)
   local given = {...}
   local args = given[1]
   if torch.isTensor(args) or (type(args) == 'table' and torch.isTensor(args[1])) then
      args = {input = given[1], padding = given[2], nrow = given[3], scaleeach = given[4], min = given[5],
         max = given[6], symmetric = given[7], saturate = given[8]}
   end
   local padding, saturate = args.padding or 0, args.saturate ~= false
   local function ranged(tensor)
      return image.minmax{tensor = tensor, inplace = true, min = args.min, max = args.max, symm = args.symmetric,
         saturate = saturate}
   end
   local input = args.input
   if type(input) == 'table' then
      local first = input[1]
      local planes = first:dim() == 2 and 1 or first:size(1)
      local packed = torch.Tensor(#input, planes, first:size(first:dim() - 1), first:size(first:dim()))
      for i, img in ipairs(input) do packed[i]:copy(img) end
      input = packed
   end
   local packed = torch.Tensor(input:size()):copy(input)
   if packed:dim() == 2 or (packed:dim() == 3 and (packed:size(1) == 1 or packed:size(1) == 3)) then
      return ranged(packed)
   end
   local grey = packed:dim() == 3
   if grey then packed = packed:view(packed:size(1), 1, packed:size(2), packed:size(3)) end
   if packed:dim() ~= 4 then error('packed must be a HxW or KxHxW or Kx3xHxW tensor, or a list of tensors', 2) end
   local count = packed:size(1)
   if args.scaleeach then
      for i = 1, count do ranged(packed[i]) end
   end
   local across = math.min(args.nrow or 6, count)
   local down = math.ceil(count / across)
   local h, w = packed:size(3) + padding, packed:size(4) + padding
   local grid = torch.Tensor(packed:size(2), h * down, w * across):fill(packed:max())
   for i = 0, count - 1 do
      local top, left = math.floor(i / across) * h, (i % across) * w
      grid:narrow(2, math.floor(top + padding / 2) + 1, packed:size(3))
         :narrow(3, math.floor(left + padding / 2) + 1, packed:size(4)):copy(packed[i + 1])
   end
   if not args.scaleeach then ranged(grid) end
   return grey and grid[1] or grid
end

-- Windows do not exist here; the picture itself comes back.
function image.display(args)
   if torch.isTensor(args) then args = {image = args} end
   return image.toDisplayTensor{input = args.image or args.input or args, nrow = args.nrow, padding = args.padding}
end
