-- gnuplot: pictures of numbers, drawn by this program and written as SVG or PNG; no window opens and no gnuplot is called.
-- A figure without a file of its own is written to figureN.svg beside the script's working directory.

local torch, nn, native, packages = ...
local gnuplot = packages.gnuplot

local LOOKS = {
   ['-'] = 'lines', ['.'] = 'points', ['+'] = 'points', ['+-'] = 'linespoints', ['-+'] = 'linespoints', ['~'] = 'lines',
   ['|'] = 'boxes', ['v'] = 'vectors', dots = 'points', lines = 'lines', points = 'points', linespoints = 'linespoints',
   impulses = 'impulses', boxes = 'boxes', vectors = 'vectors', steps = 'steps', lp = 'linespoints', l = 'lines', p = 'points',
}

local figures, current = {}, nil
local said = {}

local function once(sentence)
   if not said[sentence] then print('gnuplot: ' .. sentence) end
   said[sentence] = true
end

local function new_figure(file)
   return {file = file, x = {log = false}, y = {log = false}, grid = false, series = {}}
end

local function figure()
   if not current then gnuplot.figure(1) end
   return figures[current]
end

-- Writes the figure anew once there is something in it; what comes later (a title, a label) writes it again.
local function refresh(shown)
   if not shown.drawn then return end
   if not native.files.trusted() then
      once('a pasted file writes no pictures; digits-rs th --trusted does')
      return
   end
   native.plots.write(shown.file, shown)
   if not shown.named then once('figures without a file are written to figure1.svg, figure2.svg, …') end
end

-- The first word of a style is what counts here: 'with lines ls 1' is 'lines'.
local function look_of(style)
   if not style or style == '' then return 'lines' end
   if LOOKS[style] then return LOOKS[style] end
   for word in style:gmatch('%S+') do
      if LOOKS[word] then return LOOKS[word] end
   end
   return 'lines'
end

local function vector(values, what)
   if type(values) == 'table' then values = torch.DoubleTensor(values) end
   if not native.is_tensor(values) then error('gnuplot.' .. what .. ': a tensor of numbers is wanted, got ' .. type(values), 4) end
   return values:double()
end

