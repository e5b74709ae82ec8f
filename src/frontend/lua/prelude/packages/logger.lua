-- optim.Logger: rows of numbers, tab separated, into a file (for trusted scripts) or into the output.

local torch, nn, native, packages = ...
local optim = packages.optim

local Logger = torch.class('optim.Logger', optim)

function Logger:__init(filename, timestamp)
   self.name = filename or 'stdout'
   if filename and native.files.trusted() then
      native.files.mkdir(filename:match('^(.*)/[^/]*$') or '.')
      if timestamp then filename = filename .. '-' .. os.date('%Y_%m_%d_%X') end
      self.file = assert(io.open(filename, 'w'))
      self.epsfile = self.name .. '.eps'
   end
   self.empty = true
   self.symbols, self.styles, self.names, self.idx = {}, {}, {}, {}
   self.showPlot, self.defaultStyle, self.logscale = true, '+', false
end

local function row(self, cells)
   local text = table.concat(cells, '\t') .. '\t'
   if self.file then
      self.file:write(text .. '\n')
      self.file:flush()
   else
      print(text)
   end
end

local function announce(self, names)
   self.empty = false
   self.nsymbols = #names
   local cells = {}
   for key, name in pairs(names) do
      cells[#cells + 1] = tostring(name)
      self.symbols[key], self.styles[key], self.names[key], self.idx[name] = {}, {self.defaultStyle}, name, key
   end
   row(self, cells)
end

function Logger:setNames(names)
   announce(self, names)
   return self
end

function Logger:add(symbols)
   if self.empty then
      local names = {}
      for key in pairs(symbols) do names[key] = key end
      announce(self, names)
   end
   local cells = {}
   for key, value in pairs(symbols) do
      if type(value) == 'number' then
         cells[#cells + 1] = string.format('%11.4e', value)
      elseif type(value) == 'string' then
         cells[#cells + 1] = value
      else
         error('<Logger> can only log numbers and strings', 2)
      end
      self.symbols[key] = self.symbols[key] or {}
      table.insert(self.symbols[key], value)
   end
   row(self, cells)
end

function Logger:style(styles)
   for name, style in pairs(styles) do
      assert(type(style) == 'string' or type(style) == 'table', 'style should be a string or a table of strings')
      self.styles[name] = type(style) == 'table' and style or {style}
   end
   return self
end

function Logger:setlogscale(state) self.logscale = state end
function Logger:display(state) self.showPlot = state end

-- The columns that have a style, over the rows, beside the log: `training.log.svg`.
function Logger:plot()
   if not (self.name and native.files.trusted()) then
      if not self.warned then print('<Logger> warning: cannot plot here: the numbers are in ' .. tostring(self.name)) end
      self.warned = true
      return
   end
   local series = {}
   for key, name in pairs(self.names) do
      local styles, values = self.styles[key] or {}, {}
      for i, value in ipairs(self.symbols[key] or {}) do values[i] = tonumber(value) or 0 / 0 end
      for _, style in ipairs(#values > 0 and styles or {}) do
         series[#series + 1] = {tostring(name), torch.DoubleTensor(values), style}
      end
   end
   if #series == 0 then return end
   local gnuplot = require 'gnuplot'
   gnuplot.svgfigure(self.name .. '.svg')
   if self.logscale then gnuplot.raw('set logscale y') end
   gnuplot.grid(true)
   gnuplot.title('<Logger::' .. self.name .. '>')
   gnuplot.plot(series)
   gnuplot.close()
end
