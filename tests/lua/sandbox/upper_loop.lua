local s = ('x'):rep(3e6)
while true do local t = s:upper():lower():reverse():sub(2) end
