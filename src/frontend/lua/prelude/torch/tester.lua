-- torch.Tester and torch.TestSuite: the unit tests of Torch7's packages and of users' scripts.
--
-- A tester runs named functions, counts what they assert, writes a report, and raises when anything failed, so that
-- a script which ends with `tester:run()` ends with a status other than 0.

local torch, nn, native = ...
local fenced_write = native.write -- puts text on the output, for files that have no `io`; nil for the others

local WIDTH = 80
local FAILED = 'An error was found while running tests!'

-- `io.write` is looked up at each call: scripts replace it to silence or to watch a tester.
local function write(text)
   if fenced_write then fenced_write(text) else io.write(text) end
end

local function flush()
   if not fenced_write then io.flush() end
end

-- Equality ------------------------------------------------------------------------------------------------------

local same = {}

-- Tensors of one type and number of elements; `noun` is Tensor or Storage.
local function near(a, b, tolerance, noun)
   -- Bytes, chars and shorts have no `abs`.
   if not a.abs then a, b = a:double(), b:double() end
   local difference = a:clone():add(-1, b):abs():max()
   return difference <= tolerance, function(negate)
      return string.format('%s%s violation: max diff=%s, tolerance=%s', noun, negate and 'NE(==)' or 'EQ(==)',
         tostring(difference), tostring(tolerance))
   end
end

-- Every function below answers whether the values are equal and words about it: a string, or a function of `negate`.

function same.tensors(a, b, tolerance, any_shape)
   if not any_shape and a:dim() ~= b:dim() then return false, 'The tensors have different dimensions' end
   if a:type() ~= b:type() then return false, 'The tensors have different types' end
   if a:dim() == 0 and b:dim() == 0 then return true, 'Both tensors are empty' end
   local fits
   if any_shape then fits = a:nElement() == b:nElement() else fits = a:isSameSizeAs(b) end
   if not fits then return false, 'The tensors have different sizes' end
   return near(a, b, tolerance, 'Tensor')
end

function same.storages(a, b, tolerance)
   if a:size() ~= b:size() then return false, 'The storages have different sizes' end
   local kind = torch.type(a)
   if kind ~= torch.type(b) then return false, 'The storages have different types' end
   if a:size() == 0 then return true, 'Both storages are empty' end
   local tensor = torch[(kind:gsub('^torch%.', ''):gsub('Storage$', 'Tensor'))]
   return near(tensor(a), tensor(b), tolerance, 'Storage')
end

-- Breadth first: what differs is told as near to the outside as possible.
function same.tables(a, b, tolerance)
   local queue, head, last = {{a, b}}, 1, 1
   while head <= last do
      local x, y, path = unpack(queue[head], 1, 3)
      head = head + 1
      local function below(key) return (path and path .. '.' or '') .. tostring(key) end
      for key, value in pairs(x) do
         local other = y[key]
         if other == nil then
            return false, string.format('Entry %s missing in second table (is %s in first)', below(key), tostring(value))
         elseif type(value) == 'table' and type(other) == 'table' then
            last = last + 1
            queue[last] = {value, other, below(key)}
         else
            local ok, words = same.values(value, other, tolerance)
            if not ok then
               if type(words) == 'function' then words = words(false) end
               return false, 'At table location ' .. below(key) .. ': ' .. words
            end
         end
      end
      for key, value in pairs(y) do
         if x[key] == nil then
            return false, string.format('Entry %s missing in first table (is %s in second)', below(key), tostring(value))
         end
      end
   end
   return true, 'The tables are equal'
end

function same.values(a, b, tolerance)
   if type(a) ~= type(b) then
      return false, function(negate)
         if negate then return '' end
         return 'EQ failed: values have different types (first: ' .. type(a) .. ', second: ' .. type(b) .. ')'
      end
   elseif type(a) == 'number' then
      return math.abs(a - b) <= tolerance, function(negate)
         local words = string.format(negate and 'NE failed: %s == %s' or 'EQ failed: %s ~= %s', tostring(a), tostring(b))
         return tolerance > 0 and words .. ' with tolerance=' .. tostring(tolerance) or words
      end
   elseif type(b) == 'table' then
      return same.tables(a, b, tolerance)
   elseif torch.isTensor(a) and torch.isTensor(b) then
      return same.tensors(a, b, tolerance)
   elseif torch.isStorage(a) and torch.isStorage(b) then
      return same.storages(a, b, tolerance)
   end
   return a == b, function(negate)
      local format = negate and 'NE failed: %s (%s) == %s (%s)' or 'EQ failed: %s (%s) ~= %s (%s)'
      return string.format(format, tostring(a), type(a), tostring(b), type(b))
   end
end

-- Arguments behind the values: a tolerance and a message, in either order ------------------------------------------

