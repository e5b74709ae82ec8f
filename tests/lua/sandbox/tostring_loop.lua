-- The error object's own __tostring runs while the error travels.
error(setmetatable({}, {__tostring = function() while true do end end}))
