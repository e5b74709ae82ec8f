-- Random numbers: one stream for one seed, states, generators (spec 3.6).
torch.manualSeed(1)
local first = {torch.random(), torch.uniform(), torch.normal()}
assert(torch.initialSeed() == 1)
torch.manualSeed(1)
assert(torch.random() == first[1] and torch.uniform() == first[2] and torch.normal() == first[3])

-- MT19937 seeded with 5489: its first outputs are in every reference implementation
torch.manualSeed(5489)
assert(torch.random() == 3499211612 and torch.random() == 581869302 and torch.random() == 3890346734)
torch.manualSeed(5489)
assert(torch.uniform() == 3499211612 / 2 ^ 32 and torch.rand(1)[1] == 581869302 / 2 ^ 32)
torch.manualSeed(5489)
assert(torch.Tensor(2):uniform(-1, 1)[2] == 581869302 / 2 ^ 32 * 2 - 1)
-- Box-Muller: pairs, the second half cached
torch.manualSeed(5489)
local u1, u2 = 3499211612 / 2 ^ 32, 581869302 / 2 ^ 32
local radius = math.sqrt(-2 * math.log(1 - u2))
local n = torch.randn(2)
assert(math.abs(n[1] - radius * math.cos(2 * math.pi * u1)) < 1e-15)
assert(math.abs(n[2] - radius * math.sin(2 * math.pi * u1)) < 1e-15)

local state = torch.getRNGState()
assert(state:type() == 'torch.ByteTensor' and state:nElement() == 5048)
local x = torch.rand(100)
torch.setRNGState(state)
assert(torch.rand(100):equal(x))

local g = torch.Generator()
torch.manualSeed(g, 5489)
assert(torch.random(g) == 3499211612 and torch.uniform(g, 0, 2) == 581869302 / 2 ^ 32 * 2)
torch.manualSeed(g, 5489)
assert(torch.rand(g, 2)[1] == 3499211612 / 2 ^ 32)

torch.manualSeed(3)
local b = torch.Tensor(1000):bernoulli(0.3)
assert(b:sum() > 240 and b:sum() < 360 and b:eq(0):sum() + b:eq(1):sum() == 1000)
assert(torch.Tensor(3):bernoulli(torch.Tensor{0, 1, 1})[2] == 1)
assert(torch.Tensor(1000):random(3, 5):min() == 3 and torch.ByteTensor(1000):random():max() <= 255)
assert(torch.random(1) == 1 and not pcall(torch.random, 5, 3) and not pcall(torch.normal, 0, -1))
local p = torch.randperm(20)
assert(p:sum() == 210 and p:min() == 1 and torch.randperm(3, 'torch.LongTensor'):type() == 'torch.LongTensor')
for _, name in ipairs{'exponential', 'cauchy', 'logNormal'} do
   local t = torch.Tensor(5)
   assert(t[name](t) == t)
end
assert(torch.Tensor(100):geometric(0.5):min() >= 1)
local draws = torch.multinomial(torch.Tensor{0, 1, 3}, 1000, true)
assert(draws:type() == 'torch.LongTensor' and draws:min() == 2 and draws:eq(3):sum() > 650)
assert(torch.multinomial(torch.Tensor{{1, 0}, {0, 1}}, 1)[2][1] == 2 and not pcall(torch.multinomial, torch.Tensor{1, 0}, 2))
