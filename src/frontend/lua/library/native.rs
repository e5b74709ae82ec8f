//! The functions that Rust gives to the Lua prelude, as fields of `native`.

use std::time::SystemTime;

use mlua::{Function, Lua, Table, Value as LuaValue};

use crate::{
    frontend::lua::{
        calls::{built::Shelf, eager, passing},
        machine::state::origin,
        objects::{classes::spec_of, convert, copy, expect, origins},
        tensor,
    },
    torch::Tensor,
};

/// Puts the functions that classes and modules of the prelude call into `native`.
pub(super) fn install(lua: &Lua, native: &Table) -> mlua::Result<()> {
    native.raw_set("classes", tensor::classes(lua)?)?;
    native.raw_set("null", LuaValue::NULL)?;
    let add = |name: &str, function: Function| native.raw_set(name, function);
    add("class_table", lua.create_function(|lua, value: LuaValue| Ok(tensor::class_table(lua, &value)))?)?;
    add("globals", lua.create_function(|lua, ()| Ok(lua.globals()))?)?;
    add("stamp", lua.create_function(|lua, object: Table| origins::stamp(lua, &object))?)?;
    add(
        "seconds",
        lua.create_function(|_, ()| {
            Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |passed| passed.as_secs_f64()))
        })?,
    )?;
    add("where", lua.create_function(|lua, ()| Ok(origin(lua).map(|at| (at.file.to_string(), at.line)).unzip()))?)?;
    add("empty", lua.create_function(|lua, ()| tensor::to_lua(lua, Tensor::empty(tensor::default_type(lua))))?)?;
    add("is_tensor", lua.create_function(|_, value: LuaValue| Ok(tensor::from_lua(&value).is_some()))?)?;
    add("cache_of", lua.create_function(convert::cache_of)?)?;
    add("full_typename", lua.create_function(|_, name: String| convert::full_typename(&name))?)?;
    add("convert", lua.create_function(convert::convert)?)?;
    add("flatten", lua.create_function(convert::flatten)?)?;
    add("copy", lua.create_function(copy::copy)?)?;
    add("copy_without", lua.create_function(copy::copy_without)?)?;
    add("gradient", lua.create_function(eager::gradient)?)?;
    add("accumulate", lua.create_function(eager::accumulate)?)?;
    add("sum_into", lua.create_function(passing::sum_into)?)?;
    add("treats_gradient", lua.create_function(passing::treats_gradient)?)?;
    add("lie_apart", lua.create_function(passing::lie_apart)?)?;
    add("repeat_gradient", lua.create_function(passing::repeat_gradient)?)?;
    add(
        "forget",
        lua.create_function(|lua, object: Table| match lua.app_data_ref::<Shelf>() {
            Some(shelf) => shelf.forget(&object),
            None => Ok(()),
        })?,
    )?;
    add(
        "never_learns",
        lua.create_function(|lua, (object, method): (Table, Function)| match lua.app_data_ref::<Shelf>() {
            Some(shelf) if method.info().what == "C" => shelf.never_learns(&object),
            _ => Ok(false),
        })?,
    )?;
    add(
        "buffers",
        lua.create_function(|_, object: Table| {
            Ok(spec_of(&object).map(|spec| spec.buffers.to_vec()).unwrap_or_default())
        })?,
    )?;
    add("expect_module", lua.create_function(expect::module)?)?;
    add("expect", lua.create_function(expect::arguments)?)
}
