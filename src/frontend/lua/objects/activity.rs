//! Activities between Lua and `nn`: inputs, outputs, targets and gradients, each a tensor or a table of these.

use mlua::{Lua, Value as LuaValue};

use super::{classes::class_name, nesting::Nesting, value::value_from_lua};
use crate::{
    error::{Error, Kind},
    frontend::lua::{machine::error::raise, tensor},
    nn::Activity,
    torch::{Element, Tensor, TensorType},
};

/// An input, target or gradient from Lua: a tensor, a number (as one element), or a table of these.
///
/// # Errors
/// When it is something else, named by `what`, or nested too deep, or of more elements than can be looked at: an expanded
/// tensor may stand for any number of them.
pub(in crate::frontend::lua) fn activity_from_lua(lua: &Lua, value: &LuaValue, what: &str) -> mlua::Result<Activity> {
    let activity = walked(value, what, &mut Nesting::default())?;
    let elements = activity.tensors().iter().fold(0, |all: i64, tensor| all.saturating_add(tensor.numel() as i64));
    tensor::measure_handed_on(lua, elements, what)?;
    Ok(activity)
}

fn walked(value: &LuaValue, what: &str, nesting: &mut Nesting) -> mlua::Result<Activity> {
    if let Some(tensor) = tensor::from_lua(value) {
        return Ok(Activity::Tensor(tensor.view()));
    }
    match value {
        LuaValue::Number(number) => Ok(Activity::Tensor(tch::Tensor::from_slice(&[*number]))),
        LuaValue::Integer(number) => Ok(Activity::Tensor(tch::Tensor::from_slice(&[*number as f64]))),
        LuaValue::Table(table) if class_name(table).is_none() => {
            let len = table.raw_len();
            nesting.enter(len, what).map_err(raise)?;
            let entries = (1..=len).map(|i| walked(&table.raw_get(i)?, what, nesting));
            let entries = entries.collect::<mlua::Result<_>>()?;
            nesting.leave();
            Ok(Activity::Table(entries))
        }
        other => {
            let message = value_from_lua(other).misfit(what, "a tensor or a table of tensors");
            Err(raise(Error::new(Kind::Argument, message)))
        }
    }
}

/// An activity as a Lua value: new tensor objects on the same memory, of the type that fits each tensor.
pub(in crate::frontend::lua) fn activity_to_lua(
    lua: &Lua,
    activity: &Activity,
    like: TensorType,
) -> mlua::Result<LuaValue> {
    Ok(match activity {
        Activity::Tensor(tensor) => {
            let tensor_type = type_of(tensor, like);
            let object = Tensor::from_tch(tensor_type, tensor).map_err(raise)?;
            LuaValue::UserData(tensor::to_lua(lua, object)?)
        }
        Activity::Table(entries) => {
            let table = lua.create_table_with_capacity(entries.len(), 0)?;
            for entry in entries {
                table.raw_push(activity_to_lua(lua, entry, like)?)?;
            }
            LuaValue::Table(table)
        }
    })
}

/// Stores an activity in field `name` as Torch7 does: the tensor object of the call before is resized and refilled.
pub(in crate::frontend::lua) fn store_activity(
    lua: &Lua,
    old: &LuaValue,
    activity: &Activity,
    like: TensorType,
) -> mlua::Result<LuaValue> {
    match (activity, tensor::from_lua(old), old) {
        (Activity::Tensor(new), Some(buffer), _) if buffer.tensor_type() == type_of(new, like) => {
            buffer.resize_and_copy(new).map_err(raise)?;
            Ok(old.clone())
        }
        (Activity::Table(entries), _, LuaValue::Table(table)) if class_name(table).is_none() => {
            for (i, entry) in entries.iter().enumerate() {
                let stored = store_activity(lua, &table.raw_get(i + 1)?, entry, like)?;
                table.raw_set(i + 1, stored)?;
            }
            for i in entries.len()..table.raw_len() {
                table.raw_set(i + 1, LuaValue::Nil)?;
            }
            Ok(old.clone())
        }
        (Activity::Tensor(new), _, _) => {
            let object = Tensor::empty(type_of(new, like));
            object.resize_and_copy(new).map_err(raise)?;
            Ok(LuaValue::UserData(tensor::to_lua(lua, object)?))
        }
        (Activity::Table(entries), _, _) => {
            let table = lua.create_table_with_capacity(entries.len(), 0)?;
            for entry in entries {
                table.raw_push(store_activity(lua, &LuaValue::Nil, entry, like)?)?;
            }
            Ok(LuaValue::Table(table))
        }
    }
}

/// The type of a libtorch tensor's elements, on the device of `like`.
pub(in crate::frontend::lua) fn type_of(tensor: &tch::Tensor, like: TensorType) -> TensorType {
    match Element::of(tensor.kind()) {
        Some(element) => TensorType { element, cuda: like.cuda },
        None => like,
    }
}
