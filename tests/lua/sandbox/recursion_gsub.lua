local function f(c) return (('x'):gsub('x', f)) end
f()
