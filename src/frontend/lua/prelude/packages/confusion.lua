-- optim.ConfusionMatrix: counts of (target, prediction) pairs, one row a target class; targets below 1 do not count.

local torch, nn, native, packages = ...
local optim = packages.optim

local ConfusionMatrix = torch.class('optim.ConfusionMatrix', optim)

function ConfusionMatrix:__init(nclasses, classes)
   if type(nclasses) == 'table' then nclasses, classes = #nclasses, nclasses end
   self.nclasses = nclasses
   self.classes = classes or {}
   self.mat = torch.LongTensor(nclasses, nclasses):zero()
   self.valids = torch.FloatTensor(nclasses):zero()
   self.unionvalids = torch.FloatTensor(nclasses):zero()
   self.totalValid = 0
   self.averageValid = 0
end

local function strongest(scores)
   local _, class = torch.max(scores, 1)
   return class[1]
end

function ConfusionMatrix:add(prediction, target)
   if type(prediction) ~= 'number' then
      assert(prediction:dim() == 1, 'one sample has a vector of scores')
      prediction = strongest(prediction)
   end
   if type(target) ~= 'number' then
      assert(target:dim() == 1, 'a target is a number or a vector')
      target = strongest(target)
   end
   if target > 0 then self.mat[target][prediction] = self.mat[target][prediction] + 1 end
end

-- Classes of a batch: a vector of them, or rows of scores.
local function classes_of(batch, what)
   if batch:dim() == 1 then return batch:long() end
   if batch:dim() ~= 2 then error(what .. ' has invalid number of dimensions', 3) end
   if batch:size(2) == 1 then return batch:select(2, 1):long() end
   local _, class = torch.max(batch, 2)
   return class:select(2, 1)
end

function ConfusionMatrix:batchAdd(predictions, targets)
   predictions, targets = classes_of(predictions, 'predictions'), classes_of(targets, 'targets')
   local counted = targets:ge(1)
   if counted:sum() == 0 then return end
   predictions, targets = predictions[counted], targets[counted]
   local cells = torch.add(targets, -1):mul(self.nclasses):add(predictions)
   local ones = torch.LongTensor(cells:size(1)):fill(1)
   self.mat:view(-1):indexAdd(1, cells, ones)
end

function ConfusionMatrix:zero()
   self.mat:zero()
   self.valids:zero()
   self.unionvalids:zero()
   self.totalValid = 0
   self.averageValid = 0
end

function ConfusionMatrix:updateValids()
   local rows, columns = {}, {}
   for class = 1, self.nclasses do
      rows[class], columns[class] = self.mat:select(1, class):sum(), self.mat:select(2, class):sum()
   end
   local right, sum, union, counted, unions = 0, 0, 0, 0, 0
   for class = 1, self.nclasses do
      local hits = self.mat[class][class]
      right = right + hits
      self.valids[class] = hits / rows[class]
      self.unionvalids[class] = hits / (rows[class] + columns[class] - hits)
      -- A class that never came is 0/0 and stays out of the means.
      if rows[class] > 0 then
         sum, counted = sum + self.valids[class], counted + 1
         union, unions = union + self.unionvalids[class], unions + 1
      end
   end
   self.totalValid = right / self.mat:sum()
   self.averageValid = sum / counted
   self.averageUnionValid = union / unions
end

-- False rejection and false acceptance rates: by class (-1 for classes that never came), then of the others alone.
function ConfusionMatrix:farFrr()
   local rows, present = self.mat:sum(2), {}
   for class = 1, self.nclasses do
      if rows[class][1] ~= 0 then present[#present + 1] = class end
   end
   local classFrrs, classFars = torch.zeros(self.nclasses):add(-1), torch.zeros(self.nclasses):add(-1)
   local frrs, fars = torch.zeros(#present), torch.zeros(#present)
   for i, class in ipairs(present) do
      frrs[i] = 1 - self.mat[class][class] / rows[class][1]
      local accepted = 0
      for _, other in ipairs(present) do
         if other ~= class then accepted = accepted + self.mat[other][class] / rows[other][1] end
      end
      fars[i] = accepted / (#present - 1)
      classFrrs[class], classFars[class] = frrs[i], fars[i]
   end
   return classFrrs, classFars, frrs, fars
end

function ConfusionMatrix:__tostring__()
   self:updateValids()
   local width = math.max(8, 1 + math.ceil(math.log10(self.mat:max())))
   local text = {'ConfusionMatrix:\n['}
   for target = 1, self.nclasses do
      text[#text + 1] = target == 1 and '[' or ' ['
      for prediction = 1, self.nclasses do
         text[#text + 1] = string.format('%' .. width .. 'd', self.mat[target][prediction])
      end
      text[#text + 1] = target == self.nclasses and ']]  ' or ']   '
      local share = self.valids[target] * 100
      text[#text + 1] = (share == share and string.format('%2.3f', share) or 'nan') .. '% '
      if self.classes[1] then text[#text + 1] = '\t[class: ' .. tostring(self.classes[target] or '') .. ']' end
      text[#text + 1] = '\n'
   end
   text[#text + 1] = ' + average row correct: ' .. self.averageValid * 100 .. '% \n'
   text[#text + 1] = ' + average rowUcol correct (VOC measure): ' .. self.averageUnionValid * 100 .. '% \n'
   text[#text + 1] = ' + global correct: ' .. self.totalValid * 100 .. '%'
   return table.concat(text)
end

-- A picture of it as a tensor: rows are targets, white is all of a row.
function ConfusionMatrix:render(_, _, block)
   block = block or 25
   local n = self.nclasses
   local picture = torch.zeros(n * block, n * block)
   for target = 1, n do
      local whole = math.max(self.mat[target]:sum(), 1)
      for prediction = 1, n do
         picture:sub((target - 1) * block + 1, target * block - 1, (prediction - 1) * block + 1, prediction * block - 1)
            :fill(self.mat[target][prediction] / whole)
      end
   end
   return picture
end