local function tolerance_and_message(default, ...)
   local tolerance, message
   for i = 1, select('#', ...) do
      local given = select(i, ...)
      if type(given) == 'string' then
         if message then error('Unexpected string argument; already have message', 0) end
         message = given .. '\n'
      elseif type(given) == 'number' then
         if tolerance then error('Unexpected number argument; already have tolerance', 0) end
         assert(given >= 0, 'tolerance cannot be negative')
         tolerance = given
      elseif given ~= nil then
         error('Unrecognized argument; should be a tolerance or message', 0)
      end
   end
   return tolerance or default, message or ''
end

local function only_message(message, ...)
   assert(next{...} == nil, 'Unexpected arguments passed to test function')
   if message == nil then return '' end
   assert(type(message) == 'string', 'message parameter must be a string')
   return message == '' and '' or message .. '\n'
end

-- Tester ----------------------------------------------------------------------------------------------------------

local Tester = torch.class('torch.Tester')

function Tester:__init()
   self.errors, self.tests, self.warnings = {}, {}, {}
   self.disabledTests, self._warningCount = {}, {}
   self._currentTestName = ''
   -- assertTensorEq takes {{1}} and {1} for equal, with a warning, as it did in Torch's first years.
   self._assertTensorEqIgnoresDims = true
end

function Tester:setEarlyAbort(flag) self.earlyAbort = flag end
function Tester:setRethrowErrors(flag) self.rethrow = flag end
function Tester:setSummaryOnly(flag) self.summaryOnly = flag end

function Tester:_success()
   local name = self._currentTestName
   self.assertionPass[name] = self.assertionPass[name] + 1
   return true
end

-- The test's name, the message, and the lines of the test that led here.
function Tester:_addDebugInfo(message)
   local lines = {}
   for line in debug.traceback('', 3):gmatch('[^\n]+') do
      local own = line:find('[digits]', 1, true) or line:find('[C]', 1, true) or line == 'stack traceback:'
      if not own and #lines < 2 then lines[#lines + 1] = line end
   end
   local name = self._currentTestName
   return (name ~= '' and name .. '\n' or '') .. message .. '\n' .. table.concat(lines, '\n')
end

