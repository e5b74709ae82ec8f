local big = ('x'):rep(1e6)
return big:gsub('.', big)
