//! Methods of storages.

use mlua::{AnyUserData, Lua, MultiValue, Table, Value};

use super::{
    call::element,
    construct, form,
    handle::{LuaStorage, storage_from_lua, storage_to_lua},
    memory::reserve,
    refusal::{checked, misfit, refuse},
};
use crate::{
    frontend::lua::machine::limits,
    torch::{Element, Storage, TensorType},
};

fn own(this: &AnyUserData) -> mlua::Result<Storage> {
    Ok(this.borrow::<LuaStorage>()?.0.clone())
}

/// The storage of a method that goes through its elements: a loop of such calls is few instructions of Lua.
fn whole(lua: &Lua, this: &AnyUserData) -> mlua::Result<Storage> {
    limits::look(lua)?;
    own(this)
}

/// Copies `source` into `storage`, converting elements.
fn copy(storage: &Storage, source: &Storage) -> mlua::Result<()> {
    if storage.len() != source.len() {
        return Err(misfit(format!("storages of {} and {} elements", storage.len(), source.len())));
    }
    checked(storage.flat().f_copy_(&source.flat()))
}

/// Puts the methods into a storage's class table.
pub(super) fn install(lua: &Lua, class: &Table, tensor_type: TensorType) -> mlua::Result<()> {
    class.raw_set("size", lua.create_function(|_, this: AnyUserData| Ok(own(&this)?.len()))?)?;
    class.raw_set("__len__", class.raw_get::<Value>("size")?)?;
    class.raw_set(
        "resize",
        lua.create_function(|lua, (this, len): (AnyUserData, f64)| {
            let storage = own(&this)?;
            let len = form::whole(len);
            reserve(lua, storage.tensor_type(), len - storage.len(), &storage.tensor_type().storage_name())?;
            checked(storage.resize(len))?;
            Ok(this)
        })?,
    )?;
    class.raw_set(
        "fill",
        lua.create_function(|lua, (this, value): (AnyUserData, f64)| {
            let storage = whole(lua, &this)?;
            let _ = checked(storage.flat().f_fill_(element(storage.tensor_type(), value)))?;
            Ok(this)
        })?,
    )?;
    class.raw_set(
        "copy",
        lua.create_function(|lua, (this, source): (AnyUserData, Value)| {
            let source = storage_from_lua(&source).ok_or_else(|| refuse("a storage copies from a storage"))?;
            copy(&whole(lua, &this)?, &source)?;
            Ok(this)
        })?,
    )?;
    class.raw_set(
        "totable",
        lua.create_function(|lua, this: AnyUserData| lua.create_sequence_from(checked(whole(lua, &this)?.values())?))?,
    )?;
    class.raw_set(
        "elementSize",
        // The class's own answer, asked for without a storage too.
        lua.create_function(move |_, _: MultiValue| Ok(tensor_type.element.bytes()))?,
    )?;
    for name in ["data", "cdata"] {
        class.raw_set(
            name,
            lua.create_function(|_, _: MultiValue| -> mlua::Result<()> {
                Err(refuse("raw pointers are not offered: there is no ffi"))
            })?,
        )?;
    }
    class.raw_set(
        "type",
        lua.create_function(|lua, (this, name): (AnyUserData, Option<String>)| match name {
            None => Ok(Value::String(lua.create_string(own(&this)?.tensor_type().storage_name())?)),
            Some(name) => convert(lua, this, TensorType::named(&name).filter(|t| t.storage_name() == name), &name),
        })?,
    )?;
    for (word, wanted) in construct::conversions() {
        let name = word.clone();
        class.raw_set(
            word,
            lua.create_function(move |lua, this: AnyUserData| convert(lua, this, Some(wanted), &name))?,
        )?;
    }
    class.raw_set(
        "real",
        lua.create_function(|lua, this: AnyUserData| {
            let wanted = super::classes::default_type(lua);
            convert(lua, this, Some(wanted), "real")
        })?,
    )?;
    if matches!(tensor_type.element, Element::Byte | Element::Char) {
        class.raw_set("string", lua.create_function(string)?)?;
    }
    Ok(())
}

fn convert(lua: &Lua, this: AnyUserData, wanted: Option<TensorType>, name: &str) -> mlua::Result<Value> {
    let wanted = wanted.ok_or_else(|| refuse(format!("there is no storage type {name:?}")))?;
    let storage = own(&this)?;
    if storage.tensor_type() == wanted {
        return Ok(Value::UserData(this));
    }
    limits::look(lua)?;
    let made = checked(Storage::zeros(wanted, storage.len()))?;
    copy(&made, &storage)?;
    Ok(Value::UserData(storage_to_lua(lua, made)?))
}

/// `s:string()` answers the bytes, `s:string(text)` becomes them.
fn string(lua: &Lua, (this, text): (AnyUserData, Value)) -> mlua::Result<Value> {
    let storage = whole(lua, &this)?;
    match &text {
        Value::String(text) => {
            let bytes: Vec<f64> = text.as_bytes().iter().map(|byte| f64::from(*byte)).collect();
            checked(storage.resize(bytes.len() as i64))?;
            copy(&storage, &checked(Storage::from_values(storage.tensor_type(), &bytes))?)?;
            Ok(Value::UserData(this))
        }
        Value::Nil => {
            let bytes: Vec<u8> = checked(storage.values())?.into_iter().map(|value| value as i64 as u8).collect();
            Ok(Value::String(lua.create_string(bytes)?))
        }
        other => Err(refuse(format!("string expected, got {}", form::word(other)))),
    }
}
