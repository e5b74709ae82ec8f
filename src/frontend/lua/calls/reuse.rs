//! The tensors of the call before as the place for the results of this one: no result is made and copied then.
//!
//! Torch7's modules write into `self.output` and `self.gradInput`, and so does libtorch where it is given them. Only tensors
//! without gaps qualify that lie apart from everything the call reads: elsewhere the result is made first.

use std::ops::Range;

use mlua::Value as LuaValue;

use super::built::Built;
use crate::{
    frontend::lua::{objects::classes::class_name, tensor},
    nn::Activity,
    torch::direct::{are_apart, span},
};

/// Entries of a table of results, at most: layers that split into more gain nothing here.
const MOST: usize = 16;

/// The tensor in `old`, an output's field.
pub(super) fn output_in(old: &LuaValue, built: &Built, read: &[&Activity]) -> Option<tch::Tensor> {
    Places::of(built, read).target_in(old)
}

/// The tensor or the list of tensors in `old`, a gradient's field.
pub(super) fn gradient_in(old: &LuaValue, built: &Built, read: &[Activity]) -> mlua::Result<Option<Activity>> {
    let read = &read.iter().collect::<Vec<_>>();
    let LuaValue::Table(table) = old else {
        return Ok(Places::of(built, read).target_in(old).map(Activity::Tensor));
    };
    let count = table.raw_len();
    if count > MOST || class_name(table).is_some() {
        return Ok(None);
    }
    let places = Places::of(built, read);
    let targets = (1..=count).map(|at| Ok(places.target_in(&table.raw_get(at)?).map(Activity::Tensor)));
    Ok(targets.collect::<mlua::Result<Option<Vec<_>>>>()?.map(Activity::Table))
}

/// Where everything lies that a call reads.
struct Places {
    read: Vec<Range<usize>>,
    is_cuda: bool,
}

impl Places {
    fn of(built: &Built, activities: &[&Activity]) -> Places {
        let mut read: Vec<_> = built.parameters.iter().map(|parameter| span(&parameter.leaf)).collect();
        activities.iter().for_each(|activity| note(activity, &mut read));
        Places { read, is_cuda: built.tensor_type.cuda }
    }

    /// The tensor in `old`, where it qualifies.
    fn target_in(&self, old: &LuaValue) -> Option<tch::Tensor> {
        let kept = tensor::from_lua(old)?;
        if kept.tensor_type().cuda != self.is_cuda || kept.dim() == 0 || !kept.is_contiguous() {
            return None;
        }
        let target = kept.view();
        let place = span(&target);
        self.read.iter().all(|read| are_apart(read, &place)).then_some(target)
    }
}

fn note(activity: &Activity, read: &mut Vec<Range<usize>>) {
    match activity {
        Activity::Tensor(tensor) => read.push(span(tensor)),
        Activity::Table(entries) => entries.iter().for_each(|entry| note(entry, read)),
    }
}

#[cfg(test)]
mod tests {
    use crate::frontend::lua::calls::built::tests::run;

    #[test]
    fn a_second_call_gives_what_a_new_module_gives_in_the_same_tensors() {
        run(r"
            local function each(x, f) if torch.isTensor(x) then f(x) else for _, e in ipairs(x) do each(e, f) end end end
            local function flat(x) local all = {} each(x, function(t) all[#all + 1] = t end) return all end
            local function same(a, b, what)
               a, b = flat(a), flat(b)
               assert(#a == #b, what)
               for i = 1, #a do
                  assert(a[i]:isSameSizeAs(b[i]) and (a[i] - b[i]):abs():max() < 1e-12, what)
               end
            end
            local pair = function() return {torch.randn(5, 4), torch.randn(5, 4)} end
            local one = function() return torch.randn(5, 4) end
            for name, case in pairs{
               linear = {nn.Linear(4, 3), one, one}, plain = {nn.Linear(4, 3, false), one, one},
               sigmoid = {nn.Sigmoid(), one}, tanh = {nn.Tanh(), one}, log = {nn.LogSoftMax(), one},
               sum = {nn.CAddTable(), pair}, product = {nn.CMulTable(), pair}, split = {nn.SplitTable(2), one},
               three = {nn.CAddTable(), function() return {one(), one(), one()} end},
               reshape = {nn.Reshape(2, 2), one}, view = {nn.View(-1, 2), one},
            } do
               local m, input = case[1], case[2]
               local function gradient(y)
                  if torch.isTensor(y) then return torch.randn(y:size()) end
                  local g = {}
                  for i, e in ipairs(y) do g[i] = torch.randn(e:size()) end
                  return g
               end
               local first = m:forward(input())
               local back = m:backward(input(), gradient(first))
               for _ = 1, 2 do
                  local x, fresh = input(), m:clone()
                  local g = gradient(first)
                  fresh.output, fresh.gradInput = torch.Tensor(), torch.Tensor()
                  fresh:zeroGradParameters()
                  m:zeroGradParameters()
                  same(m:forward(x), fresh:forward(x), name)
                  same(m:backward(x, g), fresh:backward(x, g), name .. ', backward')
                  if m.gradWeight then same(m.gradWeight, fresh.gradWeight, name .. ', gradWeight') end
                  if torch.isTensor(first) then assert(m.output == first, name .. ': the object stays') end
                  assert(m.gradInput == back, name .. ': the object of the gradient stays')
               end
            end
        ");
    }

    #[test]
    fn tensors_that_the_call_reads_are_not_written_before_it_is_done() {
        run(r"
            local function close(a, b, what) assert((a - b):abs():max() < 1e-12, what) end
            local x, g = torch.randn(4, 4), torch.randn(4, 4)
            local m = nn.Linear(4, 4)
            local wanted, back = m:forward(x):clone(), m:backward(x, g):clone()
            m.output = x
            local y = x:clone()
            close(m:forward(x), wanted, 'the output lies on the input')
            m.gradInput = g
            close(m:updateGradInput(y, g), back, 'gradInput lies on gradOutput')
            -- One row further down in one storage.
            local rows = torch.randn(5, 4)
            local s, input = nn.Sigmoid(), rows:narrow(1, 1, 4)
            local sums = nn.Sigmoid():forward(input):clone()
            s.output = rows:narrow(1, 2, 4)
            close(s:forward(input), sums, 'the output overlaps the input')
            local product, a = nn.CMulTable(), torch.randn(4, 4)
            product.gradInput = {a, torch.randn(4, 4)}
            local b, h = torch.randn(4, 4), torch.randn(4, 4)
            local by_a, by_b = torch.cmul(h, b), torch.cmul(h, a)
            local both = product:updateGradInput({a, b}, h)
            close(both[1], by_a, 'by the first')
            close(both[2], by_b, 'by the second, which reads what the first gradient lies on')
            -- Another size, and another type.
            local t = nn.Tanh()
            t:forward(torch.randn(2, 3))
            assert(t:forward(torch.randn(3, 5)):size(2) == 5)
            assert(t:float():forward(torch.randn(3, 5):float()):type() == 'torch.FloatTensor')
        ");
    }

    #[test]
    fn sizes_that_are_changed_in_their_storage_count() {
        run(r"
            local m = nn.Reshape(2, 2)
            m:forward(torch.randn(3, 4))
            m.size[1], m.size[2] = 4, 1
            m.batchsize[2], m.batchsize[3] = 4, 1
            assert(m:forward(torch.randn(3, 4)):size(2) == 4)
            local g = torch.randn(3, 4, 1)
            local back = m:backward(torch.randn(3, 4), g)
            g:fill(7)
            assert(back:min() == 7, 'gradInput looks at gradOutput, as in Torch7')
        ");
    }
}
