-- Penlight's path, dir and file: names, folders and whole files. A network file sees no disk: every check answers no.

local torch, nn, native, packages = ...
local pl = packages.pl
local files = native.files
local paths = require 'paths'

local path, dir, file = {}, {}, {}
pl.path, pl.dir, pl.file = path, dir, file
path.sep, path.dirsep, path.is_windows = '/', ':', false

-- Joined as they are: of absolute parts the last one counts.
function path.join(first, ...)
   local joined = first
   for _, part in ipairs{...} do
      if part:sub(1, 1) == '/' then
         joined = part
      elseif joined == '' or joined:sub(-1) == '/' then
         joined = joined .. part
      else
         joined = joined .. '/' .. part
      end
   end
   return joined
end

function path.splitpath(name)
   local folder, base = name:match('^(.*)/([^/]*)$')
   return folder or '', base or name
end
function path.splitext(name)
   local root, ending = name:match('^(.*[^/])(%.[^./]*)$')
   return root or name, ending or ''
end
function path.basename(name) return (select(2, path.splitpath(name))) end
function path.dirname(name) return (path.splitpath(name)) end
function path.extension(name) return (select(2, path.splitext(name))) end
function path.isabs(name) return name:sub(1, 1) == '/' end
function path.normpath(name) return paths.concat(path.isabs(name) and '/' or '.', name) end
function path.abspath(name, folder) return paths.concat(folder or paths.cwd(), name) end
function path.currentdir() return paths.cwd() end
function path.expanduser(name) return (name:gsub('^~', paths.home)) end
function path.exists(name) return files.kind(name) ~= nil and name end
function path.isfile(name) return files.kind(name) == 'file' end
function path.isdir(name) return files.kind(name) == 'folder' end
function path.mkdir(name) return files.mkdir(name) end
function path.rmdir(name) return files.rmdir(name) end
function path.getsize(name) return (files.attributes(name) or {}).size end
function path.getmtime(name) return (files.attributes(name) or {}).modification end

-- A file name's pattern with `*` and `?`.
function dir.fnmatch(name, mask)
   local pattern = mask:gsub('[%^%$%(%)%%%.%[%]%+%-]', '%%%0'):gsub('%*', '.*'):gsub('%?', '.')
   return name:find('^' .. pattern .. '$') ~= nil
end

function dir.filter(names, mask)
   local kept = {}
   for _, name in ipairs(names) do
      if dir.fnmatch(name, mask) then kept[#kept + 1] = name end
   end
   return kept
end

local function listed(folder, kind, mask)
   local found = {}
   for _, name in ipairs(files.list(folder)) do
      local whole = path.join(folder, name)
      local is_wanted = name ~= '.' and name ~= '..' and files.kind(whole) == kind
      if is_wanted and (not mask or dir.fnmatch(name, mask)) then found[#found + 1] = whole end
   end
   return found
end
function dir.getfiles(folder, mask) return listed(folder or '.', 'file', mask) end
function dir.getdirectories(folder) return listed(folder or '.', 'folder') end
function dir.getallfiles(folder, mask)
   local found = dir.getfiles(folder, mask)
   for _, below in ipairs(dir.getdirectories(folder)) do
      for _, name in ipairs(dir.getallfiles(below, mask)) do found[#found + 1] = name end
   end
   return found
end
function dir.makepath(name) return files.mkdir(name) end
function dir.rmtree(name) return paths.rmall(name) end

function file.read(name, is_binary)
   local handle, why = io.open(name, is_binary and 'rb' or 'r')
   if not handle then return nil, why end
   local text = handle:read('*a')
   handle:close()
   return text
end

function file.write(name, text, is_binary)
   local handle, why = io.open(name, is_binary and 'wb' or 'w')
   if not handle then return nil, why end
   handle:write(text)
   handle:close()
   return true
end

function file.copy(from, to)
   local text, why = file.read(from, true)
   if not text then return nil, why end
   return file.write(to, text, true)
end

function file.delete(name) return os.remove(name) end
function file.move(from, to) return os.rename(from, to) end
file.modified_time = path.getmtime
dir.copyfile, dir.movefile = file.copy, file.move
