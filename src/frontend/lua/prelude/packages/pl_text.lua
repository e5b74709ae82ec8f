-- Penlight's further functions of strings, its lexer with patterns of one's own, `data.read`, and what it has that is not here.

local torch, nn, native, packages = ...
local pl = packages.pl
local stringx, List = pl.stringx, pl.List

local function found(text, part, first, last, is_last)
   first = first or 1
   local at
   while true do
      local from, to = text:find(part, first, true)
      if not from or (last and to > last) then return at end
      at, first = from, from + 1
      if not is_last then return at end
   end
end
-- Where a part of a text is first, and last.
function stringx.lfind(text, part, first, last) return found(text, part, first, last) end
function stringx.rfind(text, part, first, last) return found(text, part, first, last, true) end
function stringx.rpartition(text, separator)
   local at = stringx.rfind(text, separator)
   if not at then return '', '', text end
   return text:sub(1, at - 1), separator, text:sub(at + #separator)
end
function stringx.center(text, width, fill)
   local missing = math.max(0, width - #text)
   local left = math.floor(missing / 2)
   return (fill or ' '):rep(left) .. text .. (fill or ' '):rep(missing - left)
end
function stringx.isalnum(text) return text:find('^%w+$') ~= nil end
function stringx.islower(text) return text:find('%a') ~= nil and text:lower() == text end
function stringx.isupper(text) return text:find('%a') ~= nil and text:upper() == text end
function stringx.title(text)
   return (text:gsub('(%S)(%S*)', function(first, rest) return first:upper() .. rest:lower() end))
end
function stringx.expandtabs(text, width)
   return (text:gsub('([^\t\n]*)\t', function(before) return before .. (' '):rep((width or 8) - #before % (width or 8)) end))
end
-- A text as a file that is read.
pl.stringio = {
   open = function(text)
      local at = 1
      local file = {}
      function file.read(_, what)
         what = what or '*l'
         if at > #text then return what == '*a' and '' or nil end
         local from, piece = at, nil
         if what == '*a' then
            piece, at = text:sub(from), #text + 1
         elseif what == '*n' then
            local first, last = text:find('^%s*[-+]?[%w.]+', at)
            piece, at = first and tonumber(text:sub(first, last)), (last or at) + 1
         elseif type(what) == 'number' then
            piece, at = text:sub(from, from + what - 1), from + what
         else
            local stop = text:find('\n', at, true) or #text + 1
            piece, at = text:sub(from, stop - 1), stop + 1
         end
         return piece
      end
      function file.lines() return function() return file:read() end end
      function file.close() end
      return file
   end,
}

local lexer = {}
pl.lexer = lexer
local function space(token) return coroutine.yield('space', token) end
local function number(token, options) return coroutine.yield('number', options and options.number and tonumber(token) or token) end
local function quoted(token, options)
   return coroutine.yield('string', options and options.string and token:sub(2, -2) or token)
end
local function name(token) return coroutine.yield('iden', token) end
local function sign(token) return coroutine.yield(token, token) end
local plain = {
   {'^%s+', space}, {'^0x[%da-fA-F]+', number}, {'^[%a_][%w_]*', name}, {'^%d+%.?%d*[eE][-+]?%d+', number},
   {'^%d+%.?%d*', number}, {"^'.-[^\\]'", quoted}, {'^".-[^\\]"', quoted}, {"^''", quoted}, {'^""', quoted}, {'^.', sign},
}

-- Type and text of each token. `matches` has pairs of an anchored pattern and a function that yields both; a function that
-- `filter` names is passed over.
function lexer.scan(text, matches, filter, options)
   if type(text) ~= 'string' then text = text:read('*a') end
   matches, filter, options = matches or plain, filter or {[space] = true}, options or {number = true, string = true}
   return coroutine.wrap(function()
      local at = 1
      while at <= #text do
         local first, last, act
         for _, match in ipairs(matches) do
            first, last = text:find(match[1], at)
            act = match[2]
            if first then break end
         end
         if not first or last < at then error("lexer.scan: no pattern takes '" .. text:sub(at, at + 20) .. "'") end
         at = last + 1
         if not filter[act] then act(text:sub(first, last), options) end
      end
   end)
end

-- Rows of a file whose first line names the fields, split at a comma, tab, semicolon or white space; fields that are numbers
-- in the first row are numbers.
local data = {}
pl.data = data
local Table = {}
Table.__index = Table
function Table:column_by_name(field)
   local at = self.fieldnames:index(field) or error('there is no field ' .. tostring(field), 2)
   return List(self):map(function(row) return row[at] end)
end
function data.read(name, options)
   options = options or {}
   local file = name
   if type(name) == 'string' then
      local why
      file, why = io.open(name)
      if not file then return nil, why end
   end
   local lines = List(function() return file:read() end)
   if type(name) == 'string' then file:close() end
   local head = options.fieldnames or table.remove(lines, 1) or ''
   local delimiter = options.delim
   if not delimiter then
      local sample = type(head) == 'string' and head or lines[1] or ''
      delimiter = sample:match('[,]') or sample:match('\t') or sample:match(';') or ' '
   end
   local function split(line)
      line = line:gsub('\r$', '')
      if delimiter == ' ' then return stringx.split(line) end
      return stringx.split(line, delimiter):map(stringx.strip)
   end
   local fields = type(head) == 'string' and split(head) or List(head)
   local read = setmetatable({original_fieldnames = fields, delim = delimiter}, Table)
   read.fieldnames = fields:map(function(field) return (field:gsub('%W', '_')) end)
   local numeric
   for _, line in ipairs(lines) do
      if line:find('%S') then
         local row = split(line)
         numeric = numeric or row:map(function(entry) return tonumber(entry) ~= nil end)
         for i, entry in ipairs(row) do
            if numeric[i] and not options.no_convert then row[i] = tonumber(entry) or entry end
         end
         read[#read + 1] = row
      end
   end
   return read
end

-- `require('pl.import_into')()` answers the table of all parts; with a table, it fills that one.
function pl.import_into(into)
   if not into then return pl end
   for part, value in pairs(pl) do into[part] = value end
   return into
end

local absent = {}
for _, part in ipairs{
   'Date', 'MultiMap', 'app', 'array2d', 'comprehension', 'config', 'func', 'input', 'luabalanced', 'permute', 'seq', 'sip', 'strict',
   'template', 'test', 'url', 'xml',
} do absent[part] = true end
setmetatable(pl, {__index = function(_, part)
   if not absent[part] then return nil end
   local here = pl.tablex.keys(pl):sort():join(', ')
   error("Penlight's " .. part .. ' is not here; of pl there are ' .. here, 2)
end})
