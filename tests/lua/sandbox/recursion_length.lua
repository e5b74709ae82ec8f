-- A length that asks for itself: it is Lua's stack or the native one that ends.
local t = setmetatable({}, {__len = function(self) return #self + 1 end})
return #t
