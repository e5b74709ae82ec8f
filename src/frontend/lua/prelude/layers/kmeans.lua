-- nn.Kmeans: online hard k-means. The output is the number of the nearest centre (a row of `weight`) of each sample, the
-- "gradient" the mean step from the samples to their centre.

local torch, nn, native = ...

local Kmeans, Module = torch.class('nn.Kmeans', 'nn.Module')

function Kmeans:__init(k, dim, scale)
   native.expect('nn.Kmeans', '(k, dim[, scale])', 'k', 'number', k, 'dim', 'number', dim, 'scale', 'number?', scale)
   Module.__init(self)
   assert(k > 0, 'Clusters cannot be 0 or negative.')
   assert(dim > 0, 'Dimensionality cannot be 0 or negative.')
   self.k, self.dim, self.scale = k, dim, scale
   self.weight = torch.Tensor(k, dim)
   self.gradWeight = torch.Tensor(k, dim):zero()
   self.clusterSampleCount = torch.Tensor(k):zero()
   self.loss = 0
   self:reset()
end

function Kmeans:reset(stdev)
   stdev = stdev or 1
   self.weight:uniform(-stdev, stdev)
   return self
end

local function check(self, input)
   assert(input:nDimension() == 2, 'Incorrect input dimensionality. Expecting 2D.')
   assert(input:size(2) == self.dim, "Dimensionality of input and weight don't match.")
end

-- Squared distances [samples, k].
local function distances(self, input)
   local n = input:size(1)
   local shape = torch.LongStorage{n, self.k, self.dim}
   local x = input:contiguous():view(n, 1, self.dim):expand(shape)
   local centres = self.weight:view(1, self.k, self.dim):expand(shape)
   return (x - centres):pow(2):sum(3):view(n, self.k)
end

-- Centres start as samples.
function Kmeans:initRandom(input)
   check(self, input)
   assert(input:size(1) >= self.k, 'Need atleast k samples for initialization.')
   for i = 1, self.k do self.weight[i]:copy(input[torch.random(1, input:size(1))]) end
end

-- Each further centre is one of the samples that lie farthest from those before it (the upper 1 − p of them).
function Kmeans:initKmeansPlus(input, p)
   check(self, input)
   self.p = p or self.p or 0.95
   assert(self.p >= 0 and self.p <= 1, 'P value should be between 0-1.')
   local n = input:size(1)
   local candidates = math.max(1, math.ceil((1 - self.p) * n))
   self.weight[1]:copy(input[torch.random(n)])
   local nearest = input.new(n):fill(math.huge)
   for k = 2, self.k do
      local centre = self.weight[k - 1]:view(1, self.dim):expandAs(input)
      nearest:cmin((input - centre):pow(2):sum(2):view(n))
      local _, order = nearest:sort(true)
      self.weight[k]:copy(input[order[torch.random(candidates)]])
   end
end

function Kmeans:updateOutput(input)
   check(self, input)
   local least, index = distances(self, input):min(2)
   self._index = index:view(-1)
   self.output:resize(input:size(1)):copy(self._index)
   self.loss = least:sum()
   return self.output
end

-- It has a loss of its own: nothing flows back.
function Kmeans:updateGradInput(input)
   self.gradInput:resize(input:size()):zero()
   return self.gradInput
end

function Kmeans:accGradParameters(input, _, scale)
   scale = self.scale or scale or 1
   assert(scale > 0, ' Scale has to be positive.')
   self.clusterSampleCount:zero():indexAdd(1, self._index, input.new(input:size(1)):fill(1))
   local away = (self.weight:index(1, self._index) - input):mul(scale)
   local step = self.gradWeight:clone():zero():indexAdd(1, self._index, away)
   step:cdiv((self.clusterSampleCount + 1e-7):view(self.k, 1):expandAs(step))
   self.gradWeight:add(step)
end

function Kmeans:clearState()
   self._index = nil
   return Module.clearState(self)
end

function Kmeans:type(typename, cache)
   if typename then self:clearState() end
   return Module.type(self, typename, cache)
end
