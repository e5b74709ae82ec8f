local function f()
  return (('x'):gsub('x', function() return coroutine.wrap(function() local t = setmetatable({}, {__index = f}) return t.x end)() end))
end
f()
