//! A call that is given what the call before was given: what that one found out holds for it, too.
//!
//! In a loop of training most modules are called on tensors that lie where they lay the last time. Then nothing is left to be
//! decided: where the result goes, that it lies apart from all that is read, and what libtorch is handed. Whether it is so is
//! asked anew each time, of every tensor; large ones are not kept, whose memory this would hold.

use std::{cell::RefCell, rc::Rc};

use mlua::Value as LuaValue;

use crate::{
    frontend::lua::tensor::{self, LuaTensor},
    nn::Activity,
    torch::Place,
};

/// Elements of all storages that are kept of a call, at most.
const MOST: i64 = 1 << 18;

/// What the last calls of an object found out, one for each field that they fill.
#[derive(Default)]
pub(super) struct Repeats {
    pub(super) output: Repeat,
    pub(super) grad_input: Repeat,
}

/// What the last call for one field found out.
#[derive(Default)]
pub(super) struct Repeat(RefCell<Option<Rc<Again>>>);

/// What a call found out.
pub(super) struct Again {
    given: Vec<Given>,
    /// What the field held.
    old: Given,
    pub(super) work: Work,
}

/// A tensor, or a list of these.
enum Given {
    Tensor(Place),
    List(Vec<Given>),
}

/// What is left to be done.
pub(super) enum Work {
    /// The result goes into `out`, which the field holds.
    Into { given: Rc<[Activity]>, out: Activity },
    /// What the field holds looks at what is given already. Of a table of views, which Torch7 makes anew, nobody can tell but
    /// by their identity.
    Nothing,
}

impl Given {
    /// `None` where a value is neither, or an empty tensor.
    fn of(value: &LuaValue) -> mlua::Result<Option<Given>> {
        if let Some(tensor) = tensor::from_lua(value) {
            return Ok((tensor.dim() > 0).then(|| Given::Tensor(Place::of(&tensor))));
        }
        let LuaValue::Table(table) = value else { return Ok(None) };
        if table.metatable().is_some() {
            return Ok(None);
        }
        let entries = (1..=table.raw_len()).map(|at| Given::of(&table.raw_get(at)?));
        Ok(entries.collect::<mlua::Result<Option<_>>>()?.map(Given::List))
    }