function Tester:_failure(message)
   if self.rethrow then error(message, 2) end
   local name = self._currentTestName
   self.assertionFail[name] = self.assertionFail[name] + 1
   self.errors[#self.errors + 1] = self:_addDebugInfo(message)
   return false
end

function Tester:_warning(message)
   local name = self._currentTestName
   self._warningCount[name] = (self._warningCount[name] or 0) + 1
   self.warnings[#self.warnings + 1] = self:_addDebugInfo(message)
end

function Tester:_assert_sub(condition, message)
   if condition then return self:_success(message) end
   return self:_failure(message)
end

-- `equal` and `words` come from `same`; a negated assertion succeeds when they are not equal.
local function judge(tester, equal, words, negate, message)
   if type(words) == 'function' then words = words(negate) end
   local success = equal
   if negate then success = not equal end
   return tester:_assert_sub(success, message .. (words or ''))
end

function Tester:assert(condition, ...)
   local message = only_message(...)
   if type(condition) ~= 'boolean' then
      self:_warning(' :assert should only be used for boolean conditions. To check for non-nil variables, do this '
         .. 'explicitly: Tester:assert(var ~= nil).')
   end
   return self:_assert_sub(condition, message .. 'BOOL violation condition=' .. tostring(condition))
end

local function general(tester, a, b, negate, ...)
   local tolerance, message = tolerance_and_message(0, ...)
   local equal, words = same.values(a, b, tolerance)
   return judge(tester, equal, words, negate, message)
end

function Tester:assertGeneralEq(got, expected, ...) return general(self, got, expected, false, ...) end
function Tester:assertGeneralNe(got, unexpected, ...) return general(self, got, unexpected, true, ...) end
function Tester:eq(got, expected, ...) return self:assertGeneralEq(got, expected, ...) end
function Tester:ne(got, unexpected, ...) return self:assertGeneralNe(got, unexpected, ...) end

-- name, what must hold, the word and the sign of the report
for _, row in ipairs{
   {'assertlt', function(a, b) return a < b end, 'LT', '>='},
   {'assertgt', function(a, b) return a > b end, 'GT', '<='},
   {'assertle', function(a, b) return a <= b end, 'LE', '>'},
   {'assertge', function(a, b) return a >= b end, 'GE', '<'},
   {'asserteq', function(a, b) return a == b end, 'EQ', '~='},
} do
   local name, holds, word, sign = row[1], row[2], row[3], row[4]
   Tester[name] = function(self, a, b, ...)
      local message = only_message(...)
      return self:_assert_sub(holds(a, b), string.format('%s%s failed: %s %s %s', message, word, tostring(a), sign, tostring(b)))
   end
end

function Tester:assertne(a, b, ...)
   local message = only_message(...)
   if type(a) == 'table' and type(b) == 'table' or type(a) == 'userdata' then
      self:_warning(' :assertne should only be used to compare basic lua objects (numbers, booleans, etc). Consider '
         .. 'using either :assertGeneralNe or :assert(a ~= b).')
   end
   return self:_assert_sub(a ~= b, string.format('%sNE failed: %s == %s', message, tostring(a), tostring(b)))
end

function Tester:assertalmosteq(a, b, ...)
   local tolerance, message = tolerance_and_message(1e-16, ...)
   return self:_assert_sub(math.abs(a - b) <= tolerance, string.format('%sALMOST_EQ failed: %s ~= %s with tolerance=%s',
      message, tostring(a), tostring(b), tostring(tolerance)))
end

local function tensors(tester, a, b, negate, ...)
   assert(torch.isTensor(a), 'First argument should be a Tensor')
   assert(torch.isTensor(b), 'Second argument should be a Tensor')
   local tolerance, message = tolerance_and_message(0, ...)
   local any_shape = tester._assertTensorEqIgnoresDims
   local equal, words = same.tensors(a, b, tolerance, any_shape)
   if any_shape and equal and not negate and not a:isSameSizeAs(b) then
      tester:_warning('Tensors have the same content but different dimensions. For backwards compatibility, they are '
         .. 'considered equal, but this may change in the future. Consider using :eq to check for equality instead.')
   end
   return judge(tester, equal, words, negate, message)
end

function Tester:assertTensorEq(a, b, ...) return tensors(self, a, b, false, ...) end
function Tester:assertTensorNe(a, b, ...) return tensors(self, a, b, true, ...) end

local function tables(tester, a, b, negate, ...)
   assert(type(a) == 'table', 'First argument should be a Table')
   assert(type(b) == 'table', 'Second argument should be a Table')
   return general(tester, a, b, negate, ...)
end

function Tester:assertTableEq(a, b, ...) return tables(self, a, b, false, ...) end
function Tester:assertTableNe(a, b, ...) return tables(self, a, b, true, ...) end

function Tester:assertErrorObj(f, accepts, ...)
   local message = only_message(...)
   local ok, err = pcall(f)
   return self:_assert_sub(not ok and accepts(err), message .. 'ERROR violation: err=' .. tostring(err))
end

function Tester:assertError(f, ...)
   return self:assertErrorObj(f, function() return true end, ...)
end

function Tester:assertErrorMsg(f, text, ...)
   return self:assertErrorObj(f, function(err) return err == text end, ...)
end

function Tester:assertErrorPattern(f, pattern, ...)
   return self:assertErrorObj(f, function(err) return string.find(err, pattern) ~= nil end, ...)
end

function Tester:assertNoError(f, ...)
   local message = only_message(...)
   local ok, err = pcall(f)
   return self:_assert_sub(ok, message .. 'ERROR violation: err=' .. tostring(err))
end

-- Running -----------------------------------------------------------------------------------------------------------

function Tester:add(f, name)
   if type(f) == 'table' then
      assert(name == nil, 'Name parameter is forbidden for a table of tests, since its use is ambiguous')
      local tests = f
      if f.__isTestSuite then
         tests = f.__tests
      else
         self:_warning('Should use TestSuite rather than plain lua table')
      end
      for key, test in pairs(tests) do
         assert(type(test) ~= 'table', 'Nested sets of tests are not supported')
         self:add(test, key)
      end
      return self
   end
   assert(type(f) == 'function', 'Only tables of functions and functions supported')
   if name == '_setUp' then
      assert(not self._setUp, 'Only one set-up function allowed')
      self._setUp = f
   elseif name == '_tearDown' then
      assert(not self._tearDown, 'Only one tear-down function allowed')
      self._tearDown = f
   else
      name = name or 'unknown'
      if self.tests[name] ~= nil then error('Test with name ' .. name .. ' already exists!') end
      self.tests[name] = f
   end
   return self
end

function Tester:disable(names)
   if type(names) == 'string' then names = {names} end
   assert(type(names) == 'table', 'Expecting name or list for disable')
   for _, name in ipairs(names) do
      assert(self.tests[name], "Unrecognized test '" .. name .. "'")
      self.disabledTests[name] = true
   end
   return self
end

-- Names are patterns: each must match at least one test.
function Tester:_getTests(names)
   if names == nil then return self.tests end
   if type(names) == 'string' then names = {names} end
   assert(type(names) == 'table', 'Only accept a name or table of test names (or nil for all tests)')
   local chosen = {}
   for _, pattern in ipairs(names) do
      local found = false
      for name, test in pairs(self.tests) do
         if string.match(name, pattern) then chosen[name], found = test, true end
      end
      assert(found, "Couldn't find test '" .. pattern .. "'")
   end
   return chosen
end

function Tester:run(names)
   local tests = self:_getTests(names)
   self.assertionPass, self.assertionFail, self.testError, self.haveWarning = {}, {}, {}, {}
   for name in pairs(tests) do
      self.assertionPass[name], self.assertionFail[name], self.testError[name] = 0, 0, 0
      self._warningCount[name] = 0
   end
   self:_run(tests)
   self:_report(tests)
   for name in pairs(tests) do
      assert(self.assertionFail[name] == 0, FAILED)
      assert(self.testError[name] == 0, FAILED)
   end
   return 0
end

-- Whether it returned, what it raised, whether all its assertions held.
function Tester:_pcall(f)
   local before = #self.errors
   local ok, result = xpcall(f, debug.traceback)
   if not ok then
      self.errors[#self.errors + 1] = self._currentTestName .. '\n Function call failed\n' .. tostring(result) .. '\n'
   end
   return ok, result, ok and before == #self.errors
end

local function count(n, noun)
   return n .. ' ' .. noun .. (n == 1 and '' or 's')
end

-- One test: SKIP, ERROR, FAIL or PASS.
local function verdict(tester, name, f)
   if tester.disabledTests[name] then return 'SKIP' end
   if tester._setUp then tester._setUp(name) end
   local ok, passed
   if tester.rethrow then
      local before = #tester.errors
      f()
      ok, passed = true, before == #tester.errors
   else
      local _
      ok, _, passed = tester:_pcall(f)
   end
   if tester._tearDown then tester._tearDown(name) end
   return not ok and 'ERROR' or not passed and 'FAIL' or 'PASS'
end

function Tester:_run(tests)
   local total = 0
   for _ in pairs(tests) do total = total + 1 end
   local digits = #tostring(total)
   write('Running ' .. count(total, 'test') .. '\n')
   local i = 1
   for name, f in pairs(tests) do
      self._currentTestName = name
      local dots = string.rep('.', math.max(0, WIDTH - 8 - (2 * digits + 2) - #name))
      local line = string.format('%' .. digits .. 'd/%d %s %s ', i, total, name, dots)
      -- A fenced file's output is whole lines: there nothing can be overwritten.
      if not fenced_write then
         write(line .. '[WAIT]')
         flush()
      end
      local word = verdict(self, name, f)
      if word == 'ERROR' then self.testError[name] = 1 end
      if not fenced_write then write('\r') end
      write(line .. '[' .. word .. ']')
      if word == 'PASS' and self._warningCount[name] > 0 then
         write('\n' .. string.rep(' ', WIDTH - 10) .. '[+warning]')
      end
      write('\n')
      flush()
      if self.earlyAbort and i < total and (word == 'ERROR' or word == 'FAIL') then
         write('Aborting on first error, not all tests have been executed\n')
         break
      end
      i = i + 1
      collectgarbage()
   end
end

function Tester:_report(tests)
   local total, failures, errors, skipped, warnings = 0, 0, 0, 0, 0
   self.countasserts = 0
   for name in pairs(tests) do
      total = total + 1
      self.countasserts = self.countasserts + self.assertionFail[name] + self.assertionPass[name]
      if self.assertionFail[name] > 0 then failures = failures + 1 end
      if self.testError[name] > 0 then errors = errors + 1 end
      if self._warningCount[name] > 0 then warnings = warnings + 1 end
      if self.disabledTests[name] then skipped = skipped + 1 end
   end
   warnings = warnings + (self._warningCount[''] or 0)
   write('Completed ' .. count(self.countasserts, 'assert') .. ' in ' .. count(total, 'test') .. ' with '
      .. count(failures, 'failure') .. ' and ' .. count(errors, 'error')
      .. (warnings > 0 and ' and ' .. count(warnings, 'warning') or '')
      .. (skipped > 0 and ' and ' .. skipped .. ' disabled' or '') .. '\n')
   if self.summaryOnly then return end
   local dashes, open = string.rep('-', WIDTH) .. '\n', false
   for _, list in ipairs{self.errors, self.warnings} do
      for _, text in ipairs(list) do
         if not open then write(dashes) end
         open = true
         write(text .. '\n')
         write(dashes)
      end
   end
end

-- A table of tests that notices a name used twice.
function torch.TestSuite()
   local tests = {}
   return setmetatable({__tests = tests, __isTestSuite = true}, {
      __index = tests,
      __newindex = function(_, key, value)
         if tests[key] ~= nil then error('Test ' .. tostring(key) .. ' is already defined.', 2) end
         if type(value) == 'table' then error('Nested tables of tests are not supported', 2) end
         if type(value) ~= 'function' then error('Only functions are supported as members of a TestSuite', 2) end
         tests[key] = value
      end,
   })
end
