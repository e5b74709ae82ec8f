-- Trains a network as a Torch7 script does, with the methods that its author sees, and tells what came out.
--
-- Called with: model, loss, samples, steps, rate. Gives losses, weights, the output and loss of the last evaluation.

local model, loss, samples, steps, rate = ...

model:double()
loss:double()
model:training()
local weights, gradients = model:getParameters()
local losses = {}
for step = 1, steps do
   local x, t = samples(step)
   gradients:zero()
   local output = model:forward(x)
   losses[step] = loss:forward(output, t)
   model:backward(x, loss:backward(output, t))
   weights:add(-rate, gradients)
end
model:evaluate()
local x, t = samples(steps + 1)
local output = model:forward(x)
local last = loss:forward(output, t)
if torch.type(output) == 'table' then output = output[1] end
return losses, weights:totable(), output:contiguous():view(-1):totable(), last
