//! Single values between Lua and `nn`: what constructors are given and fields hold.

use mlua::{Lua, Value as LuaValue};

use super::{classes::class_name, nesting::Nesting};
use crate::{frontend::lua::tensor, nn::Value};

/// A Lua value as a spec's constructor or `build` sees it; a table that is nested too deep is one of no known kind.
pub(in crate::frontend::lua) fn value_from_lua(value: &LuaValue) -> Value {
    walked(value, &mut Nesting::default()).unwrap_or_else(|| Value::Other("table".into()))
}

fn walked(value: &LuaValue, nesting: &mut Nesting) -> Option<Value> {
    Some(match value {
        LuaValue::Nil => Value::Nil,
        LuaValue::Boolean(flag) => Value::Bool(*flag),
        LuaValue::Integer(number) => Value::Number(*number as f64),
        LuaValue::Number(number) => Value::Number(*number),
        LuaValue::String(text) => Value::Text(text.to_string_lossy()),
        LuaValue::UserData(_) => match (tensor::from_lua(value), tensor::storage_from_lua(value)) {
            (Some(tensor), _) => Value::Tensor(tensor),
            (None, Some(storage)) => {
                let numbers = storage.values().ok()?;
                Value::List(numbers.into_iter().map(Value::Number).collect())
            }
            (None, None) => Value::Other("userdata".into()),
        },
        LuaValue::Table(table) => match class_name(table) {
            Some(class) => Value::Other(class),
            None => {
                let length = table.raw_len();
                nesting.enter(length, "a table").ok()?;
                let items = (1..=length).map(|i| walked(&table.raw_get::<LuaValue>(i).ok()?, nesting));
                let items = items.collect::<Option<_>>()?;
                nesting.leave();
                Value::List(items)
            }
        },
        other => Value::Other(other.type_name().into()),
    })
}

/// A value that Rust puts into a field.
pub(in crate::frontend::lua) fn value_to_lua(lua: &Lua, value: Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Nil | Value::Other(_) => LuaValue::Nil,
        Value::Bool(flag) => LuaValue::Boolean(flag),
        Value::Number(number) => LuaValue::Number(number),
        Value::Text(text) => LuaValue::String(lua.create_string(&text)?),
        Value::Tensor(tensor) => LuaValue::UserData(tensor::to_lua(lua, tensor)?),
        Value::Sizes(sizes) => LuaValue::UserData(tensor::long_storage(lua, &sizes)?),
        Value::List(values) => {
            let table = lua.create_table_with_capacity(values.len(), 0)?;
            for value in values {
                table.raw_push(value_to_lua(lua, value)?)?;
            }
            LuaValue::Table(table)
        }
    })
}
