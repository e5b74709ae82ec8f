-- optim, methods that use no gradient: cmaes (Hansen's covariance matrix adaptation) and de (differential evolution).

local torch, nn, native, packages = ...
local optim = packages.optim

function optim.cmaes(opfunc, x, config, state)
   config = config or {}
   state = state or config
   local mean = x:clone():view(-1):double()
   local N = mean:size(1)
   local sigma = state.sigma
   if not sigma then error('optim.cmaes needs a starting step size: config.sigma, about a quarter of the search range', 2) end
   if torch.type(x) ~= 'torch.DoubleTensor' and torch.type(x) ~= 'torch.FloatTensor' then
      error('torch.symeig not available for ' .. x:type() .. ' please use Float- or DoubleTensor for x', 2)
   end
   local ftarget = state.ftarget
   local maxEval = tonumber(state.maxEval) or 1e3 * N ^ 2
   local lambda = state.popsize or math.floor(4 + 3 * math.log(N))

   -- Weights of the better half, the better the more.
   local mu = math.floor(lambda / 2)
   local weights = torch.range(0, mu - 1):double():apply(function(i) return math.log(lambda / 2 + 0.5) - math.log(i + 1) end)
   weights:div(weights:sum())
   local mueff = 1 / weights:clone():cmul(weights):sum()
   local cc = (4 + mueff / N) / (N + 4 + 2 * mueff / N)
   local cs = (mueff + 2) / (N + mueff + 5)
   local c1 = 2 / ((N + 1.3) ^ 2 + mueff)
   local cmu = math.min(1 - c1, 2 * (mueff - 2 + 1 / mueff) / ((N + 2) ^ 2 + mueff))
   local damps = 2 * mueff / lambda + 0.3 + cs

   local pc, ps = torch.DoubleTensor(N):zero(), torch.DoubleTensor(N):zero()
   local B, D = torch.eye(N):double(), torch.DoubleTensor(N):fill(1)
   local C, whiten = torch.eye(N):double(), torch.eye(N):double()
   local evaluations, decomposed, iteration = 0, 0, 0
   local values = {(opfunc(x))}
   local fitness = torch.DoubleTensor(lambda)
   local best

   local function finished()
      if evaluations == 0 then return nil end
      if evaluations >= maxEval then return 'evals' end
      if ftarget and fitness[1] <= ftarget then return 'ftarget' end
      if D:max() > 1e7 * D:min() then return 'condition' end
      if fitness[lambda] - fitness[1] < 1e-12 then return 'tolfun' end
      if sigma * D:max() < 1e-11 then return 'tolx' end
   end

   while not finished() or iteration < (state.min_iterations or 1) do
      iteration = iteration + 1
      if evaluations - decomposed > lambda / (c1 + cmu) / N / 10 then
         decomposed = evaluations
         C = (C + C:t()) / 2
         D, B = torch.symeig(C, 'V')
         D = D:clone():sqrt()
         whiten = B * torch.diag(D:clone():cinv()) * B:t()
      end
      -- Candidates: mean + sigma B D z.
      local points = torch.DoubleTensor(lambda, N)
      for k = 1, lambda do
         local z = torch.DoubleTensor(N):normal(0, 1):cmul(D)
         points[k]:copy(mean):add(sigma, B * z)
         fitness[k] = opfunc(points[k]:clone():typeAs(x):viewAs(x))
      end
      evaluations = evaluations + lambda
      local order
      fitness, order = torch.sort(fitness)
      local chosen = points:index(1, order:narrow(1, 1, mu))
      values[#values + 1] = fitness[1]
      if not best or fitness[1] < best.f then
         best = {x = chosen[1]:clone(), f = fitness[1], evaluations = evaluations}
      end

      local old = mean
      mean = chosen:t() * weights
      local y = mean - old
      ps = ps * (1 - cs) + (whiten * y) * (math.sqrt(cs * (2 - cs) * mueff) / sigma)
      local length = ps:dot(ps)
      local calm = length / (1 - (1 - cs) ^ (2 * evaluations / lambda)) / N < 2 + 4 / (N + 1) and 1 or 0
      pc = pc * (1 - cc) + y * (math.sqrt(cc * (2 - cc) * mueff) / sigma * calm)
      local c1a = c1 - (1 - calm) * c1 * cc * (2 - cc)
      local spread = chosen - old:view(1, N):expand(mu, N)
      local weighted = torch.cmul(spread, weights:view(mu, 1):expand(mu, N))
      C = C * (1 - c1a - cmu) + torch.ger(pc, pc) * c1 + (spread:t() * weighted) * (cmu / sigma ^ 2)
      sigma = sigma * math.exp(math.min(0.6, cs / damps * (length / N - 1) / 2))
      if (state.verb_disp or 0) > 0 and (iteration <= 2 or iteration % state.verb_disp == 0) then
         print(string.format('%d: %6.1f %8.1e %g', evaluations, D:max() / D:min(), sigma * math.sqrt(torch.diag(C):max()),
            fitness[1]))
      end
   end
   values[#values + 1] = best.f
   return best.x:typeAs(x):viewAs(x), values, evaluations
end

function optim.de(opfunc, x, config)
   config = config or {}
   local D = x:nElement()
   local size, factor, crossover = config.popsize or 10 * D, config.scaleFactor or 0.5, config.crossoverRate or 0.9
   local maxFEs = tonumber(config.maxFEs or config.maxEval) or 1000
   local generator = torch.Generator()
   torch.manualSeed(generator, 1)

   local population = x.new(size, D):uniform(generator, config.minRegion or -30, config.maxRegion or 30)
   local values, fitness, used = x.new(maxFEs):zero(), {}, 0
   local function evaluate(candidate)
      local value = opfunc(candidate:viewAs(x))
      used = used + 1
      if used <= maxFEs then values[used] = value end
      return value
   end
   local best, lowest
   local function consider(candidate, value)
      if not lowest or value < lowest then best, lowest = candidate:clone(), value end
   end
   for i = 1, size do
      fitness[i] = evaluate(population[i])
      consider(population[i], fitness[i])
   end
   while used + 1 < maxFEs do
      local children, theirs = population:clone(), {}
      for i = 1, size do
         local a, b
         repeat a = torch.random(generator, 1, size) until a ~= i
         repeat b = torch.random(generator, 1, size) until b ~= i and b ~= a
         local always = torch.random(generator, 1, D)
         for j = 1, D do
            if torch.uniform(generator, 0, 1) < crossover or j == always then
               children[i][j] = best[j] + factor * (population[a][j] - population[b][j])
            end
         end
         theirs[i] = evaluate(children[i])
      end
      for i = 1, size do
         if theirs[i] <= fitness[i] then
            population[i]:copy(children[i])
            fitness[i] = theirs[i]
            consider(children[i], theirs[i])
         end
      end
   end
   return best:viewAs(x), values
end
