-- sys: clock and terminal colours (which are off: a log is no terminal); programs run only for trusted scripts.

local torch, nn, native, packages = ...
local sys = packages.sys

sys.clock = native.seconds

local tic = sys.clock()
function sys.tic() tic = sys.clock() end
function sys.toc(verbose)
   local passed = sys.clock() - tic
   if verbose then print(passed) end
   return passed
end

sys.COLORS = setmetatable({}, {__index = function() return '' end})
sys.colors = sys.COLORS
sys.OS = 'linux'
function sys.uname() return 'linux' end

-- The output of a program without its last line break.
function sys.execute(command)
   if not native.files.trusted() then return os.execute(command) end -- raises the page that says why not
   local pipe = io.popen(command)
   local text = pipe:read('*a')
   pipe:close()
   return (text:gsub('\n$', ''))
end
sys.fexecute = sys.execute

-- What `ls` with these options says of a path.
local function listing(options)
   return function(path) return sys.execute('ls ' .. options .. (path or '')) end
end
sys.ls, sys.ll, sys.la, sys.lla = listing(''), listing('-l '), listing('-a '), listing('-la ')

function sys.sleep(seconds)
   local stop = sys.clock() + seconds
   while sys.clock() < stop do end
end

function sys.usleep(microseconds) sys.sleep(microseconds / 1e6) end
function sys.isNaN(number) return number ~= number end

function sys.split(text, separator)
   local pieces, from = {}, 1
   while true do
      local first, last = text:find(separator, from, true)
      pieces[#pieces + 1] = text:sub(from, (first or 0) - 1)
      if not first then return pieces end
      from = last + 1
   end
end

function sys.basename(name) return packages.paths.basename and packages.paths.basename(name) or name:match('[^/]*$') end
function sys.dirname(name) return name:match('^(.*)/[^/]*$') or '.' end
function sys.dirp(name) return native.files.kind(name) == 'folder' end
function sys.filep(name) return native.files.kind(name) == 'file' end
function sys.fpath() return sys.dirname((native.where())) end
