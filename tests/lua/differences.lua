-- differences(values, found, loss, step, check): the slope of `loss()` by every `step`th number of `values`, taken by finite
-- differences, and the one found elsewhere go to `check(slope, found, place)`. Every script of this folder is called with it.
return function(values, found, loss, step, check)
   values, found = values:view(-1), found:view(-1)
   for i = 1, values:nElement(), step do
      local old = values[i]
      values[i] = old + 1e-5
      local above = loss()
      values[i] = old - 1e-5
      local below = loss()
      values[i] = old
      check((above - below) / 2e-5, found[i], i)
   end
end
