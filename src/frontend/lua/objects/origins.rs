//! The lines of the user's file that constructed each object.

use std::collections::HashMap;

use mlua::{Lua, Table};

use crate::{error::Origin, frontend::lua::machine::state};

/// Registry name of the weak table that maps objects to the source lines that constructed them.
const ORIGINS: &str = "digits.origins";

/// Distinct origins, so that an object's entry is one small number.
#[derive(Default)]
struct Lines {
    list: Vec<Origin>,
    index: HashMap<(String, u32), usize>,
}

/// The source lines of objects. The key is the object; the table is weak, so it keeps nothing alive.
pub(in crate::frontend::lua) fn install(lua: &Lua) -> mlua::Result<()> {
    let origins = lua.create_table()?;
    let weak = lua.create_table()?;
    weak.raw_set("__mode", "k")?;
    origins.set_metatable(Some(weak))?;
    lua.set_named_registry_value(ORIGINS, origins)?;
    lua.set_app_data(Lines::default());
    Ok(())
}

/// Remembers that `object` was constructed on the line that is running now.
pub(in crate::frontend::lua) fn stamp(lua: &Lua, object: &Table) -> mlua::Result<()> {
    if let Some(origin) = state::origin(lua) {
        stamp_with(lua, object, &origin)?;
    }
    Ok(())
}

/// Remembers an origin for `object` (copies keep their original's line).
pub(in crate::frontend::lua) fn stamp_with(lua: &Lua, object: &Table, origin: &Origin) -> mlua::Result<()> {
    let at = {
        let Some(mut lines) = lua.app_data_mut::<Lines>() else { return Ok(()) };
        let key = (origin.file.to_string(), origin.line);
        match lines.index.get(&key) {
            Some(&at) => at,
            None => {
                lines.list.push(origin.clone());
                let at = lines.list.len() - 1;
                lines.index.insert(key, at);
                at
            }
        }
    };
    lua.named_registry_value::<Table>(ORIGINS)?.raw_set(object, at)
}

/// The line that constructed `object`.
pub(in crate::frontend::lua) fn origin_of(lua: &Lua, object: &Table) -> Option<Origin> {
    let at = lua.named_registry_value::<Table>(ORIGINS).ok()?.raw_get::<Option<usize>>(object).ok()??;
    lua.app_data_ref::<Lines>()?.list.get(at).cloned()
}
