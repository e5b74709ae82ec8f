-- threads: jobs run at once, in the order in which they are added, in this machine; every thread has globals of its own over the
-- script's. What a job gives reaches its end callback where torch/threads would call that: in dojob, synchronize, or addjob when
-- all threads are taken.

local torch, nn, native, packages = ...
local threads = packages.threads

local Pool = torch.class('threads.Threads', threads)

-- Threads(n, init, …): each init runs once a thread, with the thread's number.
function Pool:__init(n, ...)
   native.expect('threads.Threads', '(n[, init …])', 'n', 'number', n)
   if n < 1 then error('threads.Threads: at least one thread is wanted', 2) end
   self.N, self.name = n, 'threads'
   self.worlds, self.results, self.turn, self.isspecific = {}, {}, 0, false
   for id = 1, n do
      local world = setmetatable({__threadid = id}, {__index = native.globals()})
      world._G = world
      self.worlds[id] = world
      for _, init in ipairs{...} do self:within(id, init, id) end
   end
end

-- Runs f with the globals of a thread; gives pcall's answers.
local function run(world, f, ...)
   local own = getfenv(f)
   local settable = pcall(setfenv, f, world)
   local answers = {pcall(f, ...)}
   if settable then setfenv(f, own) end
   return answers
end

function Pool:within(id, f, ...)
   local answers = run(self.worlds[id], f, ...)
   if not answers[1] then error(string.format('[thread %d init] %s', id, tostring(answers[2])), 0) end
end

-- Whether jobs are added to a thread by its number.
function Pool:specific(flag)
   if flag == nil then return self.isspecific end
   self:synchronize()
   self.isspecific = flag
end

function Pool:acceptsjob() return #self.results < self.N end
function Pool:hasjob() return #self.results > 0 end
function Pool:haserror()
   for _, result in ipairs(self.results) do
      if result.fault then return true end
   end
   return false
end

-- addjob([thread,] job[, endcallback[, arguments …]])
function Pool:addjob(...)
   local arguments = {...}
   local count, id = select('#', ...), nil
   if self.isspecific then
      id, count = table.remove(arguments, 1), count - 1
      if type(id) ~= 'number' or not self.worlds[id] then error('threads: the number of a thread, 1 to ' .. self.N .. ', is wanted', 2) end
   else
      self.turn = self.turn % self.N + 1
      id = self.turn
   end
   local job, callback = arguments[1], arguments[2]
   if type(job) ~= 'function' then error('threads: a job is a function, not a ' .. type(job), 2) end
   while not self:acceptsjob() do self:dojob() end
   local answers = run(self.worlds[id], job, unpack(arguments, 3, count))
   local result = {thread = id, callback = callback}
   if answers[1] then
      result.values, result.count = answers, table.maxn(answers)
   else
      result.fault = answers[2]
   end
   self.results[#self.results + 1] = result
end

-- The end callback of the oldest job.
function Pool:dojob()
   local result = table.remove(self.results, 1)
   if not result then return end
   if result.fault then
      error(string.format('[thread %d callback] %s', result.thread, tostring(result.fault)), 0)
   end
   if type(result.callback) == 'function' then
      result.callback(unpack(result.values, 2, result.count))
   end
end

function Pool:synchronize()
   while self:hasjob() do self:dojob() end
end

function Pool:terminate() self:synchronize() end

-- How values travel between threads, which are one machine here.
function Pool.serialization() return 'threads.serialize' end
threads.Threads.serialization = Pool.serialization
function threads.serialization() return 'threads.serialize' end

---------------------------------------------------------------------------------------------------------------
-- Nothing ever waits for a lock in one machine.

local ids = 0
local function lock(name, methods)
   local class = torch.class('threads.' .. name, threads)
   function class:__init()
      ids = ids + 1
      self._id = ids
   end
   function class:id() return self._id end
   for _, method in ipairs(methods) do class[method] = function() end end
end
lock('Mutex', {'lock', 'unlock', 'free'})
lock('Condition', {'wait', 'signal', 'free'})

local Counter = torch.class('threads.AtomicCounter', threads)
function Counter:__init(value)
   ids = ids + 1
   self._id, self.value = ids, value or 0
end
function Counter:id() return self._id end
function Counter:get() return self.value end
function Counter:set(value) self.value = value end
function Counter:inc(by)
   local before = self.value
   self.value = before + (by or 1)
   return before
end
function Counter:dec(by) return self:inc(-(by or 1)) end
function Counter:free() end

-- A function whose calls never overlap.
function threads.safe(f) return f end
function threads.sharedserialize() end
setmetatable(threads, {__call = function(_, ...) return threads.Threads(...) end})
