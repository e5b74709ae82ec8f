-- The base library of a network file: Lua 5.1, what Torch7 files expect of LuaJIT beyond it, and no way round the limits.
-- `native` holds Rust functions: check() raises once the deadline has passed, look() does so now and then and is cheap,
-- enter() also raises when the stack runs low,
-- over() tells whether it has, text(e) turns an error of ours into the string that Torch7 code expects from pcall.
local native = ...
local check, enter, over, text = native.check, native.enter, native.over, native.text
local error, select, type, unpack = error, select, type, unpack
local setmetatable, concat, sub = setmetatable, table.concat, string.sub
local create, resume, wrap = coroutine.create, coroutine.resume, coroutine.wrap
local collect = collectgarbage

local function caught(ok, ...)
  check()
  if ok then return true, ... end
  return false, text((...))
end

-- An error in our own Lua names the user's line that led there, which is known as long as the stack stands.
local placed, protected = native.placed, native.protected
local function named(e)
  if type(e) == 'string' and sub(e, 1, 8) == '[digits]' and not over() then return placed(e) end
  return e
end

function _G.pcall(...)
  if select('#', ...) == 0 then error("bad argument #1 to 'pcall' (value expected)", 2) end
  enter()
  return caught(protected(named, ...))
end

-- Rust knows errors as text: what is none is remembered, so that a pcall beyond Rust's functions finds it again.
local threw, place = native.threw, native.place
function _G.error(what, level)
  local kind = type(what)
  if kind == 'table' or kind == 'userdata' or kind == 'function' then threw(what) end
  level = tonumber(level or 1)
  if level and level >= 1 and level < 200 and (kind == 'string' or kind == 'number') then
    error(place(level - level % 1) .. what, 0)
  end
  error(what, 0)
end

-- LuaJIT throws an object that `assert` is given.
function _G.assert(...)
  local ok, what = ...
  if ok then return ... end
  if select('#', ...) == 0 then error("bad argument #1 to 'assert' (value expected)", 2) end
  local kind = type(what)
  if what == nil or kind == 'string' or kind == 'number' then error(place(1) .. (what or 'assertion failed!'), 0) end
  if kind ~= 'boolean' then threw(what) end
  error(what, 0)
end

-- LuaJIT's xpcall passes further arguments on.
function _G.xpcall(f, handler, ...)
  enter()
  -- Lua calls the handler from inside the hook that stopped the code, where no hook fires: there it must not run.
  local function handle(e)
    if over() then return e end
    return handler(text(named(e)))
  end
  local function checked(...) check() return ... end
  return checked(protected(handle, f, ...))
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
  -- As trepl's print does: whoever reads a pipe or a log sees each line at once, and a killed script loses none.
  write = function(line)
    stdout:write(line, '\n')
    stdout:flush()
  end
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

-- Of io a network file has what writes as print does; a line is handed on when it is whole.
if not native.trusted then
  local put, tostring = native.put, tostring
  local function write(...)
    for i = 1, select('#', ...) do
      local part = select(i, ...)
      if type(part) ~= 'string' and type(part) ~= 'number' then
        error('bad argument #' .. i .. " to 'write' (string expected, got " .. type(part) .. ')', 3)
      end
      put(tostring(part))
    end
    return true
  end
  local function nothing() return true end
  local file = { write = function(_, ...) return write(...) end, flush = nothing, setvbuf = nothing }
  native.io = { write = function(...) return write(...) end, flush = nothing, stdout = file, stderr = file }
end

