-- Plots as scripts of the time draw them; the folder comes as the first argument.
require 'torch'
local gnuplot = require 'gnuplot'
local optim = require 'optim'
local folder = arg[1]
os.execute('mkdir -p "' .. folder .. '"')

gnuplot.pngfigure(folder .. '/sine.png')
local x = torch.linspace(-2 * math.pi, 2 * math.pi, 200)
gnuplot.plot({'sin', x, torch.sin(x), '-'}, {'cos', x, torch.cos(x), '~'}, {'seen', x:narrow(1, 1, 20), torch.sin(x:narrow(1, 1, 20)) + 0.1, '+'})
gnuplot.xlabel('angle')
gnuplot.ylabel('value')
gnuplot.title('Sine & cosine')
gnuplot.grid(true)
gnuplot.plotflush()

gnuplot.svgfigure(folder .. '/loss.svg')
gnuplot.raw('set logscale y; set xlabel "epoch"')
gnuplot.plot('loss', torch.exp(-torch.range(1, 30) / 5), '+-')

gnuplot.epsfigure(folder .. '/hist.eps')
local made = gnuplot.hist(torch.range(1, 100), 10)
assert(made.bins == 10 and made[1].nb == 10 and made.max == 10)

gnuplot.pngfigure(folder .. '/map.png')
gnuplot.imagesc(torch.range(1, 64):view(8, 8), 'color')

gnuplot.svgfigure(folder .. '/arrows.svg')
gnuplot.plot('field', torch.cat(torch.rand(5, 2), torch.rand(5, 2), 2), 'v')
gnuplot.close()

local logger = optim.Logger(folder .. '/train.log')
logger:setNames {'train', 'test'}
logger:style {'-', '+-'}
for i = 1, 5 do logger:add {1 / i, 2 / i} end
logger:plot()

local ok, why = pcall(gnuplot.plot, 'sin(x)')
assert(not ok and why:find('no numbers are given', 1, true), why)
ok, why = pcall(gnuplot.plot, torch.rand(3), torch.rand(4))
assert(not ok and why:find('x has 3 numbers and y has 4', 1, true), why)
print('drawn')
