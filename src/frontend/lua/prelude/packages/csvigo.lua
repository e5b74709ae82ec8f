-- csvigo: tables of values separated by commas, read and written. What io.open may not open, csvigo may not either.

local torch, nn, native, packages = ...
local csvigo = packages.csvigo

-- What a cell may hold between quotes only, as a pattern.
local function special_of(separator) return '["\r\n' .. separator:gsub('%W', '%%%0') .. ']' end

-- The cells of a whole text: quotes protect separators and line ends, and two of them are one.
local function parse(text, separator)
   local rows, row, cell, at, quoted = {}, {}, {}, 1, false
   local special = special_of(separator)
   local function end_cell()
      row[#row + 1] = table.concat(cell)
      cell = {}
   end
   local function end_row()
      if #row > 0 or #cell > 0 or quoted then
         end_cell()
         rows[#rows + 1] = row
      end
      row, quoted = {}, false
   end
   while at <= #text do
      local stop = text:find(special, at) or #text + 1
      if stop > at then cell[#cell + 1] = text:sub(at, stop - 1) end
      local mark = text:sub(stop, stop)
      at = stop + 1
      if mark == '"' and #cell == 0 then
         quoted = true
         while true do
            local close = text:find('"', at, true)
            if not close then error('csvigo.load: a quote is not closed in row ' .. #rows + 1, 3) end
            cell[#cell + 1] = text:sub(at, close - 1)
            at = close + 1
            if text:sub(at, at) ~= '"' then break end
            cell[#cell + 1] = '"'
            at = at + 1
         end
      elseif mark == '"' then
         cell[#cell + 1] = '"'
      elseif mark == separator then
         end_cell()
      elseif mark ~= '' then
         end_row()
      end
   end
   end_row()
   return rows
end

local function columns(rows, header)
   local data, names = {}, {}
   if not rows[1] then return data, names end
   for i = 1, #rows[1] do
      names[i] = header and rows[1][i] or 'var_' .. i
      data[names[i]] = {}
   end
   for r = header and 2 or 1, #rows do
      for i, name in ipairs(names) do data[name][#data[name] + 1] = rows[r][i] end
   end
   return data, names
end

local function one_of(value, wanted)
   if type(wanted) ~= 'table' then return value == tostring(wanted) end
   for _, entry in ipairs(wanted) do
      if value == tostring(entry) then return true end
   end
   return false
end

-- query('all'), query('vars'), query('union' or 'inter', {name = value or list}).
local function querying(data, names)
   local count = names[1] and #data[names[1]] or 0
   return function(what, conditions)
      if what == nil or what == 'help' then
         print("query('vars') | query('all') | query('union', {var = value, …}) | query('inter', {var = {values}, …})")
         return
      end
      if what == 'vars' then return names end
      if what == 'all' then return data end
      if what ~= 'union' and what ~= 'inter' then error("csvigo: query takes 'all', 'vars', 'union' or 'inter', not " .. tostring(what), 2) end
      local found = {}
      for _, name in ipairs(names) do found[name] = {} end
      for r = 1, count do
         local any, all = false, true
         for name, wanted in pairs(conditions) do
            if not data[name] then error("csvigo: there is no column '" .. tostring(name) .. "'", 2) end
            local fits = one_of(data[name][r], wanted)
            any, all = any or fits, all and fits
         end
         if (what == 'union' and any) or (what == 'inter' and all) then
            for _, name in ipairs(names) do table.insert(found[name], data[name][r]) end
         end
      end
      return found
   end
end

-- load{path=, separator=',', mode='tidy' | 'raw' | 'large' | 'query', header='auto', skip=0, verbose=true}
function csvigo.load(options)
   if type(options) == 'string' then options = {path = options} end
   if type(options) ~= 'table' or type(options.path) ~= 'string' then
      error("csvigo.load{path = 'file.csv'[, separator = ','][, mode = 'tidy'][, header = true][, skip = 0]}", 2)
   end
   local file, reason = io.open(options.path, 'r')
   if not file then error('csvigo.load: ' .. tostring(reason), 2) end
   local text = file:read('*a')
   file:close()
   local rows = parse(text, options.separator or ',')
   for _ = 1, options.skip or 0 do table.remove(rows, 1) end
   local mode = options.mode or 'tidy'
   if mode == 'raw' then return rows end
   if mode == 'large' then
      return setmetatable({}, {
         __index = rows,
         __len = function() return #rows end,
         __newindex = function() error('a table of csvigo in mode large is read only', 2) end,
      })
   end
   local header = options.header
   if header == nil or header == 'auto' then
      -- Names are no numbers.
      header = true
      for _, cell in ipairs(rows[1] or {}) do
         if tonumber(cell) then header = false end
      end
   end
   local data, names = columns(rows, header)
   if mode == 'query' then return querying(data, names) end
   if mode ~= 'tidy' then error("csvigo.load: mode is 'tidy', 'raw', 'query' or 'large', not " .. tostring(mode), 2) end
   return data
end

local function quote(cell, special)
   cell = tostring(cell)
   if cell:find(special) then return '"' .. cell:gsub('"', '""') .. '"' end
   return cell
end

-- save{path=, data=, separator=',', header=true, nan='nan'}: data are columns by name, rows, or a tensor's rows.
function csvigo.save(options, data)
   if type(options) == 'string' then options = {path = options, data = data} end
   if type(options) ~= 'table' or type(options.path) ~= 'string' or options.data == nil then
      error("csvigo.save{path = 'file.csv', data = {name = {values}, …} or {{row}, …}[, separator = ',']}", 2)
   end
   data = options.data
   local separator, rows = options.separator or ',', {}
   if native.is_tensor(data) then
      rows = data:dim() == 1 and {data:totable()} or data:totable()
   elseif type(data[1]) == 'table' then
      rows = data
   else
      local names, longest = {}, 0
      for name, column in pairs(data) do
         names[#names + 1] = name
         longest = math.max(longest, #column)
      end
      table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
      if options.header ~= false then rows[1] = names end
      for r = 1, longest do
         local row = {}
         for i, name in ipairs(names) do row[i] = data[name][r] == nil and '' or data[name][r] end
         rows[#rows + 1] = row
      end
   end
   local file, reason = io.open(options.path, options.mode == 'append' and 'a' or 'w')
   if not file then error('csvigo.save: ' .. tostring(reason), 2) end
   local special = special_of(separator)
   for _, row in ipairs(rows) do
      local cells = {}
      for i, cell in ipairs(row) do cells[i] = quote(cell, special) end
      file:write(table.concat(cells, separator), '\n')
   end
   file:close()
end
