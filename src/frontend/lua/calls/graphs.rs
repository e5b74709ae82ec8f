//! What the walks of a `nn.gModule` keep from one to the next (`prelude/containers/gmodule.lua`) changes no number.

use super::built::tests::run;

/// `check(g, x, d)`: the graph gives what a copy of it gives that was never walked.
const CHECK: &str = r"
    require 'nngraph'
    torch.setdefaulttensortype('torch.DoubleTensor')
    local function flat(x, all)
       all = all or {}
       if torch.isTensor(x) then all[#all + 1] = x else for _, e in ipairs(x) do flat(e, all) end end
       return all
    end
    local function same(a, b, what)
       a, b = flat(a), flat(b)
       assert(#a == #b, what .. ': how many')
       for i = 1, #a do assert(a[i]:isSameSizeAs(b[i]) and (a[i] - b[i]):abs():max() < 1e-12, what) end
    end
    function check(g, x, d, what)
       local fresh = g:clone():clearState()
       same(g:forward(x), fresh:forward(x), what .. ', output')
       g:zeroGradParameters()
       fresh:zeroGradParameters()
       same(g:backward(x, d), fresh:backward(x, d), what .. ', gradInput')
       local _, a = g:parameters()
       local _, b = fresh:parameters()
       if a then same(a, b, what .. ', parameters') end
       for i, node in ipairs(g.forwardnodes) do
          local twin = fresh.forwardnodes[i]
          same(node.data.input or {}, twin.data.input or {}, what .. ', data.input')
          same(node.data.gradOutput or {}, twin.data.gradOutput or {}, what .. ', data.gradOutput')
          if node.data.module then same(node.data.module.gradInput or {}, twin.data.module.gradInput or {}, what) end
       end
    end
    function graph()
       local x, y = nn.Identity()(), nn.Identity()()
       local a, b, c = nn.SplitTable(2)(nn.Reshape(3, 2)(nn.Linear(4, 6)(x))):split(3)
       local s = nn.Sigmoid()(a)
       local sum = nn.CAddTable()({nn.CMulTable()({s, nn.Tanh()(b)}), c, nn.Linear(2, 2)(y)})
       return nn.gModule({x, y}, {sum, nn.Tanh()(sum), s})
    end
    function given(n) return {torch.randn(n, 4), torch.randn(n, 2)} end
    function sent(n) return {torch.randn(n, 2), torch.randn(n, 2), torch.randn(n, 2)} end
";

#[test]
fn a_graph_that_was_walked_gives_what_a_new_one_gives() {
    run(&format!(
        "{CHECK}{}",
        r"
        local g, x, d = graph(), given(5), sent(5)
        for i = 1, 3 do check(g, x, d, 'walk ' .. i) end
        x[1]:normal() d[2]:normal()
        check(g, x, d, 'other numbers')
        x, d = given(3), sent(3)
        check(g, x, d, 'another size')
        check(g, x, d, 'again')
        g:replace(function(m) return torch.type(m) == 'nn.Linear' and nn.Linear(m.weight:size(2), m.weight:size(1)) or m end)
        check(g, x, d, 'modules were replaced')
        for _, node in ipairs(g.forwardnodes) do
           if torch.type(node.data.module) == 'nn.Sigmoid' then node.data.module = nn.Tanh() end
        end
        check(g, x, d, 'a module was exchanged')
        g:clearState()
        check(g, x, d, 'cleared')
        g:float()
        for _, list in ipairs{x, d} do for i, t in ipairs(list) do list[i] = t:float() end end
        g:forward(x) g:backward(x, d)
        g:double()
        check(g, given(2), sent(2), 'in another type and back')
        for _, node in ipairs(g.forwardnodes) do node.data.input = nil end
        x, d = given(2), sent(2)
        check(g, x, d, 'inputs are gone')
        for _, node in ipairs(g.forwardnodes) do node.data.input, node.data.gradOutput = {}, {} end
        check(g, x, d, 'inputs and gradients are empty')
        for _, node in ipairs(g.forwardnodes) do node.data.gradOutput = nil end
        check(g, x, d, 'gradients are gone')
    "
    ));
}

#[test]
fn graphs_stand_in_graphs_and_modules_change_their_minds() {
    run(&format!(
        "{CHECK}{}",
        r"
        -- A graph in a graph, each walked in turn.
        local x = nn.Identity()()
        local first = nn.Linear(4, 4)(x)
        local h = nn.Tanh()(first)
        local short, deep = nn.gModule({x}, {h}), nil
        local a, b, d = torch.randn(2, 4), torch.randn(2, 4), torch.randn(2, 4)
        for i = 1, 4 do check(short, i % 2 == 0 and a or b, d, 'the short one, ' .. i) end
        local n = nn.Identity()()
        local inner = short(n)
        deep = nn.gModule({n}, {nn.CAddTable()({nn.Linear(4, 4)(inner), inner})})
        for i = 1, 4 do
           check(deep, i % 2 == 0 and a or b, d, 'with the short one in it, ' .. i)
           check(short, i % 2 == 0 and b or a, d, 'the short one in between, ' .. i)
        end
        -- A module that calls the graph that it is in, once; and one that fails.
        local within, fails, me = false, false, nil
        local calls_me = nn.Module()
        function calls_me:updateOutput(x)
           if fails then error('on purpose') end
           if not within then
              within = true
              me:forward(x * 3)
              me:backward(x * 3, x)
              within = false
           end
           self.output = x * 2
           return self.output
        end
        function calls_me:updateGradInput(x, g) self.gradInput = g * 2 return self.gradInput end
        n = nn.Identity()()
        local doubled = nn.MulConstant(1)(n)
        me = nn.gModule({n}, {nn.CAddTable()({calls_me(n), doubled})})
        for i = 1, 4 do
           local x = torch.randn(2, 4)
           assert((me:forward(x) - x * 3):abs():max() < 1e-12, 'walk ' .. i)
           assert((me:backward(x, d) - d * 3):abs():max() < 1e-12, 'back ' .. i)
           fails = true
           assert(not pcall(me.forward, me, x))
           fails = false
        end
        -- A method of the user's own on a module that had none to add up.
        local calls, s = 0, nn.Sigmoid()
        n = nn.Identity()()
        local g = nn.gModule({n}, {s(n)})
        for _ = 1, 2 do g:forward(a) g:backward(a, d) end
        function s:accGradParameters() calls = calls + 1 end
        g:backward(a, d)
        assert(calls == 1, 'it is called')
        s.accGradParameters = nil
        g:backward(a, d)
        assert(calls == 1, 'and no longer')
    "
    ));
}

#[test]
fn a_graph_that_a_module_knows_is_let_go() {
    run(&format!(
        "{CHECK}{}",
        r"
        local weak = setmetatable({}, {__mode = 'k'})
        for i = 1, 3 do
           local g = graph()
           g.modules[1].graph = g
           check(g, given(2), sent(2), 'graph ' .. i)
           weak[g] = true
        end
        collectgarbage()
        collectgarbage()
        assert(next(weak) == nil)
    "
    ));
}

#[test]
fn a_gradient_may_be_an_expanded_tensor() {
    run(&format!(
        "{CHECK}{}",
        r"
        local zero = nn.Module()
        function zero:updateOutput(x) self.output = x:clone() return self.output end
        function zero:updateGradInput(x) self.gradInput = torch.Tensor{0}:view(1, 1):expandAs(x) return self.gradInput end
        local x = nn.Identity()()
        local g = nn.gModule({x}, {nn.CAddTable()({zero(x), nn.Identity()(x), nn.Tanh()(x)})})
        local input, d = torch.randn(2, 3), torch.randn(2, 3)
        for _ = 1, 3 do
           g:forward(input)
           local slope = 2 - torch.pow(torch.tanh(input), 2)
           assert((g:backward(input, d) - torch.cmul(d, slope)):abs():max() < 1e-12)
        end
    "
    ));
}

#[test]
fn a_sum_passes_its_gradient_on_where_nobody_can_tell() {
    run(&format!(
        "{CHECK}{}",
        r"
        -- 1: of a SplitTable, through a Reshape. 2: of what two users sent.
        local function sums()
           local x, y = nn.Identity()(), nn.Identity()()
           local first = nn.CAddTable()({nn.Linear(4, 6)(x), nn.Linear(2, 6)(y)})
           local a, b, c = nn.SplitTable(2)(nn.Reshape(3, 2)(first)):split(3)
           local second = nn.CAddTable()({nn.CMulTable()({nn.Sigmoid()(a), y}), nn.CMulTable()({b, nn.Tanh()(c)})})
           return nn.gModule({x, y}, {nn.Tanh()(second), nn.Sigmoid()(second)}), first.data.module, second.data.module
        end
        local function sent(n) return {torch.randn(n, 2), torch.randn(n, 2)} end
        local function passes(m) return rawequal(m.gradInput[1], m.gradInput[2]) end
        local g, first, second = sums()
        local x, d = given(5), sent(5)
        for i = 1, 3 do
           check(g, x, d, 'walk ' .. i)
           assert(passes(first) and passes(second), 'passed on')
        end
        x, d = given(3), sent(3)
        check(g, x, d, 'another size')
        assert(passes(first) and passes(second))
        -- A module called outside of the graph writes into tensors of its own.
        local kept = first.gradInput[1]:clone()
        local owner, u, v = first.gradInput[1], torch.randn(3, 6), torch.randn(3, 6)
        local back = first:updateGradInput({u, u}, v)
        assert((back[1] - v):abs():max() == 0 and (back[2] - v):abs():max() == 0 and not passes(first))
        back[1]:zero()
        assert((back[2] - v):abs():max() == 0 and (owner - kept):abs():max() == 0, 'nothing else changed')
        check(g, x, d, 'after it')
        -- In place the sum shares as Torch7 has it.
        first.inplace = true
        g:forward(x) g:backward(x, d)
        first.inplace, first.output = false, torch.Tensor()
        check(g, x, d, 'in place no more')
        -- A reader that writes, one that is replaced, a gradInput in the memory of another's.
        local linear = g:findModules('nn.Linear')[1]
        local own = linear.updateGradInput
        function linear:updateGradInput(input, gradient)
           local result = own(self, input, gradient)
           gradient:zero()
           return result
        end
        g:backward(x, d)
        assert(not passes(first) and g:findModules('nn.Linear')[2].gradInput:abs():max() > 0)
        linear.updateGradInput = nil
        check(g, x, d, 'its own method again')
        assert(passes(first))
        local before = g:clone()
        linear.gradInput = torch.Tensor(g:findModules('nn.SplitTable')[1].gradInput:storage())
        before:backward(x, d)
        g:backward(x, d)
        assert(not passes(first))
        for i, m in ipairs(g.modules) do
           if torch.type(m) == 'nn.Linear' then same(m.gradWeight, before.modules[i].gradWeight, 'shared gradInputs') end
        end
        -- What the user sent is not passed on: the sum is an output.
        local a, b = nn.Identity()(), nn.Identity()()
        local sum = nn.CAddTable()({nn.Tanh()(a), nn.Sigmoid()(b)})
        local plain = nn.gModule({a, b}, {sum})
        local x2, d2 = {torch.randn(3, 2), torch.randn(3, 2)}, torch.randn(3, 2)
        for i = 1, 2 do plain:forward(x2) plain:backward(x2, d2) end
        assert(not passes(sum.data.module))
        for i = 1, 3 do
           local d3 = plain:backward(x2, d2)[1]
           local fresh, kept = plain:clone():clearState(), d3:clone()
           fresh:forward(x2)
           same(plain:backward(x2, d3), fresh:backward(x2, kept), 'fed back ' .. i)
        end
        "
    ));
}

#[test]
fn modules_learn_after_all_gradients_are_there() {
    run(&format!(
        "{CHECK}{}",
        r"
        -- A module of the user's learns after all gradients are there, in forward order, as in Torch7.
        local calls = {}
        local own, parent = torch.class('Own', 'nn.Linear')
        function own:updateGradInput(input, gradient)
           calls[#calls + 1] = 'gradient'
           return parent.updateGradInput(self, input, gradient)
        end
        function own:accGradParameters(input, gradient, scale)
           calls[#calls + 1] = 'learn ' .. self.name
           return parent.accGradParameters(self, input, gradient, scale)
        end
        local first, second = Own(4, 4), Own(4, 2)
        first.name, second.name = 'first', 'second'
        local x = nn.Identity()()
        local h = nn.Tanh()(nn.Linear(4, 4)(nn.Sigmoid()(first(x))))
        local g = nn.gModule({x}, {nn.Linear(2, 3)(second(h)), nn.Linear(4, 2)(h)})
        local input, sent = torch.randn(5, 4), {torch.randn(5, 3), torch.randn(5, 2)}
        for i = 1, 3 do check(g, input, sent, 'walk ' .. i) end
        g:forward(input)
        calls = {}
        g:backward(input, sent)
        assert(table.concat(calls, ', ') == 'gradient, gradient, learn first, learn second')
        -- With a scale, and in two calls.
        local _, gradients = g:parameters()
        local function learned(f)
           g:zeroGradParameters()
           f()
           local all = {}
           for i, t in ipairs(gradients) do all[i] = t:clone() end
           return all
        end
        local once = learned(function() g:backward(input, sent, 0.5) end)
        same(once, learned(function() g:updateGradInput(input, sent) g:accGradParameters(input, sent, 0.5) end), 'two calls')
        -- A half of the graph's own that is replaced is called.
        local count = 0
        g.accGradParameters = function(self, ...)
           count = count + 1
           return nn.gModule.accGradParameters(self, ...)
        end
        same(once, learned(function() g:backward(input, sent, 0.5) end), 'replaced')
        assert(count == 1)
        g.accGradParameters = nil
        -- So is that of a module.
        local linear = g:findModules('nn.Linear')[1]
        linear.accGradParameters = function(self, ...)
           count = count + 1
           return nn.Linear.accGradParameters(self, ...)
        end
        same(once, learned(function() g:backward(input, sent, 0.5) end), 'replaced in a module')
        assert(count == 2)
        -- Where the gradient does not come through, nothing is learned.
        function linear:updateGradInput() error 'in the middle' end
        g:zeroGradParameters()
        assert(not pcall(function() g:backward(input, sent) end))
        for _, t in ipairs(gradients) do assert(t:norm() == 0) end
        "
    ));
}
