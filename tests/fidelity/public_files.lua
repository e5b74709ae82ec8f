-- What the drivers of public_files.txt call: noise in the shape of an input, and a step of training whose numbers are looked at.
require 'torch'

-- The same draws each time: a test that compares with differences of its own fails for some of them, in Torch7 as here.
torch.manualSeed(1)

-- Uniform indices in 1 .. n.
function indices(n, ...) return torch.rand(...):mul(n):floor():add(1) end

local function each_tensor(value, visit)
   if torch.isTensor(value) then visit(value)
   elseif type(value) == 'table' then for _, part in pairs(value) do each_tensor(part, visit) end end
end

local function like(value)
   if torch.isTensor(value) then return value:clone():fill(1e-3) end
   local parts = {}
   for name, part in pairs(value) do parts[name] = like(part) end
   return parts
end

-- Every tensor in `value` holds finite numbers, and there is one.
function finite(value, what)
   local count = 0
   each_tensor(value, function(tensor)
      if tensor:nElement() == 0 then return end
      local sum = tensor:double():sum()
      assert(sum == sum and math.abs(sum) < math.huge, (what or 'a value') .. ' is not finite')
      count = count + 1
   end)
   assert(count > 0, (what or 'a value') .. ' holds no tensor')
end

-- A network runs forward and backward and learns: with a criterion by its gradient, without one by a small constant gradient.
-- Two steps, so that what a network keeps between calls is used again. Returns its output.
function step(net, input, criterion, target)
   net:training()
   local output
   for _ = 1, 2 do
      net:zeroGradParameters()
      output = net:forward(input)
      finite(output, 'the output')
      local gradient
      if criterion then
         local loss = criterion:forward(output, target)
         assert(loss == loss and math.abs(loss) < math.huge, 'the loss is not finite')
         gradient = criterion:backward(output, target)
      else
         gradient = like(output)
      end
      net:backward(input, gradient)
      local _, gradients = net:parameters()
      if gradients and #gradients > 0 then finite(gradients, 'the gradients of the parameters') end
      net:updateParameters(1e-4)
   end
   net:evaluate()
   finite(net:forward(input), 'the output in evaluation')
   return output
end

-- The text of a file with lines of words, for the scripts that learn language.
function write_text(path, lines)
   local words = {'the', 'cat', 'sat', 'on', 'a', 'mat', 'and', 'saw', 'red', 'dogs', 'run', 'far'}
   local file = assert(io.open(path, 'w'))
   for i = 1, lines do
      local line = {}
      for j = 1, 8 do line[j] = words[(i * j + i + j) % #words + 1] end
      file:write(table.concat(line, ' '), '\n')
   end
   file:close()
end

-- Runs a script that never ends by itself until it has printed `count` lines in which the pattern occurs.
function run_until(path, count, pattern)
   local finished = 'the driver has seen enough'
   local real = print
   print = function(...)
      real(...)
      local first = tostring((...))
      if first:find(pattern) then
         count = count - 1
         if count == 0 then error(finished, 0) end
      end
   end
   local done, reason = pcall(dofile, path)
   print = real
   if not done and not (count <= 0 and tostring(reason):find(finished, 1, true)) then error(reason, 0) end
   assert(count <= 0, 'the script ended without the lines that it prints while it trains')
end
