-- lfs (LuaFileSystem): folders and what is known of files, for scripts that the user vouches for; others get the page that
-- says why not.

local torch, nn, native, packages = ...
local lfs = packages.lfs
local files = native.files
lfs._VERSION = 'LuaFileSystem 1.6.3'

function lfs.currentdir() return files.here() end

-- As lfs answers: true, or nil and why not.
local function answer(ok, what, name)
   if ok then return true end
   return nil, what .. ' ' .. tostring(name)
end
function lfs.chdir(name) return answer(files.change(name), 'Unable to change working directory to', name) end
function lfs.mkdir(name)
   if files.kind(name) then return nil, 'File exists' end
   return answer(files.mkdir(name), 'cannot make', name)
end
function lfs.rmdir(name) return answer(files.rmdir(name), 'cannot remove', name) end

-- The facts of a file: one of them, or all as a table.
function lfs.attributes(name, wanted)
   local known = files.attributes(name)
   if not known then return nil, "cannot obtain information from file '" .. tostring(name) .. "'" end
   if type(wanted) == 'string' then return known[wanted] end
   if type(wanted) ~= 'table' then return known end
   for key, value in pairs(known) do wanted[key] = value end
   return wanted
end
lfs.symlinkattributes = lfs.attributes

function lfs.dir(name)
   local names, i = files.list(name), 0
   local function following()
      i = i + 1
      return names[i]
   end
   return following, {next = following, close = function() i = #names end}
end
