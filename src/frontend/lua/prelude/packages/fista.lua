-- optim.FistaLS: FISTA (Beck and Teboulle 2009) with backtracking, for a smooth f plus a simple g.
-- `pl(y, L)` moves y to the minimum of g plus L/2 of the squared distance to y.

local torch, nn, native, packages = ...
local optim = packages.optim

function optim.FistaLS(f, g, pl, xinit, params)
   params = params or {}
   local L = params.L or 0.1
   local maxiter, maxline = params.maxiter or 50, params.maxline or 20
   for _, name in ipairs{'xkm', 'y', 'ply'} do
      params[name] = params[name] or torch.Tensor()
      params[name]:resizeAs(xinit):zero()
   end
   local before, y, trial, x = params.xkm, params.y, params.ply, xinit
   local history, momentum = {}, 1

   for iteration = 1, maxiter do
      local value, gradient = f(y, 'dx')
      local searches, at, bound = 0, nil, nil
      while true do
         trial:copy(y):add(-1 / L, gradient)
         pl(trial, L)
         x:copy(trial)
         at = f(trial)
         trial:add(-1, y)
         bound = value + gradient:dot(trial) + L / 2 * trial:dot(trial)
         searches = searches + 1
         if at <= bound then break end
         if searches > maxline then
            x:copy(before)
            break
         end
         L = L * (params.Lstep or 1.5)
      end
      if params.doFistaUpdate then
         local following = (1 + math.sqrt(1 + 4 * momentum * momentum)) / 2
         before:add(-1, x)
         y:copy(x):add((1 - momentum) / following, before)
         before:copy(x)
         momentum = following
      else
         y:copy(x)
      end
      local smooth, rough = f(y), g(y)
      history[iteration] = {nline = searches, L = L, F = smooth + rough, Fply = smooth, Gply = rough, Q = bound}
      params.L = L
      if params.verbose then
         print(string.format('iter=%d L=%g F=%g', iteration, L, smooth + rough))
         history[iteration].xk, history[iteration].y = x:clone(), y:clone()
      end
      local last = history[iteration - 1]
      if last and math.abs(history[iteration].F - last.F) <= (params.errthres or 1e-4) then break end
   end
   xinit:copy(y)
   return y, history
end
