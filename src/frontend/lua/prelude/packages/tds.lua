-- tds: Hash and Vec. Memory of Lua's own here, which has no limit of 2 GB; plain tables in them become a Hash.

local torch, nn, native, packages = ...
local tds = packages.tds

local Hash = torch.class('tds.Hash', tds)
local Vec = torch.class('tds.Vec', tds)

local kinds = {number = true, string = true, boolean = true}

-- What may be kept: numbers, strings, booleans, tensors, and these two; a table becomes a Hash.
local function kept(value)
   if kinds[type(value)] or type(value) == 'userdata' or torch.typename(value) then return value end
   if type(value) == 'table' then return tds.Hash(value) end
   error('tds keeps numbers, strings, booleans, tensors and tds elements, not a ' .. type(value), 3)
end

local function assign(object, key, value)
   rawset(object, key, value ~= nil and kept(value) or nil)
   return true
end
Hash.__newindex__, Vec.__newindex__ = assign, assign
-- Through write_class, so that the metatable asks them.
tds.Hash.__newindex__, tds.Vec.__newindex__ = assign, assign

function Hash:__init(entries)
   for key, value in pairs(entries or {}) do assign(self, key, value) end
end

function Hash:__len__()
   local count = 0
   for _ in pairs(self) do count = count + 1 end
   return count
end

local function listed(open, object, iterate)
   local lines = {}
   for key, value in iterate(object) do lines[#lines + 1] = '   ' .. tostring(key) .. ' : ' .. tostring(value) end
   return open .. '[' .. #lines .. ']{\n' .. table.concat(lines, '\n') .. '\n}'
end

function Hash:__tostring__() return listed('tds.Hash', self, pairs) end

-- Vec(list), Vec(a, b, …).
function Vec:__init(...)
   local first = ...
   local list = select('#', ...) == 1 and type(first) == 'table' and not native.is_tensor(first) and first or {...}
   for i, value in ipairs(list) do assign(self, i, value) end
end

local function length(vec)
   local n = 0
   while rawget(vec, n + 1) ~= nil do n = n + 1 end
   return n
end
function Vec:__len__() return length(self) end
function Vec:__tostring__() return listed('tds.Vec', self, ipairs) end

-- insert([at,] value)
function Vec:insert(at, value)
   if value == nil then at, value = length(self) + 1, at end
   for i = length(self), at, -1 do rawset(self, i + 1, rawget(self, i)) end
   rawset(self, at, kept(value))
end

function Vec:remove(at)
   local last = length(self)
   at = at or last
   local value = rawget(self, at)
   for i = at, last do rawset(self, i, rawget(self, i + 1)) end
   return value
end

function Vec:resize(n)
   for i = length(self), n + 1, -1 do rawset(self, i, nil) end
end

function Vec:sort(comparison)
   local list = {}
   for i = 1, length(self) do list[i] = rawget(self, i) end
   table.sort(list, comparison)
   for i, value in ipairs(list) do rawset(self, i, value) end
end

function Vec:concat(separator, first, last)
   local list = {}
   for i = first or 1, last or length(self) do list[#list + 1] = tostring(rawget(self, i)) end
   return table.concat(list, separator or '')
end

function Vec:unpack() return unpack(self, 1, length(self)) end

tds.hash, tds.vec = tds.Hash, tds.Vec

-- A number that is changed by its methods alone.
local Counter = torch.class('tds.AtomicCounter', tds)
function Counter:__init(value) self.value = value or 0 end
function Counter:get() return self.value end
function Counter:set(value) self.value = value end
function Counter:inc()
   self.value = self.value + 1
   return self.value - 1
end
function Counter:dec()
   self.value = self.value - 1
   return self.value + 1
end
