-- Every level starts with a fresh instruction count: without a look on each resume this grows as 200^depth.
local function nest(depth)
  while true do
    local co = coroutine.create(depth > 0 and nest or function() while true do end end)
    coroutine.resume(co, depth - 1)
  end
end
nest(6)
