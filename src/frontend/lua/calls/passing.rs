//! What the walk of a graph asks about the gradients between its modules (`prelude/containers/gmodule.lua`): their sums, and
//! which of them may be passed on instead of copied.

use std::ops::Range;

use mlua::{Lua, Table, Value as LuaValue};

use super::{
    built::{Shelf, field},
    class::Class,
    sharing::Memory,
};
use crate::{
    frontend::lua::{machine::error::raise, objects::classes::class_name, tensor},
    torch::{
        Tensor,
        direct::{are_alike, are_apart, span, write_below_autograd},
    },
};

/// Writes a + b into `sum`, where all three are tensors of one size and type and `sum` has no gaps; false, and nothing done,
/// where they are not.
pub(in crate::frontend::lua) fn sum_into(_: &Lua, (sum, a, b): (LuaValue, LuaValue, LuaValue)) -> mlua::Result<bool> {
    let sum = tensor::from_lua(&sum).filter(Tensor::is_contiguous);
    let (Some(sum), Some(a), Some(b)) = (sum, tensor::from_lua(&a), tensor::from_lua(&b)) else { return Ok(false) };
    let (sum, a, b) = (sum.view(), a.view(), b.view());
    let fit = are_alike(&sum, &a) && are_alike(&sum, &b);
    if fit {
        let _ = write_below_autograd(&[&sum], || a.f_add_out(&sum, &b)).map_err(|error| raise(error.into()))?;
    }
    Ok(fit)
}

/// How the methods of a module, native ones, treat gradOutput: `keeps` where they read it alone and gradInput has memory of its
/// own, `looks` where gradInput looks at it, `repeats` where gradInput is gradOutput for each entry of the input. Nil of all others.
pub(in crate::frontend::lua) fn treats_gradient(lua: &Lua, object: Table) -> mlua::Result<Option<&'static str>> {
    let Some(class) = Class::of(lua, &object)? else { return Ok(None) };
    for half in &class.halves {
        let method = field(&object, half)?;
        if method.as_function().is_none_or(|method| method.info().what != "C") {
            return Ok(None);
        }
    }
    Ok(match class.settled_memory_of_gradient() {
        Some(Memory::Own) => Some("keeps"),
        Some(Memory::Looks) => Some("looks"),
        _ if class.spec.classes == ["nn.CAddTable"] => Some("repeats"),
        _ => None,
    })
}

/// Whether the gradInputs of the modules at these positions lie apart from each other, all of their storages; `datas` are
/// those of a graph's nodes.
pub(in crate::frontend::lua) fn lie_apart(lua: &Lua, (datas, positions): (Table, Table)) -> mlua::Result<bool> {
    let Some(shelf) = lua.app_data_ref::<Shelf>().map(|shelf| shelf.clone()) else { return Ok(false) };
    let [module, grad_input] = [shelf.name(lua, "module")?, shelf.name(lua, "gradInput")?];
    let mut taken: Vec<Range<usize>> = Vec::with_capacity(64);
    for at in 1..=positions.raw_len() {
        let data: Table = datas.raw_get(positions.raw_get::<i64>(at)?)?;
        let LuaValue::Table(module) = data.raw_get(&module)? else { continue };
        match field(&module, &grad_input)? {
            LuaValue::Table(list) => {
                for at in 1..=list.raw_len() {
                    note(&list.raw_get(at)?, &mut taken);
                }
            }
            one => note(&one, &mut taken),
        }
    }
    taken.sort_unstable_by_key(|place| place.start);
    Ok(taken.windows(2).all(|two| are_apart(&two[0], &two[1])))
}

/// Where its storage lies; of a tensor that has none yet, where it lies itself.
fn note(value: &LuaValue, taken: &mut Vec<Range<usize>>) {
    let Some(tensor) = tensor::from_lua(value) else { return };
    let at = value.to_pointer() as usize;
    taken.push(tensor.storage().map_or(at..at + 1, |storage| span(&storage.flat())));
}

/// Makes `list`, a gradInput, hold `gradient` for each entry of `input`; false, and nothing done, where an entry has another
/// size or type.
pub(in crate::frontend::lua) fn repeat_gradient(
    _: &Lua,
    (list, input, gradient): (LuaValue, LuaValue, LuaValue),
) -> mlua::Result<bool> {
    let (LuaValue::Table(list), LuaValue::Table(entries)) = (&list, &input) else { return Ok(false) };
    let Some(tensor) = tensor::from_lua(&gradient).filter(|tensor| tensor.dim() > 0) else { return Ok(false) };
    if class_name(list).is_some() {
        return Ok(false);
    }
    let (view, count) = (tensor.view(), entries.raw_len());
    for at in 1..=count {
        if !tensor::from_lua(&entries.raw_get(at)?).is_some_and(|entry| are_alike(&entry.view(), &view)) {
            return Ok(false);
        }
    }
    for at in 1..=count.max(list.raw_len()) {
        let wanted = if at <= count { &gradient } else { &LuaValue::Nil };
        if list.raw_get::<LuaValue>(at)? != *wanted {
            list.raw_set(at, wanted)?;
        }
    }
    Ok(true)
}

/// Whether gradInput holds one tensor twice: a gradient that was passed on, which another module wrote. It is no place to
/// write into.
pub(super) fn was_passed_on(grad_input: &LuaValue) -> mlua::Result<bool> {
    let LuaValue::Table(list) = grad_input else { return Ok(false) };
    if list.raw_len() < 2 || class_name(list).is_some() {
        return Ok(false);
    }
    let [first, second]: [LuaValue; 2] = [list.raw_get(1)?, list.raw_get(2)?];
    Ok(first.is_userdata() && first == second)
}