-- C's sort looks at no clock between two calls of Lua code: a long table is sorted here, by a heap, where the hook fires.
if not native.trusted then
  local sort = table.sort
  local SHORT = 20000
  local function before(a, b) return a < b end
  local function sink(t, at, last, less)
    local value = t[at]
    while 2 * at <= last do
      local child = 2 * at
      if child < last and less(t[child], t[child + 1]) then child = child + 1 end
      if not less(value, t[child]) then break end
      t[at] = t[child]
      at = child
    end
    t[at] = value
  end
  function table.sort(t, less)
    local last = type(t) == 'table' and #t or 0
    if last <= SHORT or (less ~= nil and type(less) ~= 'function') then return sort(t, less) end
    less = less or before
    for at = math.floor(last / 2), 1, -1 do sink(t, at, last, less) end
    for place = last, 2, -1 do
      t[1], t[place] = t[place], t[1]
      sink(t, 1, place - 1, less)
    end
  end
end

-- One call of these takes as long as the table or the string is: a loop of them is few instructions, and the hook, which
-- counts those, would come too late.
if not native.trusted then
  local look = native.look
  local insert, remove, concat, maxn = table.insert, table.remove, table.concat, table.maxn
  local upper, lower, reverse, sub = string.upper, string.lower, string.reverse, string.sub
  function table.insert(t, ...)
    if select('#', ...) > 1 then look() end
    return insert(t, ...)
  end
  function table.remove(...) look() return remove(...) end
  function table.concat(...) look() return concat(...) end
  function table.maxn(...) look() return maxn(...) end
  function string.upper(...) look() return upper(...) end
  function string.lower(...) look() return lower(...) end
  function string.reverse(...) look() return reverse(...) end
  function string.sub(...) look() return sub(...) end
end

-- A format as long as a book would be filled in one call.
local date = os.date
function os.date(format, ...)
  if type(format) == 'string' and #format > 1000 then error("bad argument #1 to 'date' (the format is too long)", 2) end
  native.look()
  return date(format, ...)
end

-- What C writes for a value without a form of its own says where it lies in memory.
if not native.trusted then
  local tostring, identity, match = tostring, native.identity, string.match
  function _G.tostring(...)
    local value, written = ..., tostring(...)
    local kind = type(value)
    if kind == 'number' or kind == 'string' or type(written) ~= 'string' then return written end
    local word = match(written, '^(%a+): 0x%x+$')
    return word and word .. ': ' .. identity(value) or written
  end
end

-- LuaJIT's answers of `os.execute`: true or nil, how the program ended, its status or the signal. `os.exit` takes true and false.
if native.trusted then
  local execute, exit = os.execute, os.exit
  function os.execute(command)
    local status = execute(command)
    if command == nil then return status ~= 0 end
    if status == -1 then return nil, 'exit', -1 end
    local signal = status % 128
    if signal ~= 0 then return nil, 'signal', signal end
    local code = math.floor(status / 256) % 256
    return code == 0 or nil, 'exit', code
  end
  function os.exit(code)
    if code == true then code = 0 elseif code == false then code = 1 end
    exit(code)
  end
end

-- C's unpack counts in ints that overflow at their ends: `unpack({}, 2147483648)` would write past the stack. The stack of a
-- call holds 8,000 values.
do
  local MOST, LOWEST, HIGHEST = 7900, -2147483648, 2147483646
  function _G.unpack(list, first, last)
    if first == nil and last == nil then return unpack(list) end
    local from, to = tonumber(first == nil and 1 or first), tonumber(last == nil and type(list) == 'table' and #list or last)
    if type(list) == 'table' and from and to then
      if not (from >= LOWEST and from <= HIGHEST and to >= LOWEST and to <= HIGHEST and to - from < MOST) then
        if from > to then return end
        error('too many results to unpack', 2)
      end
    end
    return unpack(list, first, last)
  end
end
table.unpack = _G.unpack
function _G.rawlen(value)
  local kind = type(value)
  if kind ~= 'table' and kind ~= 'string' then error('table or string expected', 2) end
  return #value
end
function table.pack(...) return { n = select('#', ...), ... } end
table.getn = table.getn or function(t) return #t end
math.pow = math.pow or function(x, y) return x ^ y end
local log = math.log
function math.log(x, base)
  if base then return log(x) / log(base) end
  return log(x)
end
