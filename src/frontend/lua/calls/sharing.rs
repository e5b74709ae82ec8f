//! What an eager result shares with what it was made from, as Torch7 has it: outputs that look at the input's memory
//! (`nn.View`), and modules that act in place (`nn.ReLU(true)`).
//!
//! Only calls from Lua can see the difference: a lowered network makes new tensors, and computes the same numbers.

use mlua::{Lua, Value as LuaValue};

use crate::{
    frontend::lua::{
        machine::error::raise,
        objects::{activity::type_of, nesting::Nesting},
        tensor,
    },
    nn::Activity,
    torch::{Tensor, TensorType},
};

/// Whose memory a result lies in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// Its own.
    Own,
    /// That of what it was made from, at which it looks.
    Looks,
    /// That of what it was made from, which it replaces.
    InPlace,
}

/// Stores a result where Torch7 would share memory with `from`, of which it was made: an output with the input, gradInput
/// with gradOutput. `None` where it has memory of its own. `old` is what the field holds.
pub(super) fn store(
    lua: &Lua,
    memory: Memory,
    from: &LuaValue,
    old: &LuaValue,
    result: &Activity,
    like: TensorType,
) -> mlua::Result<Option<LuaValue>> {
    match memory {
        Memory::Own => Ok(None),
        Memory::InPlace => written(lua, from, old, result),
        Memory::Looks => {
            let mut given = vec![];
            collect(from, &mut given, &mut Nesting::default())?;
            looking(lua, &given, old, result, like).map(Some)
        }
    }
}

/// Puts the numbers into the memory of `from`, or of its first entry.
fn written(lua: &Lua, from: &LuaValue, old: &LuaValue, result: &Activity) -> mlua::Result<Option<LuaValue>> {
    let first = match from {
        LuaValue::Table(table) => table.raw_get::<LuaValue>(1)?,
        other => other.clone(),
    };
    let (Some(target), Activity::Tensor(result)) = (tensor::from_lua(&first), result) else { return Ok(None) };
    if target.size() != result.size() || target.tensor_type().element.kind() != result.kind() {
        return Ok(None);
    }
    target.copy_from(result).map_err(raise)?;
    pointed(lua, old, &target).map(Some)
}

/// The tensors of a tree, depth first.
fn collect(value: &LuaValue, list: &mut Vec<Tensor>, nesting: &mut Nesting) -> mlua::Result<()> {
    if let Some(tensor) = tensor::from_lua(value) {
        list.push(tensor);
    } else if let LuaValue::Table(table) = value {
        nesting.enter(table.raw_len(), "the input").map_err(raise)?;
        for i in 1..=table.raw_len() {
            collect(&table.raw_get(i)?, list, nesting)?;
        }
        nesting.leave();
    }
    Ok(())
}

fn looking(
    lua: &Lua,
    inputs: &[Tensor],
    old: &LuaValue,
    output: &Activity,
    like: TensorType,
) -> mlua::Result<LuaValue> {
    match output {
        Activity::Tensor(y) => {
            let view = inputs.iter().find_map(|input| view_of(input, y)).transpose().map_err(raise)?;
            let view = match view {
                Some(view) => view,
                // The module had to copy; the old object may look at an older input, which must stay as it is.
                None => Tensor::copied(type_of(y, like), y).map_err(raise)?,
            };
            pointed(lua, old, &view)
        }
        Activity::Table(entries) => {
            // A table of views is new with every call, and so are its views: the last one may be in use (nn.SplitTable).
            let table = lua.create_table_with_capacity(entries.len(), 0)?;
            for entry in entries {
                table.raw_push(looking(lua, inputs, &LuaValue::Nil, entry, like)?)?;
            }
            Ok(LuaValue::Table(table))
        }
    }
}

/// `y` as a tensor on the storage of `input`, when its elements lie there.
fn view_of(input: &Tensor, y: &tch::Tensor) -> Option<crate::error::Result<Tensor>> {
    let storage = input.storage()?;
    if y.kind() != input.tensor_type().element.kind() || y.numel() == 0 {
        return None;
    }
    let (start, at) = (storage.flat().data_ptr() as usize, y.data_ptr() as usize);
    let offset = at.checked_sub(start)? / y.kind().elt_size_in_bytes();
    if offset as i64 >= storage.len() {
        return None;
    }
    let (size, stride) = if y.dim() == 0 { (vec![1], vec![1]) } else { (y.size(), y.stride()) };
    Some(Tensor::on(storage, offset as i64, &size, &stride))
}

/// The object that the field holds, looking at `target`; a new one when it cannot.
fn pointed(lua: &Lua, old: &LuaValue, target: &Tensor) -> mlua::Result<LuaValue> {
    match tensor::from_lua(old) {
        Some(kept) if kept.tensor_type() == target.tensor_type() => {
            kept.set_to(target).map_err(raise)?;
            Ok(old.clone())
        }
        _ => {
            let view = target.alias().map_err(raise)?;
            Ok(LuaValue::UserData(tensor::to_lua(lua, view)?))
        }
    }
}