-- [name,] x [, y] [, style], or [name,] [n, 2 or 4] [, style], as a series.
local function series_of(what, arguments)
   local name, style, tensors = nil, nil, {}
   for _, argument in ipairs(arguments) do
      if type(argument) == 'string' then
         if #tensors == 0 then name = argument else style = argument end
      else
         tensors[#tensors + 1] = vector(argument, what)
      end
   end
   local x, y = tensors[1], tensors[2]
   if not x then
      error('gnuplot.' .. what .. ': no numbers are given (expressions of gnuplot such as "sin(x)" are not drawn here)', 3)
   end
   local columns
   if y then
      if x:nElement() ~= y:nElement() then
         error(('gnuplot.%s: x has %d numbers and y has %d'):format(what, x:nElement(), y:nElement()), 3)
      end
      columns = torch.cat(x:contiguous():view(-1, 1), y:contiguous():view(-1, 1), 2)
   elseif x:dim() == 2 and (x:size(2) == 2 or x:size(2) == 4) then
      columns = x:contiguous()
   else
      local flat = x:contiguous():view(-1, 1)
      columns = torch.cat(torch.range(1, flat:size(1)):double():view(-1, 1), flat, 2)
   end
   local look = look_of(style)
   if look ~= 'vectors' and columns:size(2) == 4 then columns = columns:narrow(2, 1, 2):contiguous() end
   return {name = name, columns = columns, look = look}
end

local function is_series(argument)
   return type(argument) == 'table' and not native.is_tensor(argument) and type(argument[1]) ~= 'number'
end

-- All series of a call: tables each, a table of such tables, or one series' own arguments.
local function all_series(what, ...)
   local arguments = {...}
   if #arguments == 1 and is_series(arguments[1]) and is_series(arguments[1][1]) then arguments = arguments[1] end
   local found = {}
   if is_series(arguments[1]) then
      for i, argument in ipairs(arguments) do found[i] = series_of(what, argument) end
   else
      found[1] = series_of(what, arguments)
   end
   return found
end

local function draw(series, map, coloured)
   local shown = figure()
   shown.series, shown.map, shown.coloured, shown.drawn = series, map, coloured or false, true
   refresh(shown)
end

function gnuplot.plot(...) draw(all_series('plot', ...)) end

function gnuplot.bar(values, ...)
   local series = series_of('bar', {values, ...})
   series.look = 'boxes'
   draw({series})
end

-- A histogram: how many values lie in each of the bins. Returns it as a table with raw counts.
function gnuplot.hist(values, bins, least, most)
   values = vector(values, 'hist'):contiguous():view(-1)
   bins = bins or math.min(100, values:nElement())
   least, most = least or values:min(), most or values:max()
   if least == most then least, most = least - 0.5, most + 0.5 end
   local counts = torch.histc(values, bins, least, most)
   local middles, step = torch.DoubleTensor(bins), (most - least) / bins
   for i = 1, bins do middles[i] = least + (i - 0.5) * step end
   draw({{columns = torch.cat(middles:view(-1, 1), counts:view(-1, 1), 2), look = 'boxes'}})
   local made = {raw = counts, max = counts:max(), min = counts:min(), bins = bins, range = {least, most}}
   for i = 1, bins do made[i] = {nb = counts[i], val = middles[i]} end
   return made
end

-- Values as colours ('color', the default here as there for pictures of three planes) or grey levels ('gray').
function gnuplot.imagesc(values, palette)
   values = vector(values, 'imagesc')
   if values:dim() == 3 and values:size(1) == 1 then values = values[1] end
   if values:dim() == 3 then
      values = values:mean(1):squeeze()
      once('pictures of several planes are drawn as their mean')
   end
   if values:dim() ~= 2 then error('gnuplot.imagesc: [rows, columns] is wanted', 2) end
   draw({}, values:contiguous(), palette ~= 'gray')
end

-- A surface: here its heights as colours.
function gnuplot.splot(...)
   local tensors = {}
   for _, argument in ipairs({...}) do
      if type(argument) ~= 'string' then tensors[#tensors + 1] = vector(argument, 'splot') end
   end
   local heights = tensors[#tensors]
   if not heights or heights:dim() ~= 2 then error('gnuplot.splot: [rows, columns] of heights is wanted', 2) end
   once('surfaces are drawn as maps of their heights')
   draw({}, heights:contiguous(), true)
end

function gnuplot.figure(number)
   if number == nil then
      number = 1
      while figures[number] do number = number + 1 end
   end
   if not figures[number] then figures[number] = new_figure('figure' .. number .. '.svg') end
   current = number
   return number
end

local function file_figure(file)
   local number = gnuplot.figure()
   figures[number].file, figures[number].named = file, true
   return number
end

function gnuplot.svgfigure(file) return file_figure(file) end
function gnuplot.pngfigure(file) return file_figure(file) end
for _, kind in ipairs {'eps', 'pdf'} do
   gnuplot[kind .. 'figure'] = function(file)
      local svg = file:gsub('%.' .. kind .. '$', '') .. '.svg'
      once(('%s is written as %s'):format(file, svg))
      return file_figure(svg)
   end
end

-- The figure into a file of its own as well; what its name does not end in, .png or .svg, is appended.
function gnuplot.figprint(file)
   local shown = figure()
   if not shown.drawn then return end
   if not file:match('%.[ps][nv]g$') then file = file:gsub('%.%w+$', '') .. '.svg' end
   if native.files.trusted() then native.plots.write(file, shown) end
end

function gnuplot.plotflush() refresh(figure()) end

function gnuplot.close(number)
   number = number or current
   if number then figures[number] = nil end
   if number == current then current = nil end
end

function gnuplot.closeall() figures, current = {}, nil end

local function setter(change)
   return function(...)
      local shown = figure()
      change(shown, ...)
      refresh(shown)
   end
end

gnuplot.title = setter(function(shown, text) shown.title = tostring(text) end)
gnuplot.xlabel = setter(function(shown, text) shown.x.label = tostring(text) end)
gnuplot.ylabel = setter(function(shown, text) shown.y.label = tostring(text) end)
function gnuplot.zlabel(text) end
gnuplot.grid = setter(function(shown, wanted) shown.grid = wanted == nil or wanted == true or wanted == 'on' end)
-- The legend stands beside the plot.
function gnuplot.movelegend(horizontal, vertical) end

-- {x from, x to, y from, y to}, '' for what the numbers say; or one of gnuplot's words, which change nothing here.
gnuplot.axis = setter(function(shown, ends)
   if type(ends) ~= 'table' then return end
   shown.x.from, shown.x.to = tonumber(ends[1]), tonumber(ends[2])
   shown.y.from, shown.y.to = tonumber(ends[3]), tonumber(ends[4])
end)

-- Commands of gnuplot's own language that this knows: labels, title, ranges, logarithmic axes, grid. Others change nothing.
gnuplot.raw = setter(function(shown, command)
   for line in (command .. ';'):gmatch('([^;\n]*)[;\n]') do
      local unset = line:match('^%s*unset%s') ~= nil
      local what, rest = line:match('^%s*u?n?set%s+(%a+)%s*(.*)$')
      local text = rest and (rest:match('"(.-)"') or rest:match("'(.-)'")) or ''
      local axis = what and what:match('^([xy])')
      if what == 'title' then
         shown.title = text
      elseif what == 'grid' then
         shown.grid = not unset
      elseif what == 'logscale' or what == 'log' then
         local axes = rest:match('^[xy]+') or 'xy'
         for name in axes:gmatch('[xy]') do shown[name].log = not unset end
      elseif axis and what:sub(2) == 'label' then
         shown[axis].label = text
      elseif axis and what:sub(2) == 'range' then
         local from, to = rest:match('%[(.-):(.-)%]')
         shown[axis].from, shown[axis].to = tonumber(from), tonumber(to)
      elseif line:match('%S') then
         once('this command changes nothing here: ' .. line:match('^%s*(.-)%s*$'))
      end
   end
end)

-- Where gnuplot's own program and window would be.
function gnuplot.setgnuplotexe(path) end
function gnuplot.setgnuplotpath(path) end
function gnuplot.setterm(name) end
function gnuplot.writeraw(command) gnuplot.raw(command) end
