-- image: kernels, convolution, local contrast, morphology.

local torch, nn, native, packages = ...
local image = packages.image

-- Arguments in order or in one table.
local function named(given, names, defaults)
   local values = {}
   local as_table = #given == 1 and type(given[1]) == 'table'
   for i, name in ipairs(names) do
      if as_table then values[name] = given[1][name] else values[name] = given[i] end
      if values[name] == nil then values[name] = defaults[name] end
   end
   return values
end

local plane_names = {
   'size', 'sigma', 'amplitude', 'normalize', 'width', 'height', 'sigma_horz', 'sigma_vert', 'mean_horz', 'mean_vert', 'tensor',
}

local function plane(given, sigma, value)
   local a = named(given, plane_names, {size = 3, sigma = sigma, amplitude = 1, mean_horz = 0.5, mean_vert = 0.5})
   if a.tensor then assert(a.tensor:dim() == 2 and a.tensor:nElement() > 0, 'expecting a non-empty 2D tensor') end
   local kernel = a.tensor or torch.Tensor(a.height or a.size, a.width or a.size)
   local rows, columns = kernel:size(1), kernel:size(2)
   local exact = torch.DoubleTensor(rows, columns)
   local across, down = (a.sigma_horz or a.sigma) * columns, (a.sigma_vert or a.sigma) * rows
   for i = 1, rows do
      for j = 1, columns do
         local x, y = (j - a.mean_horz * columns - 0.5) / across, (i - a.mean_vert * rows - 0.5) / down
         exact[i][j] = value(a.amplitude, x * x / 2, y * y / 2)
      end
   end
   if a.normalize then exact:div(exact:sum()) end
   if torch.typename(kernel) == 'torch.ByteTensor' then exact:add(0.5):floor():clamp(0, 255) end
   return kernel:copy(exact)
end

function image.gaussian(...)
   return plane({...}, 0.25, function(amplitude, x, y) return amplitude * math.exp(-(x + y)) end)
end

function image.laplacian(...)
   return plane({...}, 0.1, function(amplitude, x, y) return (1 - (x + y)) * amplitude * math.exp(-(x + y)) end)
end

function image.gaussian1D(...)
   local a = named({...}, {'size', 'sigma', 'amplitude', 'normalize', 'mean', 'tensor'},
      {size = 3, sigma = 0.25, amplitude = 1, mean = 0.5})
   local kernel = a.tensor or torch.Tensor(a.size)
   local size = kernel:size(1)
   for i = 1, size do
      kernel[i] = a.amplitude * math.exp(-((i - a.mean * size - 0.5) / (a.sigma * size)) ^ 2 / 2)
   end
   if a.normalize then kernel:div(kernel:sum()) end
   return kernel
end

-- convolve([dst,] img, kernel[, 'valid' | 'full' | 'same'])
function image.convolve(...)
   local given, result = {...}
   if torch.isTensor(given[3]) then result = table.remove(given, 1) end
   local img, kernel, mode = given[1], given[2], given[3] or 'valid'
   if mode ~= 'valid' and mode ~= 'full' and mode ~= 'same' then
      error('mode has to be one of: full | valid | same', 2)
   end
   if kernel:dim() == 2 and img:dim() == 3 then
      kernel = kernel:contiguous():view(1, kernel:size(1), kernel:size(2)):expand(img:size(1), kernel:size(1), kernel:size(2)):clone()
   end
   local whole = torch.typename(img) ~= 'torch.FloatTensor' and torch.typename(img) ~= 'torch.DoubleTensor'
   local found
   if whole then
      found = torch.conv2(img:double(), kernel:double(), mode == 'valid' and 'V' or 'F'):round():typeAs(img)
   else
      found = torch.conv2(img, kernel:typeAs(img), mode == 'valid' and 'V' or 'F')
   end
   if mode == 'same' then
      local x, y = found:dim(), found:dim() - 1
      found = found:narrow(y, math.ceil(kernel:size(y) / 2), img:size(y)):narrow(x, math.ceil(kernel:size(x) / 2), img:size(x))
   end
   return image.into(result, found)
end

function image.gaussianpyramid(...)
   local given = {...}
   local result, img, scales = given[3] and given[1] or {}, given[3] and given[2] or given[1], given[3] or given[2]
   local blur = image.gaussian{width = 3, normalize = true}
   local level = img
   for i, factor in ipairs(scales) do
      result[i] = result[i] or img.new()
      local size = img:size():totable()
      size[#size], size[#size - 1] = math.floor(size[#size] * factor), math.floor(size[#size - 1] * factor)
      result[i]:resize(torch.LongStorage(size))
      if factor == 1 then result[i]:copy(level) else image.scale(result[i], level, 'simple') end
      level = image.convolve(result[i], blur, 'same')
   end
   return result
end

-- Local contrast: less the mean of the surroundings, over their deviation (at least 1).
function image.lcn(img, kernel)
   kernel = (kernel or image.gaussian{size = 9, sigma = 1.591 / 9, normalize = true}):double()
   img = img:double():clone()
   if img:dim() == 3 and img:size(1) == 1 then img = img[1] end
   if img:dim() ~= 2 then error('grayscale image expected', 2) end
   img:add(-img:mean()):div(img:std())
   local mean = torch.conv2(img, kernel)
   local variance = torch.conv2(torch.cmul(img, img), kernel):add(-1, torch.cmul(mean, mean))
   local deviation = variance:cmax(0):sqrt():cmax(1)
   local inner = img:narrow(1, math.floor(kernel:size(1) / 2) + 1, mean:size(1))
      :narrow(2, math.floor(kernel:size(2) / 2) + 1, mean:size(2))
   return inner:clone():add(-1, mean):cdiv(deviation)
end

local function morphology(img, kernel, outside, decide)
   local h, w = (kernel:size(1) - 1) / 2, (kernel:size(2) - 1) / 2
   local padded = torch.DoubleTensor(img:size(1) + 2 * h, img:size(2) + 2 * w):fill(outside)
   padded:narrow(1, h + 1, img:size(1)):narrow(2, w + 1, img:size(2)):copy(img)
   return decide(torch.conv2(padded, kernel:double())):typeAs(img)
end

function image.erode(img, kernel, outside)
   kernel = kernel or torch.ones(3, 3)
   return morphology(img, kernel, outside or 1, function(sums) return sums:eq(kernel:sum()) end)
end

function image.dilate(img, kernel, outside)
   kernel = image.hflip(image.vflip(kernel or torch.ones(3, 3)))
   return morphology(img, kernel, outside or 0, function(sums) return sums:gt(0) end)
end
