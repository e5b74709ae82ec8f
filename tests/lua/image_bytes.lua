-- image: pictures of bytes follow those of floats, rectangles, and what dok gives.
local image = require 'image'
torch.manualSeed(1)
local bytes = torch.ByteTensor(3, 9, 9):random(0, 255)
for _, name in ipairs{'rgb2hsv', 'hsv2rgb', 'rgb2y', 'rgb2yuv'} do
   local floats = image[name](bytes:float():div(255)):mul(255):round():clamp(0, 255)
   assert((image[name](bytes):float() - floats):abs():max() == 0, name)
end
assert(not pcall(image.rgb2lab, bytes) and not pcall(image.lab2rgb, bytes))
local pyramid = image.gaussianpyramid(bytes:narrow(2, 1, 8):narrow(3, 1, 8), {1, 0.5})
assert(torch.type(pyramid[2]) == 'torch.ByteTensor' and pyramid[2]:size(3) == 4)
-- A constant picture stays one.
local flat = image.convolve(torch.ByteTensor(1, 6, 6):fill(7), image.gaussian{width = 3, normalize = true}, 'valid')
assert(flat:min() == 7 and flat:max() == 7)

local paper = torch.zeros(3, 8, 9)
local drawn = image.drawRect(paper, 2, 3, 6, 7, {color = {0, 255, 0}})
assert(drawn[2]:sum() == 16 and drawn[1]:sum() == 0 and drawn[2][3][2] == 1 and drawn[2][4][3] == 0 and paper:sum() == 0)
assert(image.drawRect(paper, -3, -3, 20, 20):sum() == 0, 'outside')
image.drawRect(paper, 2, 2, 2, 2, {lineWidth = 3, inplace = true})
assert(paper[1]:sum() == 9)
assert(not pcall(image.drawRect, torch.zeros(8, 9), 1, 1, 2, 2))

local args, n = dok.unpack({{n = 3}}, 'f', 'a function', {arg = 'n', type = 'number', default = 1})
assert(n == 3 and args.n == 3)
assert(not pcall(image.decompressPNG, torch.ByteTensor{1, 2, 3}))
