-- image: lines drawn into pictures. Colours are {r, g, b} between 0 and 255.

local torch, nn, native, packages = ...
local image = packages.image

-- A rectangle between two corners, 1-based and both inside; what lies beyond the picture is cut off.
-- Options: color, lineWidth in pixels, inplace.
function image.drawRect(src, x1, y1, x2, y2, options)
   native.expect('image.drawRect', '(src, x1, y1, x2, y2[, options])', 'src', 'tensor', src, 'x1', 'number', x1, 'y1', 'number', y1,
      'x2', 'number', x2, 'y2', 'number', y2, 'options', 'table?', options)
   options = options or {}
   if src:dim() ~= 3 or src:size(1) ~= 3 then error('image.drawRect: a picture of 3 planes is wanted', 2) end
   local result = options.inplace and src or src:clone()
   local colour, thick = options.color or {255, 0, 0}, options.lineWidth or 1
   local white = torch.typename(src) == 'torch.ByteTensor' and 1 or 255
   local function fill(left, top, right, bottom)
      left, top = math.max(1, math.floor(left)), math.max(1, math.floor(top))
      right, bottom = math.min(src:size(3), math.floor(right)), math.min(src:size(2), math.floor(bottom))
      if left > right or top > bottom then return end
      for plane = 1, 3 do
         result[plane]:narrow(1, top, bottom - top + 1):narrow(2, left, right - left + 1):fill(colour[plane] / white)
      end
   end
   local before = math.floor((thick - 1) / 2)
   local after = thick - 1 - before
   fill(x1 - before, y1 - before, x2 + after, y1 + after)
   fill(x1 - before, y2 - before, x2 + after, y2 + after)
   fill(x1 - before, y1 - before, x1 + after, y2 + after)
   fill(x2 - before, y1 - before, x2 + after, y2 + after)
   return result
end
