local t = {}
local mega = ('x'):rep(2 ^ 20)
for i = 1, 1e4 do t[i] = mega end
return table.concat(t)
