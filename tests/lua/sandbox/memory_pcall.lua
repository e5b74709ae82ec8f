-- A file may survive one refusal, but not by growing further.
local keep = {}
local ok = pcall(function() while true do keep[#keep + 1] = {} end end)
assert(not ok)
while true do keep[#keep + 1] = {} end
