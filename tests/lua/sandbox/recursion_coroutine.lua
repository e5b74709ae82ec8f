-- Lua 5.1 itself dies of this: a coroutine counts its C calls from zero.
local function f() return coroutine.wrap(f)() end
f()
