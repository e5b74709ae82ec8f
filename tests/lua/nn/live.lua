-- Keeps many objects of each class alive, each run forward, backward and cloned once.
--
-- Gives `live(case, count)`, which answers nil or the first fault. `case` is one of tests/golden/nn/*.json.

local kept = {}

local environment = setmetatable({
   with = function(module, f) f(module) return module end,
   after = function(pooling, size) pooling:forward(torch.randn(unpack(size))) return pooling end,
}, {__index = _G})

local function evaluate(text)
   return setfenv(assert(loadstring('return ' .. text)), environment)()
end

local function copied(tree)
   if torch.isTensor(tree) then return tree:clone() end
   if type(tree) ~= 'table' then return tree end
   local copy = {}
   for i, entry in ipairs(tree) do copy[i] = copied(entry) end
   return copy
end

local function live(case)
   local object, input = evaluate(case.make), evaluate(case.input)
   if case.evaluate then object:evaluate() end
   if case.target then
      local target = evaluate(case.target)
      object:forward(input, target)
      object:backward(input, target)
   else
      local output = copied(object:forward(input))
      if not case.no_backward then object:backward(input, output) end
   end
   kept[#kept + 1] = object
   kept[#kept + 1] = object:clone()
end

return function(case, count)
   for i = 1, count do
      local ok, message = pcall(live, case)
      if not ok then return 'object ' .. i .. ': ' .. tostring(message) end
   end
end
