-- bit32: Lua 5.2's operations on 32 unsigned bits, from those of `bit`.

local torch, nn, native, packages = ...
local bit32 = packages.bit32
local bit = native.globals().bit

local RANGE = 2 ^ 32
local function unsigned(x) return x % RANGE end

local function folding(f, start)
   return function(...)
      local result = start
      for i = 1, select('#', ...) do result = f(result, unsigned((select(i, ...)))) end
      return unsigned(result)
   end
end
bit32.band, bit32.bor, bit32.bxor = folding(bit.band, -1), folding(bit.bor, 0), folding(bit.bxor, 0)
function bit32.btest(...) return bit32.band(...) ~= 0 end
function bit32.bnot(x) return unsigned(bit.bnot(unsigned(x))) end

-- A negative displacement shifts the other way; one of 32 or more leaves nothing.
function bit32.lshift(x, n)
   if n <= -32 or n >= 32 then return 0 end
   return n >= 0 and unsigned(unsigned(x) * 2 ^ n) or math.floor(unsigned(x) / 2 ^ -n)
end
function bit32.rshift(x, n) return bit32.lshift(x, -n) end
function bit32.arshift(x, n)
   x = unsigned(x)
   if n < 0 or x < RANGE / 2 then return bit32.rshift(x, n) end
   if n >= 32 then return RANGE - 1 end
   return bit32.rshift(x, n) + RANGE - 2 ^ (32 - n)
end

function bit32.lrotate(x, n)
   n = n % 32
   x = unsigned(x)
   return unsigned(x * 2 ^ n) + math.floor(x / 2 ^ (32 - n))
end
function bit32.rrotate(x, n) return bit32.lrotate(x, -n) end

local function field(at, width)
   width = width or 1
   if at < 0 then error('field cannot be negative', 3) end
   if width < 1 then error('width must be positive', 3) end
   if at + width > 32 then error('trying to access non-existent bits', 3) end
   return 2 ^ width
end
function bit32.extract(x, at, width)
   local span = field(at, width)
   return math.floor(unsigned(x) / 2 ^ at) % span
end
function bit32.replace(x, value, at, width)
   local span = field(at, width)
   return unsigned(x) + (unsigned(value) % span - bit32.extract(x, at, width)) * 2 ^ at
end
