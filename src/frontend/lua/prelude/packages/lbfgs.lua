-- optim.lbfgs: the two-loop recursion over the last steps, with fixed step lengths or a line search of the caller's.

local torch, nn, native, packages = ...
local optim = packages.optim

function optim.lbfgs(opfunc, x, config, state)
   config = config or {}
   state = state or config
   local maxIter = tonumber(config.maxIter) or 20
   local maxEval = tonumber(config.maxEval) or maxIter * 1.25
   local tolFun, tolX = config.tolFun or 1e-5, config.tolX or 1e-9
   local kept = config.nCorrection or 100
   local rate = config.learningRate or 1
   local function say(words)
      if config.verbose then print('<optim.lbfgs> ', words) end
   end
   state.funcEval, state.nIter = state.funcEval or 0, state.nIter or 0

   local f, g = opfunc(x)
   local values, evaluations = {f}, 1
   state.funcEval = state.funcEval + 1
   local tmp = state.tmp1 or g.new(g:size()):zero()
   state.tmp1 = tmp
   local function size_of(tensor) return tmp:copy(tensor):abs():sum() end
   if size_of(g) <= tolFun then
      say('optimality condition below tolFun')
      return x, values
   end

   -- Steps s (old_dirs) and changes y of the gradient (old_stps), oldest first; their memory goes round.
   if not state.dir_bufs then say('creating recyclable direction/step/history buffers') end
   state.dir_bufs, state.stp_bufs = state.dir_bufs or {}, state.stp_bufs or {}
   state.old_dirs, state.old_stps = state.old_dirs or {}, state.old_stps or {}
   local steps, changes, Hdiag = state.old_dirs, state.old_stps, state.Hdiag or 1
   local d, t = state.d, state.t

   for iteration = 1, maxIter do
      state.nIter = state.nIter + 1
      if state.nIter == 1 then
         d = g:clone():mul(-1)
         steps, changes, Hdiag = {}, {}, 1
      else
         local y = (table.remove(state.dir_bufs) or g.new():resizeAs(g)):copy(g):add(-1, state.g_old)
         local s = (table.remove(state.stp_bufs) or g.new():resizeAs(g)):copy(d):mul(t)
         local curvature = y:dot(s)
         if curvature > 1e-10 then
            if #steps == kept then
               table.insert(state.stp_bufs, table.remove(steps, 1))
               table.insert(state.dir_bufs, table.remove(changes, 1))
            end
            steps[#steps + 1], changes[#changes + 1] = s, y
            Hdiag = curvature / y:dot(y)
         else
            table.insert(state.dir_bufs, y)
            table.insert(state.stp_bufs, s)
         end
         local ro, al = {}, {}
         d:copy(g):mul(-1)
         for i = #steps, 1, -1 do
            ro[i] = 1 / changes[i]:dot(steps[i])
            al[i] = steps[i]:dot(d) * ro[i]
            d:add(-al[i], changes[i])
         end
         d:mul(Hdiag)
         for i = 1, #steps do
            d:add(al[i] - changes[i]:dot(d) * ro[i], steps[i])
         end
         state.ro, state.al = ro, al
      end
      state.g_old = (state.g_old or g:clone()):copy(g)
      state.f_old = f

      local slope = g:dot(d)
      if slope > -tolX then break end
      t = state.nIter == 1 and math.min(1, 1 / size_of(g)) * rate or rate
      local spent = 0
      if type(config.lineSearch) == 'function' then
         f, g, x, t, spent = config.lineSearch(opfunc, x, t, d, f, g, slope, config.lineSearchOptions)
         values[#values + 1] = f
      else
         x:add(t, d)
         if iteration < maxIter then
            -- After the last step of all the value would be of no use to a stochastic caller.
            f, g = opfunc(x)
            spent = 1
            values[#values + 1] = f
         end
      end
      evaluations = evaluations + spent
      state.funcEval = state.funcEval + spent

      local reason
      if iteration == maxIter then
         reason = 'reached max number of iterations'
      elseif evaluations >= maxEval then
         reason = 'max nb of function evals'
      elseif size_of(g) <= tolFun then
         reason = 'optimality condition below tolFun'
      elseif tmp:copy(d):mul(t):abs():sum() <= tolX then
         reason = 'step size below tolX'
      elseif math.abs(f - state.f_old) < tolX then
         reason = 'function value changing less than tolX'
      end
      if reason then
         say(reason)
         break
      end
   end
   state.old_dirs, state.old_stps, state.Hdiag, state.d, state.t = steps, changes, Hdiag, d, t
   return x, values, evaluations
end
