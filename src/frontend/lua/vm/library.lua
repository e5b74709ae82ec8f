-- The base library of a network file: Lua 5.1, what Torch7 files expect of LuaJIT beyond it, and no way round the limits.
-- `native` holds Rust functions: check() raises once the deadline has passed, enter() also when the stack runs low,
-- over() tells whether it has, text(e) turns an error of ours into the string that Torch7 code expects from pcall.
local native = ...
local check, enter, over, text = native.check, native.enter, native.over, native.text
local pcall, xpcall, error, select, type, unpack = pcall, xpcall, error, select, type, unpack
local setmetatable, concat = setmetatable, table.concat
local create, resume, wrap = coroutine.create, coroutine.resume, coroutine.wrap
local collect = collectgarbage

local function caught(ok, ...)
  check()
  if ok then return true, ... end
  return false, text((...))
end

function _G.pcall(...)
  enter()
  return caught(pcall(...))
end

-- LuaJIT's xpcall passes further arguments on.
function _G.xpcall(f, handler, ...)
  enter()
  local arguments, n = {...}, select('#', ...)
  local function call() return f(unpack(arguments, 1, n)) end
  -- Lua calls the handler from inside the hook that stopped the code, where no hook fires: there it must not run.
  local function handle(e)
    if over() then return e end
    return handler(text(e))
  end
  local function checked(...) check() return ... end
  return checked(xpcall(n == 0 and f or call, handle))
end

function coroutine.resume(...)
  enter()
  return caught(resume(...))
end

function coroutine.wrap(f)
  local inner = wrap(f)
  return function(...)
    enter()
    return inner(...)
  end
end

-- The collector's pace is ours: a file that stops it would only meet its memory limit earlier.
function _G.collectgarbage(option, argument)
  option = option or 'collect'
  if option == 'count' or option == 'collect' then return collect(option) end
  if option == 'step' then return collect('step', argument) end
  if option == 'stop' or option == 'restart' or option == 'setpause' or option == 'setstepmul' then return 0 end
  error("bad argument #1 to 'collectgarbage' (invalid option '" .. tostring(option) .. "')", 2)
end

-- A trusted script shares C's buffer with `io.write`, which keeps their order.
local write = native.print
if native.trusted then
  local stdout = io.stdout
  write = function(line) stdout:write(line, '\n') end
end
function _G.print(...)
  local parts = {}
  for i = 1, select('#', ...) do
    local part = tostring((select(i, ...)))
    if type(part) ~= 'string' then error("'tostring' must return a string to 'print'", 2) end
    parts[i] = part
  end
  write(concat(parts, '\t'))
end

table.unpack = unpack
table.getn = table.getn or function(t) return #t end
math.pow = math.pow or function(x, y) return x ^ y end
local log = math.log
function math.log(x, base)
  if base then return log(x) / log(base) end
  return log(x)
end