    fn is(&self, value: &LuaValue) -> mlua::Result<bool> {
        match (self, value) {
            (Given::Tensor(place), LuaValue::UserData(data)) => {
                Ok(data.borrow::<LuaTensor>().is_ok_and(|tensor| place.is_of(&tensor.0)))
            }
            (Given::List(entries), LuaValue::Table(table)) => {
                if table.metatable().is_some() || table.raw_len() != entries.len() {
                    return Ok(false);
                }
                for (at, entry) in entries.iter().enumerate() {
                    if !entry.is(&table.raw_get(at + 1)?)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn places(&self) -> Vec<&Place> {
        match self {
            Given::Tensor(place) => vec![place],
            Given::List(entries) => entries.iter().flat_map(Given::places).collect(),
        }
    }
}

fn all(given: &[&LuaValue]) -> mlua::Result<Option<Vec<Given>>> {
    given.iter().map(|value| Given::of(value)).collect()
}

impl Repeat {
    /// What the last call found out, where it was given what this one is given, and found in the field what this one finds.
    pub(super) fn of(&self, given: &[&LuaValue], old: &LuaValue) -> mlua::Result<Option<Rc<Again>>> {
        let Some(again) = self.given(given)? else { return Ok(None) };
        Ok(again.old.is(old)?.then_some(again))
    }

    /// The same, whatever the field holds.
    pub(super) fn given(&self, given: &[&LuaValue]) -> mlua::Result<Option<Rc<Again>>> {
        let Some(again) = self.0.borrow().clone() else { return Ok(None) };
        for (before, now) in again.given.iter().zip(given) {
            if !before.is(now)? {
                return Ok(None);
            }
        }
        Ok((again.given.len() == given.len()).then_some(again))
    }

    /// Keeps that `given` came and that the result went into `out`, which is what the field holds.
    pub(super) fn keep_into(
        &self,
        (given, activities): (&[&LuaValue], Rc<[Activity]>),
        (old, out): (&LuaValue, Activity),
    ) -> mlua::Result<()> {
        let (Some(given), Some(old)) = (all(given)?, Given::of(old)?) else { return Ok(()) };
        if given.iter().chain([&old]).flat_map(Given::places).map(Place::held).sum::<i64>() > MOST {
            return Ok(());
        }
        let work = Work::Into { given: activities, out };
        self.keep(Again { given, old, work });
        Ok(())
    }

    /// Keeps that `given` came and that `stored`, which the field holds now, looks at the memory of it: where, the module's
    /// fields and the places of `given` decide alone.
    pub(super) fn keep_looking(&self, given: &[&LuaValue], stored: &LuaValue) -> mlua::Result<()> {
        let (Some(given), Some(stored)) = (all(given)?, Given::of(stored)?) else { return Ok(()) };
        let places: Vec<&Place> = given.iter().flat_map(Given::places).collect();
        let is_seen = |place: &&Place| places.iter().any(|seen| seen.shares_storage(place));
        let elements = places.iter().map(|place| place.held()).sum::<i64>();
        if elements > MOST || !stored.places().iter().all(is_seen) {
            return Ok(());
        }
        self.keep(Again { given, old: stored, work: Work::Nothing });
        Ok(())
    }

    fn keep(&self, again: Again) {
        *self.0.borrow_mut() = Some(Rc::new(again));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frontend::lua::{calls::built::tests::run, library::packages::torch_vm, machine::vm::VmOptions},
        torch::{Tensor, TensorType},
    };

    #[test]
    fn a_call_is_like_the_last_one_while_its_tensors_stay_and_are_small() {
        let vm = torch_vm(VmOptions::default()).unwrap();
        let value = |tensor: &Tensor| LuaValue::UserData(tensor::to_lua(vm.lua(), tensor.clone()).unwrap());
        let zeros = |size: &[i64]| Tensor::zeros(TensorType::FLOAT, size).unwrap();
        let (x, y, repeat) = (zeros(&[2, 3]), zeros(&[2, 3]), Repeat::default());
        let keep = |x: &Tensor, y: &Tensor| {
            let activities = Rc::new([Activity::Tensor(x.view())]);
            repeat.keep_into((&[&value(x)], activities), (&value(y), Activity::Tensor(y.view()))).unwrap();
        };
        let knows = |x: &Tensor, y: &Tensor| repeat.of(&[&value(x)], &value(y)).unwrap().is_some();
        assert!(!knows(&x, &y), "nothing was kept");
        keep(&x, &y);
        assert!(knows(&x, &y) && knows(&x.alias().unwrap(), &y), "another handle of one place is as good");
        assert!(!knows(&y, &y) && !knows(&x, &x) && !knows(&x.transpose(0, 1).unwrap(), &y));
        assert!(repeat.given(&[&value(&x)]).unwrap().is_some() && repeat.given(&[]).unwrap().is_none());
        x.resize(&[3, 3]).unwrap();
        assert!(!knows(&x, &y));
        keep(&x, &y);
        assert!(knows(&x, &y));
        // A few elements of a large storage would keep all of it.
        let few = zeros(&[MOST + 1]).narrow(0, 0, 6).unwrap();
        keep(&few, &y);
        assert!(!knows(&few, &y) && knows(&x, &y), "what was kept before stays");
    }

    #[test]
    fn a_repeated_call_sees_what_changed_since() {
        run(r"
            torch.setdefaulttensortype('torch.DoubleTensor')
            local function close(a, b, what)
               assert(a:isSameSizeAs(b) and (a - b):abs():max() < 1e-12, what)
            end
            local function affine(m, x) return x * m.weight:t() + torch.ger(torch.ones(x:size(1)), m.bias) end
            local m, x, g = nn.Linear(3, 2), torch.randn(4, 3), torch.randn(4, 2)
            local function check(what)
               close(m:forward(x), affine(m, x), what)
               m:zeroGradParameters()
               close(m:backward(x, g), g * m.weight, what .. ', gradInput')
               close(m.gradWeight, g:t() * x, what .. ', gradWeight')
            end
            for i = 1, 4 do check('call ' .. i) end
            x:uniform() g:normal()
            check 'other numbers in the same place'
            m.weight:fill(2)
            check 'other weights in the same place'
            m.weight = torch.randn(2, 3)
            check 'a new weight'
            check 'again'
            local wide = torch.randn(4, 6)
            x:set(wide:narrow(2, 3, 3))
            check 're-pointed'
            check 'again'
            x:resize(2, 3):uniform() g:resize(2, 2):uniform()
            check 'another size'
            check 'again'
            local before = m.output
            m.output = torch.randn(2, 2)
            local kept = before:clone()
            check 'another output'
            close(before, kept, 'the output of before is left alone')
            local y, h = x:clone(), g:clone()
            m.output, m.gradInput = x, g
            close(m:forward(y), affine(m, y), 'the output lies on what was the input')
            close(m:updateGradInput(y, h), h * m.weight, 'and gradInput on what was gradOutput')
        ");
    }

    #[test]
    fn a_list_is_looked_at_entry_by_entry() {
        run(r"
            local a, b, g = torch.randn(3, 2), torch.randn(3, 2), torch.randn(3, 2)
            local sum, product, list = nn.CAddTable(), nn.CMulTable(), {a, b}
            local function check(what)
               local s, p = list[1]:clone():zero(), list[1]:clone():fill(1)
               for _, e in ipairs(list) do s:add(e) p:cmul(e) end
               assert((sum:forward(list) - s):abs():max() == 0, what)
               assert((product:forward(list) - p):abs():max() < 1e-6, what)
               if #list == 2 then
                  local by = product:backward(list, g)
                  assert((by[1] - torch.cmul(g, list[2])):abs():max() < 1e-6, what)
                  assert((by[2] - torch.cmul(g, list[1])):abs():max() < 1e-6, what)
               end
            end
            check 'once' check 'twice'
            list = {b, a} check 'exchanged' check 'again'
            list = {a, a} check 'one tensor twice' check 'again'
            list = {a, b, g} check 'three' check 'again'
            list = {a, b} check 'two again' check 'again'
            sum.inplace = true
            local s = a + b
            assert(sum:forward(list) == sum.output and (a - s):abs():max() == 0, 'now it adds in place')
        ");
    }

    #[test]
    fn views_look_at_what_was_given() {
        run(r"
            local x = torch.randn(4, 3, 2)
            local split, view, reshape = nn.SplitTable(2), nn.View(-1, 6), nn.Reshape(6)
            for call = 1, 6 do
               local parts = split:forward(x)
               assert(#parts == 3)
               for i, part in ipairs(parts) do
                  part:fill(call * i)
                  assert(x:select(2, i):min() == call * i, 'it looks at the input')
               end
               for _, m in ipairs{view, reshape} do
                  local y = m:forward(x)
                  y:fill(call)
                  assert(x:min() == call and y:size(2) == 6)
                  local g = torch.randn(4, 6)
                  assert((m:backward(x, g) - g:view(4, 3, 2)):abs():max() == 0)
               end
               -- What is done to the table and to its views stays with them.
               if call == 3 then parts[2] = torch.randn(4, 2) end
               if call == 4 then table.remove(parts) end
               if call == 5 then parts[1]:set(torch.randn(4, 2)) end
            end
            split:forward(x)
            assert(rawequal(split:forward(x), split:forward(x)), 'a repeated call makes none anew')
            x:resize(2, 3, 2):uniform()
            assert(split:forward(x)[3]:size(1) == 2 and view:forward(x):size(1) == 2 and reshape:forward(x):size(1) == 2)
            view:resetSize(-1, 3)
            assert(view:forward(x):size(2) == 3)
            split:forward(x)
            x:storage():resize(3)
            pcall(function() return split:forward(x) end)
        ");
    }

    #[test]
    fn functions_of_their_output_read_it_while_it_is_theirs() {
        run(r"
            local x, g = torch.randn(3, 2), torch.randn(3, 2)
            local function check(m, what)
               local y = m:clone():forward(x)
               local slope = torch.type(m) == 'nn.Tanh' and 1 - torch.cmul(y, y) or torch.cmul(y, 1 - y)
               assert((m:updateGradInput(x, g) - torch.cmul(g, slope)):abs():max() < 1e-6, what)
            end
            for _, m in ipairs{nn.Sigmoid(), nn.Tanh()} do
               check(m, 'before all')
               for i = 1, 3 do
                  m:forward(x)
                  check(m, 'call ' .. i)
               end
               m.output:fill(0.5)
               check(m, 'what worked in place changed the output')
               m:forward(x)
               m.output:view(6):narrow(1, 2, 2):zero()
               check(m, 'a part of it')
               m:forward(x)
               nn.MulConstant(2, true):forward(m.output)
               check(m, 'a module did')
               m:forward(x)
               nn.CAddTable(true):forward{m.output, x}
               check(m, 'another')
               m:forward(x)
               local other = nn.Tanh()
               other.output = m.output
               other:forward(x * 3)
               other:forward(x * 3)
               check(m, 'another writes there, too')
               m:forward(x)
               m.output[1][1] = 0.3
               check(m, 'an element of it')
               m:forward(x)
               m.output:storage()[2] = 0.3
               check(m, 'an element of its storage')
               m:forward(x)
               m.output = torch.randn(3, 2):add(1):add(1)
               check(m, 'another tensor is there')
               m.output = torch.Tensor()
               check(m, 'it is gone')
            end
            -- However often it was called, the gradient is of its last output, as in Torch7.
            for calls = 1, 3 do
               local m, z = nn.Sigmoid(), torch.randn(3, 2)
               for _ = 1, calls do m:forward(z) end
               local y = m.output:clone()
               z:normal()
               assert((m:updateGradInput(z, g) - torch.cmul(g, torch.cmul(y, 1 - y))):abs():max() < 1e-6)
            end
            local m = nn.Sigmoid()
            for _ = 1, 2 do m:forward(x) end
            setmetatable(m, getmetatable(nn.Tanh()))
            assert((m:forward(x) - torch.tanh(x)):abs():max() < 1e-6, 'another class')
            -- A gradient with gaps, and no gradInput yet.
            local steep, gaps = nn.LogSoftMax(), torch.randn(2, 3):t()
            local p = torch.exp(steep:forward(x))
            local wanted = gaps - torch.cmul(p, gaps:sum(2):expandAs(gaps))
            assert((steep:updateGradInput(x, gaps) - wanted):abs():max() < 1e-5)
            local log = nn.LogSoftMax()
            for _ = 1, 3 do
               local y = log:forward(x)
               local wanted = g - torch.cmul(torch.exp(y), g:sum(2):expandAs(g))
               assert((log:backward(x, g) - wanted):abs():max() < 1e-5)
            end
        ");
    }
}
