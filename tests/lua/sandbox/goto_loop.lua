-- Loops that a `goto` makes are stopped as all others are.
local n = 0
::again::
n = n + 1
for i = 1, 3 do
   if i == 2 then goto again end
end
