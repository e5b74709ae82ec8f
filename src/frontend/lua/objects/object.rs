//! `LuaFields`: an object as `nn` sees it, and its printed form.

use mlua::{Function, Lua, LuaString, ObjectLike, Table, Value as LuaValue};

use super::{
    classes::class_name,
    value::{value_from_lua, value_to_lua},
};
use crate::{
    error::Result,
    frontend::lua::{machine::error::OrPage, tensor},
    nn::{Fields, Value},
    torch::TensorType,
};

/// An object as `nn` sees it: a Lua table, read and written raw or through its class.
#[derive(Clone)]
pub(in crate::frontend::lua) struct LuaFields {
    pub(in crate::frontend::lua) lua: Lua,
    pub(in crate::frontend::lua) table: Table,
}

impl LuaFields {
    pub(in crate::frontend::lua) fn new(lua: &Lua, table: &Table) -> LuaFields {
        LuaFields { lua: lua.clone(), table: table.clone() }
    }

    /// What the object's method answers, called without arguments.
    pub(in crate::frontend::lua) fn ask(&self, method: &str) -> Result<Value> {
        let answer: LuaValue = self.table.call_method(method, ()).or_page(&self.lua)?;
        Ok(value_from_lua(&answer))
    }
}

impl Fields for LuaFields {
    fn class(&self) -> String {
        class_name(&self.table).unwrap_or_else(|| "table".into())
    }

    fn tensor_type(&self) -> TensorType {
        let named = self.table.get::<Option<String>>("_type").ok().flatten();
        named.and_then(|name| TensorType::named(&name)).unwrap_or_else(|| tensor::default_type(&self.lua))
    }

    fn get(&self, name: &str) -> Result<Value> {
        Ok(value_from_lua(&self.table.get::<LuaValue>(name).or_page(&self.lua)?))
    }

    fn set(&self, name: &str, value: Value) -> Result<()> {
        let value = value_to_lua(&self.lua, value).or_page(&self.lua)?;
        self.table.set(name, value).or_page(&self.lua)
    }
}

/// The printed form of an object.
pub(in crate::frontend::lua) fn tostring(lua: &Lua, object: &Table) -> Result<String> {
    let tostring: Function = lua.globals().get("tostring").or_page(lua)?;
    let text: LuaString = tostring.call(object).or_page(lua)?;
    Ok(text.to_string_lossy())
}
