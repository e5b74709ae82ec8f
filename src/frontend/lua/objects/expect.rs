//! `native.expect`: the arguments of constructors that are written in the Lua prelude, checked with the pages that a `SPEC`
//! gives the others.

use mlua::{Lua, MultiValue, Table, Value as LuaValue, Variadic};

use super::{classes::class_name, value::value_from_lua};
use crate::{
    error::{Error, Kind},
    frontend::lua::{
        machine::{
            error::raise,
            state::{origin, shared},
        },
        tensor,
    },
};

/// `native.expect(class, usage, name, kind, value, name, kind, value, …)`: raises the page of the first value that is not
/// of its kind. A kind is a Lua type, `tensor`, `module` or `criterion`; several are joined by ` or `, and one that ends
/// in `?` may be left out.
pub(in crate::frontend::lua) fn arguments(
    lua: &Lua,
    (class, usage, given): (String, String, Variadic<LuaValue>),
) -> mlua::Result<()> {
    for (i, argument) in given.chunks(3).enumerate() {
        let [LuaValue::String(name), LuaValue::String(kind), rest @ ..] = argument else {
            return Err(mlua::Error::runtime("expect takes names, kinds and values"));
        };
        let value = rest.first().unwrap_or(&LuaValue::Nil);
        let (name, kind) = (name.to_string_lossy(), kind.to_string_lossy());
        let wanted = kind.trim_end_matches('?');
        if (value.is_nil() && kind.ends_with('?')) || wanted.split(" or ").any(|kind| is_a(value, kind)) {
            continue;
        }
        let message = value_from_lua(value).misfit(&format!("#{} ({name}) to {class}", i + 1), wanted);
        let error = Error::new(Kind::Argument, message).with_fact("usage", format!("{class}{usage}"));
        return Err(raise(error.at(origin(lua).as_ref())));
    }
    Ok(())
}

fn is_a(value: &LuaValue, kind: &str) -> bool {
    let has = |table: &Table, method: &str| table.get::<LuaValue>(method).is_ok_and(|method| !method.is_nil());
    match (kind, value) {
        ("tensor", value) => tensor::from_lua(value).is_some(),
        ("module" | "criterion", LuaValue::Table(table)) => class_name(table).is_some() && has(table, "updateOutput"),
        ("table", LuaValue::Table(table)) => class_name(table).is_none(),
        ("number", LuaValue::Integer(_)) => true,
        (kind, value) => value.type_name() == kind,
    }
}

/// `net:add(x)` where x is no module: the commonest cause is a forgotten pair of brackets or a misspelt name. A nil that no
/// misspelt class explains passes where the container takes one, as Torch7's that only insert what they are given.
pub(in crate::frontend::lua) fn module(
    lua: &Lua,
    (child, container, takes_nil): (LuaValue, Table, Option<bool>),
) -> mlua::Result<MultiValue> {
    let is_module =
        child.as_table().is_some_and(|table| !table.get::<LuaValue>("updateOutput").is_ok_and(|f| f.is_nil()));
    let has_class = child.as_table().is_some_and(|table| class_name(table).is_some());
    if is_module && has_class {
        return Ok(MultiValue::new());
    }
    let here = origin(lua);
    if let (true, Some(place)) = (child.is_nil(), &here)
        && let Some(missing_class) = shared(lua)?.missing_class.get()
        && let Some(page) = missing_class(lua, &place.text, None)
    {
        return Err(raise(page.at(here.as_ref())));
    }
    if child.is_nil() && takes_nil == Some(true) {
        return Ok(MultiValue::new());
    }
    let what = format!("#1 (module) to {}:add", class_name(&container).unwrap_or_default());
    let error = Error::new(Kind::Argument, value_from_lua(&child).misfit(&what, "an nn module"));
    let error = if is_module {
        error.with_help("call the class to make a module: nn.ReLU() instead of nn.ReLU")
    } else {
        error
    };
    Err(raise(error.at(here.as_ref())))
}
