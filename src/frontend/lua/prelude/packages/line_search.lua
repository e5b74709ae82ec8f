-- optim, searches along a line: polyinterp, lswolfe, and cg, which has a search of its own (spec section 4).

local torch, nn, native, packages = ...
local optim = packages.optim

-- Real roots of c[1] x^n + … + c[n + 1], of degree at most 3 after leading zeros.
local function real_roots(c)
   local tiny, first = 1e-12, 1
   while first < #c and math.abs(c[first]) < tiny do first = first + 1 end
   local degree = #c - first
   local a, b, d, e = c[first], c[first + 1], c[first + 2], c[first + 3]
   if degree == 1 then return {-b / a} end
   if degree == 2 then
      local under = b * b - 4 * a * d
      if under < 0 then return {} end
      return {(-b + math.sqrt(under)) / (2 * a), (-b - math.sqrt(under)) / (2 * a)}
   end
   if degree < 1 then return {} end
   -- Higher degrees: eigenvalues of the companion matrix.
   local companion = torch.DoubleTensor(degree, degree):zero()
   for i = 1, degree do companion[1][i] = -c[first + i] / a end
   for i = 2, degree do companion[i][i - 1] = 1 end
   local found, roots = torch.eig(companion, 'N'), {}
   for i = 1, degree do
      if found[i][2] == 0 then roots[#roots + 1] = found[i][1] end
   end
   return roots
end

-- The lowest point of the polynomial through points {x, f(x), f'(x)}, one a row, between two bounds.
function optim.polyinterp(points, low, high)
   local count = points:size(1)
   local xs = points:select(2, 1)
   local least, most = xs:min(), xs:max()
   if count == 2 and not low and not high then
      local near, far = 1, 2
      if points[1][1] > points[2][1] then near, far = 2, 1 end
      local x1, f1, g1 = points[near][1], points[near][2], points[near][3]
      local x2, f2, g2 = points[far][1], points[far][2], points[far][3]
      local d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
      local d2 = math.sqrt(d1 * d1 - g1 * g2)
      if d2 ~= d2 then return (x1 + x2) / 2 end
      local x = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
      return math.min(math.max(x, x1), x2)
   end
   low, high = low or least, high or most

   -- Coefficients, highest power first, from values and slopes.
   local order = 2 * count - 1
   local A = torch.DoubleTensor(2 * count, order + 1):zero()
   local b = torch.DoubleTensor(2 * count, 1)
   for i = 1, count do
      local x = points[i][1]
      for power = 0, order do
         A[i][order - power + 1] = x ^ power
         if power > 0 then A[count + i][order - power + 1] = power * x ^ (power - 1) end
      end
      b[i][1], b[count + i][1] = points[i][2], points[i][3]
   end
   local solved = torch.gesv(b, A)
   local coefficients, slope, whole = {}, {}, true
   for i = 1, order + 1 do
      local c = solved[i][1]
      coefficients[i] = math.abs(c) <= 1e-12 and 0 or c
      if i <= order then
         slope[i] = coefficients[i] * (order - i + 1)
         whole = whole and slope[i] == slope[i] and math.abs(slope[i]) ~= math.huge
      end
   end

   local candidates = {low, high}
   for i = 1, count do candidates[#candidates + 1] = points[i][1] end
   for _, root in ipairs(whole and real_roots(slope) or {}) do candidates[#candidates + 1] = root end
   local best, value = (low + high) / 2, math.huge
   for _, x in ipairs(candidates) do
      if x >= low and x <= high then
         local f = 0
         for _, c in ipairs(coefficients) do f = f * x + c end
         if f < value then best, value = x, f end
      end
   end
   return best, value
end

-- A step length that fulfils Wolfe's conditions along d: first a bracket is found, then it is narrowed.
-- Gives f, g, x, t and the number of evaluations.
function optim.lswolfe(opfunc, x, t, d, f, g, gtd, options)
   options = options or {}
   local c1, c2 = options.c1 or 1e-4, options.c2 or 0.9
   local tolX, maxIter = options.tolX or 1e-9, options.maxIter or 20
   local start, evaluations = x:clone(), 0

   local function at(step)
      x:copy(start):add(step, d)
      local value, gradient = opfunc(x)
      evaluations = evaluations + 1
      gradient = gradient:clone()
      return {t = step, f = value, g = gradient, slope = gradient:dot(d)}
   end
   local function interpolated(a, b, low, high)
      return optim.polyinterp(torch.DoubleTensor{{a.t, a.f, a.slope}, {b.t, b.f, b.slope}}, low, high)
   end

   local before = {t = 0, f = f, g = g:clone(), slope = gtd}
   local here, iteration, bracket, done = at(t), 0, nil, false
   while iteration < maxIter do
      if here.f > f + c1 * here.t * gtd or (iteration > 1 and here.f >= before.f) then
         bracket = {before, here}
         break
      elseif math.abs(here.slope) <= -c2 * gtd then
         bracket, done = {here}, true
         break
      elseif here.slope >= 0 then
         bracket = {before, here}
         break
      end
      local longer = interpolated(before, here, here.t + 0.01 * (here.t - before.t), here.t * 10)
      before, here = here, at(longer)
      iteration = iteration + 1
   end
   bracket = bracket or {{t = 0, f = f, g = g:clone(), slope = gtd}, here}

   local stalled = false
   while not done and iteration < maxIter do
      local low, high = 1, 2
      if bracket[2].f < bracket[1].f then low, high = 2, 1 end
      local step = interpolated(bracket[1], bracket[2])
      local least = math.min(bracket[1].t, bracket[2].t)
      local most = math.max(bracket[1].t, bracket[2].t)
      -- Near an end twice in a row, or at it: go a tenth of the way inside.
      if math.min(most - step, step - least) / (most - least) < 0.1 then
         if stalled or step >= most or step <= least then
            local inside = 0.1 * (most - least)
            step = math.abs(step - most) < math.abs(step - least) and most - inside or least + inside
            stalled = false
         else
            stalled = true
         end
      else
         stalled = false
      end
      local lowest = bracket[low].f
      here = at(step)
      iteration = iteration + 1
      if here.f > f + c1 * step * gtd or here.f >= lowest then
         bracket[high] = here
      else
         if math.abs(here.slope) <= -c2 * gtd then
            done = true
         elseif here.slope * (bracket[high].t - bracket[low].t) >= 0 then
            bracket[high] = bracket[low]
         end
         bracket[low] = here
      end
      if not done and math.abs((bracket[1].t - bracket[2].t) * here.slope) < tolX then break end
   end
   local best = bracket[1]
   if bracket[2] and bracket[2].f < best.f then best = bracket[2] end
   x:copy(start):add(best.t, d)
   return best.f, best.g, x, best.t, evaluations
end

-- Conjugate gradients by Polak and Ribière; the search along each direction is Rasmussen's: cubic and quadratic
-- interpolation until the slope has fallen enough, extrapolation at most `ext` times as far.
function optim.cg(opfunc, x, config, state)
   config = config or {}
   state = state or config
   local rho, sig = config.rho or 0.01, config.sig or 0.5
   local int, ext, ratio = config.int or 0.1, config.ext or 3.0, config.ratio or 100
   local maxIter = config.maxIter or 20
   local maxEval = math.abs(config.maxEval or maxIter * 1.25)
   for _, name in ipairs{'df0', 'df1', 'df2', 'df3', 's', 'x0'} do
      state[name] = state[name] or x.new()
      state[name]:resizeAs(x)
   end
   local df1, df2, s = state.df1, state.df2, state.s

   local evaluations = 0
   local function evaluate(into)
      local value, gradient = opfunc(x)
      into:copy(gradient)
      evaluations = evaluations + 1
      return value
   end
   local function odd(z) return z ~= z or math.abs(z) == math.huge end

   local f1 = evaluate(df1)
   local values = {f1}
   s:copy(df1):mul(-1)
   local d1 = -s:dot(s)
   local z1 = 1 / (1 - d1)
   while evaluations < maxEval do
      state.x0:copy(x)
      state.df0:copy(df1)
      local f0 = f1
      x:add(z1, s)
      local f2 = evaluate(df2)
      local d2 = df2:dot(s)
      local f3, d3, z3 = f1, d1, -z1
      local left, success, limit = math.min(maxIter, maxEval - evaluations), false, -1
      local function move(step)
         z1 = z1 + step
         x:add(step, s)
         f2 = evaluate(df2)
         d2 = df2:dot(s)
         left = left - 1
      end
      while true do
         while (f2 > f1 + z1 * rho * d1 or d2 > -sig * d1) and left > 0 do
            limit = z1
            local z2
            if f2 > f1 then
               z2 = z3 - (0.5 * d3 * z3 * z3) / (d3 * z3 + f2 - f3)
            else
               local a, b = 6 * (f2 - f3) / z3 + 3 * (d2 + d3), 3 * (f3 - f2) - z3 * (d3 + 2 * d2)
               z2 = (math.sqrt(b * b - a * d2 * z3 * z3) - b) / a
            end
            if odd(z2) then z2 = z3 / 2 end
            z2 = math.max(math.min(z2, int * z3), (1 - int) * z3)
            move(z2)
            z3 = z3 - z2
         end
         if f2 > f1 + z1 * rho * d1 or d2 > -sig * d1 then break end
         if d2 > sig * d1 then
            success = true
            break
         end
         if left == 0 then break end
         local a, b = 6 * (f2 - f3) / z3 + 3 * (d2 + d3), 3 * (f3 - f2) - z3 * (d3 + 2 * d2)
         local z2 = -d2 * z3 * z3 / (b + math.sqrt(b * b - a * d2 * z3 * z3))
         local bounded = limit > -0.5
         if odd(z2) or z2 < 0 then
            z2 = bounded and (limit - z1) / 2 or z1 * (ext - 1)
         elseif bounded and z2 + z1 > limit then
            z2 = (limit - z1) / 2
         elseif not bounded and z2 + z1 > z1 * ext then
            z2 = z1 * (ext - 1)
         elseif z2 < -z3 * int then
            z2 = -z3 * int
         elseif bounded and z2 < (limit - z1) * (1 - int) then
            z2 = (limit - z1) * (1 - int)
         end
         f3, d3, z3 = f2, d2, -z2
         move(z2)
      end
      if not success then
         -- Back to the start of the line; Torch's version gives up at the first line that fails.
         x:copy(state.x0)
         f1 = f0
         df1:copy(state.df0)
         break
      end
      f1 = f2
      values[#values + 1] = f1
      s:mul((df2:dot(df2) - df2:dot(df1)) / df1:dot(df1)):add(-1, df2)
      state.df1, state.df2 = df2, df1
      df1, df2 = df2, df1
      d2 = df1:dot(s)
      if d2 > 0 then
         s:copy(df1):mul(-1)
         d2 = -s:dot(s)
      end
      z1 = z1 * math.min(ratio, d1 / (d2 - 1e-320))
      d1 = d2
   end
   return x, values, evaluations
end
