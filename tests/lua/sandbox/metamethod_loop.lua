local t = setmetatable({}, {__index = function(self, key) while true do end end})
return pcall(function() return t.x end) and pcall(function() return t.x end)
