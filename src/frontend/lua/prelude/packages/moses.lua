-- moses: the few functions that network files and dpnn use.

local torch, nn, native, packages = ...
local moses = packages.moses

function moses.indexOf(list, value)
   for i = 1, #list do
      if list[i] == value then return i end
   end
end

function moses.map(list, f)
   local mapped = {}
   for key, value in pairs(list) do mapped[key] = f(key, value) end
   return mapped
end

function moses.contains(list, value)
   for _, entry in pairs(list) do
      if entry == value then return true end
   end
   return false
end

function moses.clone(list)
   local copy = {}
   for key, value in pairs(list) do copy[key] = value end
   return copy
end

function moses.slice(list, first, last)
   local piece = {}
   for i = first or 1, last or #list do piece[#piece + 1] = list[i] end
   return piece
end

function moses.isNaN(value) return type(value) == 'number' and value ~= value end
function moses.isTable(value) return type(value) == 'table' end
function moses.isFunction(value) return type(value) == 'function' end
function moses.isNumber(value) return type(value) == 'number' end

function moses.range(first, last, step)
   if not last then first, last = 1, first end
   local numbers = {}
   for i = first, last, step or 1 do numbers[#numbers + 1] = i end
   return numbers
end
