//! What is known about classes: the class of an object, the `SPEC` it descends from, and whether a method of it is still
//! the one that this crate installed.

use mlua::{Lua, Table, Value as LuaValue};

use crate::{
    frontend::lua::tensor,
    nn::{self, Spec},
};

/// The methods whose replacement by a user changes how a module is lowered.
const PROTOCOL: [&str; 7] =
    ["updateOutput", "updateGradInput", "accGradParameters", "forward", "backward", "training", "evaluate"];
/// Registry name of the table class name → method name → the function that this crate installed.
const PRISTINE: &str = "digits.pristine";

/// The class of an object, nil for plain tables.
pub(in crate::frontend::lua) fn class_name(table: &Table) -> Option<String> {
    let mt = table.metatable()?;
    mt.raw_get::<Option<String>>("__typename").ok().flatten()
}

/// Remembers the methods that every class has now as this crate's own.
pub(in crate::frontend::lua) fn remember_methods(lua: &Lua) -> mlua::Result<()> {
    let pristine = lua.create_table()?;
    for pair in tensor::classes(lua)?.pairs::<String, Table>() {
        let (class, mt) = pair?;
        let own = lua.create_table()?;
        for method in PROTOCOL {
            own.raw_set(method, mt.get::<LuaValue>(method)?)?;
        }
        pristine.raw_set(class, own)?;
    }
    lua.set_named_registry_value(PRISTINE, pristine)
}

/// Whether `object`'s method is the one that this crate gave to `class`.
pub(in crate::frontend::lua) fn is_pristine(
    lua: &Lua,
    object: &Table,
    class: &str,
    method: &str,
) -> mlua::Result<bool> {
    let own: Option<Table> = lua.named_registry_value::<Table>(PRISTINE)?.raw_get(class)?;
    let Some(own) = own else { return Ok(false) };
    Ok(object.get::<LuaValue>(method)? == own.raw_get::<LuaValue>(method)?)
}

/// Whether `object`'s `backward` is nn.Module's: `updateGradInput`, then `accGradParameters`.
pub(in crate::frontend::lua) fn has_plain_backward(lua: &Lua, object: &Table) -> mlua::Result<bool> {
    is_pristine(lua, object, "nn.Module", "backward")
}

/// The spec that `object` descends from: its own class's or the nearest ancestor's.
pub(in crate::frontend::lua) fn spec_of(object: &Table) -> Option<&'static Spec> {
    let mut mt = object.metatable();
    while let Some(table) = mt {
        if let Ok(Some(name)) = table.raw_get::<Option<String>>("__typename")
            && let Some(spec) = nn::spec(&name)
        {
            return Some(spec);
        }
        mt = table.metatable();
    }
    None
}
