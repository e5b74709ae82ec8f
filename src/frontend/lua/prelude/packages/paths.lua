-- paths: names of files and folders. A network file sees no disk: every check answers no.

local torch, nn, native, packages = ...
local paths = packages.paths
local files = native.files

function paths.concat(...)
   local result
   for _, part in ipairs{...} do
      part = tostring(part)
      if result == nil or part:sub(1, 1) == '/' then
         result = part
      elseif result:sub(-1) == '/' then
         result = result .. part
      else
         result = result .. '/' .. part
      end
   end
   result = result or paths.cwd()
   -- `a/./b`, `a//b` and `a/b/..` in their short forms.
   local absolute, pieces = result:sub(1, 1) == '/', {}
   for piece in result:gmatch('[^/]+') do
      if piece == '..' and #pieces > 0 and pieces[#pieces] ~= '..' then
         pieces[#pieces] = nil
      elseif piece ~= '.' and not (piece == '..' and absolute) then
         pieces[#pieces + 1] = piece
      end
   end
   local short = (absolute and '/' or '') .. table.concat(pieces, '/')
   return short == '' and '.' or short
end

function paths.basename(name, suffix)
   local base = name:match('([^/]*)/*$')
   if suffix then
      if suffix:sub(1, 1) ~= '.' then suffix = '.' .. suffix end
      if #base > #suffix and base:sub(-#suffix) == suffix then base = base:sub(1, -#suffix - 1) end
   end
   return base
end

function paths.dirname(name)
   local trimmed = #name > 1 and name:gsub('/+$', '') or name
   local folder = trimmed:match('^(.*)/[^/]*$')
   if folder == '' then return '/' end
   return folder or '.'
end

function paths.extname(name)
   return name:match('%.([^./]+)$')
end

function paths.is_win() return false end
function paths.is_mac() return false end
paths.home = '.'
if files.trusted() then paths.home = os.getenv('HOME') or '.' end
function paths.cwd() return files.here() end
function paths.filep(name) return files.kind(name) == 'file' end
function paths.dirp(name) return files.kind(name) == 'folder' end
function paths.mkdir(name) return files.mkdir(name) end
function paths.rmdir(name) return files.rmdir(name) end
function paths.tmpname() return os.tmpname() end
function paths.uname() return 'Linux', 'localhost', 'x86_64' end
function paths.getregistryvalue() end

local function listed(name) return files.kind(name) == 'folder' and files.list(name) or {} end

-- Names in a folder, one at a time; `filter` is a pattern or a function.
function paths.files(name, filter)
   local fits = function() return true end
   if type(filter) == 'string' then
      fits = function(entry) return entry:find(filter) ~= nil end
   elseif filter then
      fits = filter
   end
   local names, i = listed(name or '.'), 0
   return function()
      repeat
         i = i + 1
      until names[i] == nil or fits(names[i])
      return names[i]
   end
end

local function chosen(kind, hidden)
   return function(name)
      local found = {}
      for _, entry in ipairs(listed(name or '.')) do
         local is = files.kind(paths.concat(name or '.', entry)) == kind
         if is and entry ~= '.' and entry ~= '..' then found[#found + 1] = entry end
      end
      local i = 0
      return function()
         i = i + 1
         return found[i]
      end
   end
end
paths.iterfiles = chosen('file')
paths.iterdirs = chosen('folder')
function paths.dir(name) return files.kind(name) == 'folder' and files.list(name) or nil end

function paths.rmall(name)
   for entry in paths.iterfiles(name) do os.remove(paths.concat(name, entry)) end
   for entry in paths.iterdirs(name) do paths.rmall(paths.concat(name, entry)) end
   return paths.rmdir(name)
end

-- The file that the caller was loaded from, and a name beside it.
function paths.thisfile(name, level)
   local file = native.where()
   if not file then return nil end
   if name == nil then return paths.concat(paths.cwd(), file) end
   return paths.concat(paths.dirname(paths.concat(paths.cwd(), file)), name)
end

-- In a network file it is `require`: the file beside it, run once.
function paths.dofile(name)
   if not files.trusted() then return require((name:gsub('%.lua$', ''))) end
   return dofile(paths.thisfile(name) or name)
end

function paths.findprogram() return nil end
