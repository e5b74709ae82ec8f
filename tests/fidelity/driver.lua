-- Runs one of Torch7's own test suites from a checkout, for score.py: digits-rs th --trusted driver.lua SUITE FILE RESULTS SEED [TEST]
--
-- SUITE is nn, torch7, their forms for CUDA, cunn and cutorch, or image, dpnn, rnn (packages.py); FILE its test file. Every
-- test's outcome is appended to RESULTS when it ends, as a line
-- `name <tab> assertions that held <tab> that failed <tab> 1 if it raised <tab> seconds <tab> first words`, so that a run
-- that is killed still tells what it did. With TEST = ? nothing runs and the names are written instead.

local suite, file, results, seed, test = ...
seed = tonumber(seed)

require 'torch'
if suite == 'nn' or suite == 'cunn' then require 'nn' end
if suite == 'image' or suite == 'dpnn' or suite == 'rnn' then require(suite) end
if suite == 'cunn' or suite == 'cutorch' then
   require(suite)
   -- cunn's file names THC by LuaJIT's ffi, and calls nothing of it.
   package.preload.ffi = function() return {os = 'Linux', C = {}} end
end

local out = assert(io.open(results, 'a'))
local function tell(...)
   out:write(table.concat({...}, '\t'), '\n')
   out:flush()
end

-- The suites seed from the clock: here from SEED.
local randomseed = math.randomseed
function math.randomseed() randomseed(seed) end

local tests
local make = torch.TestSuite
function torch.TestSuite()
   local made = make()
   tests = tests or made.__tests
   return made
end

local clock = torch.Timer()
local pcall_test = torch.Tester._pcall
function torch.Tester:_pcall(f)
   local name, start, errors = self._currentTestName, clock:time().real, #self.errors
   local ok, message, pass = pcall_test(self, f)
   local words = (self.errors[errors + 1] or ''):gsub('[\t\n]+', ' | '):sub(1, 300)
   tell(name, self.assertionPass[name], self.assertionFail[name], ok and 0 or 1,
      string.format('%.2f', clock:time().real - start), words)
   return ok, message, pass
end

dofile(file)

if test == '?' then
   for name in pairs(tests) do tell(name) end
   os.exit(0)
end
torch.manualSeed(seed)
local names = test and {'^' .. test .. '$'} or nil
if suite == 'cunn' then
   nn.testcuda(names, false, 1, seed)
else
   local tested = _G[suite == 'torch7' and 'torch' or suite]
   -- The second argument of dpnn's and rnn's is not a seed.
   tested.test(names, suite ~= 'dpnn' and suite ~= 'rnn' and seed or nil)
end
