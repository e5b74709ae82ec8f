-- Modules of the user's own in an nngraph graph, one of them with a table of inputs.
require 'nngraph'
local Join, parent = torch.class('nn.Joined', 'nn.Module')

function Join:__init()
   parent.__init(self)
   self.gradInput = {torch.Tensor(), torch.Tensor()}
end

function Join:updateOutput(xs)
   self.output:resizeAs(xs[1]):copy(xs[1]):cmul(xs[2])
   return self.output
end

function Join:updateGradInput(xs, g)
   self.gradInput[1]:resizeAs(g):copy(g):cmul(xs[2])
   self.gradInput[2]:resizeAs(g):copy(g):cmul(xs[1])
   return self.gradInput
end

local function join() return OWN and nn.Joined() or nn.CMulTable() end
local input = nn.Identity()()
local flat = nn.View(-1):setNumInputDims(3)(input)
local a, b = nn.Tanh()(nn.Linear(12, 5)(flat)), nn.Sigmoid()(nn.Linear(12, 5)(flat))
local gated = join()({a, b})
local again = join()({nn.Linear(5, 5)(gated), a})
return { model = nn.gModule({input}, {nn.Linear(5, 4)(again)}), loss = nn.MSECriterion() }
