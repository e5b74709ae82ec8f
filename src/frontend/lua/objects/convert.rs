//! Types of tensors: `m:type(…)` and the flat vector of `getParameters`.

use std::collections::HashMap;

use mlua::{Lua, Table, UserData, Value as LuaValue};

use crate::{
    error::{Error, Kind},
    frontend::lua::{machine::error::raise, tensor},
    torch::{self, Storage, Tensor, TensorType},
};

/// What one `type()` call has converted so far: tensors that shared memory share it afterwards, and one tensor object
/// becomes one tensor object. The originals stay with their entries, so that no address is used again meanwhile.
///
/// The new tensor objects lie in a list in Lua, the record's user value, and here their places in it: mlua has room for 8,000
/// Lua values that Rust holds.
#[derive(Default)]
struct Converted {
    storages: HashMap<usize, (Storage, Storage)>,
    tensors: HashMap<(usize, TensorType), (Tensor, usize)>,
}

impl UserData for Converted {}

/// The record that a caller passed: one of these, or one kept inside the table that scripts pass for it.
pub(in crate::frontend::lua) fn cache_of(lua: &Lua, given: LuaValue) -> mlua::Result<LuaValue> {
    let fresh = || {
        let record = lua.create_userdata(Converted::default())?;
        record.set_user_value(lua.create_table()?)?;
        Ok(LuaValue::UserData(record))
    };
    match given {
        LuaValue::UserData(_) => Ok(given),
        LuaValue::Table(table) => {
            let kept: LuaValue = table.raw_get("digits")?;
            if kept.is_nil() {
                table.raw_set("digits", fresh()?)?
            }
            table.raw_get("digits")
        }
        _ => fresh(),
    }
}

/// The full name of a tensor type (`torch.FloatTensor`) from a short one (`float`) or itself.
pub(in crate::frontend::lua) fn full_typename(name: &str) -> mlua::Result<String> {
    let short = [
        ("byte", "Byte"),
        ("char", "Char"),
        ("short", "Short"),
        ("int", "Int"),
        ("long", "Long"),
        ("float", "Float"),
        ("double", "Double"),
        ("half", "Half"),
        ("cuda", "Cuda"),
    ];
    let full = match short.iter().find(|(short, _)| *short == name) {
        Some((_, stem)) => format!("torch.{stem}Tensor"),
        None => name.to_string(),
    };
    match TensorType::named(&full) {
        Some(tensor_type) => Ok(tensor_type.tensor_name()),
        None => Err(raise(Error::new(Kind::Argument, format!("unknown tensor type '{name}'")))),
    }
}

/// `native.convert(tensor, type, record)`: the tensor in another type; values of other kinds come back as they are.
pub(in crate::frontend::lua) fn convert(
    lua: &Lua,
    (value, typename, cache): (LuaValue, String, LuaValue),
) -> mlua::Result<LuaValue> {
    let (Some(tensor), Some(to)) = (tensor::from_lua(&value), TensorType::named(&typename)) else { return Ok(value) };
    if tensor.tensor_type() == to {
        return Ok(value);
    }
    let list: Option<Table> = cache.as_userdata().and_then(|data| data.user_value().ok());
    let mut cache = cache.as_userdata().and_then(|data| data.borrow_mut::<Converted>().ok());
    let key = (tensor.address(), to);
    if let (Some((_, at)), Some(list)) = (cache.as_ref().and_then(|cache| cache.tensors.get(&key)), &list) {
        return list.raw_get(*at);
    }
    let converted = match tensor.storage() {
        None => Tensor::empty(to),
        Some(old) => {
            let kept = cache.as_ref().and_then(|cache| cache.storages.get(&old.address()));
            let new = match kept {
                Some((_, new)) if new.tensor_type() == to => new.clone(),
                _ => {
                    let new = Storage::converted(to, &old).map_err(raise)?;
                    if let Some(cache) = &mut cache {
                        cache.storages.insert(old.address(), (old, new.clone()));
                    }
                    new
                }
            };
            Tensor::on(new, tensor.offset(), &tensor.size(), &tensor.stride()).map_err(raise)?
        }
    };
    let converted = LuaValue::UserData(tensor::to_lua(lua, converted)?);
    if let (Some(cache), Some(list)) = (&mut cache, &list) {
        let at = cache.tensors.len() + 1;
        list.raw_set(at, &converted)?;
        cache.tensors.insert(key, (tensor, at));
    }
    Ok(converted)
}

/// Puts the elements of these tensors one after the other into one new tensor, on which all of them look afterwards.
pub(in crate::frontend::lua) fn flatten(lua: &Lua, list: Table) -> mlua::Result<LuaValue> {
    let count = list.raw_len();
    let tensors = (1..=count).map(|at| Ok(tensor::from_lua(&list.raw_get(at)?)));
    let tensors: Vec<Tensor> = tensors.filter_map(mlua::Result::transpose).collect::<mlua::Result<_>>()?;
    let tensor_type = tensors.first().map_or_else(|| tensor::default_type(lua), Tensor::tensor_type);
    let flat = torch::flatten(&tensors, tensor_type).map_err(raise)?;
    Ok(LuaValue::UserData(tensor::to_lua(lua, flat)?))
}
