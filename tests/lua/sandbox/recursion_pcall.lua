-- Each level catches the error of the next one and goes deeper once more; the last error is raised again.
local function f() local ok, why = pcall(f) if not ok then error(why, 0) end end
f()
