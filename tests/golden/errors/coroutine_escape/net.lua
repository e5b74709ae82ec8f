-- Each coroutine dies of the deadline; the loop that makes them must die too.
while true do
  local co = coroutine.create(function() while true do end end)
  coroutine.resume(co)
end
