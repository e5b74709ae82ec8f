//! `Held`: a Lua value that Rust keeps for as long as a network, or one step of it, lives.
//!
//! An mlua handle takes one of 8,000 places (`LUAI_MAXCSTACK`) for as long as it lives, and a network may have more
//! modules than that. A held value lies in Lua's registry and takes none.

use mlua::{FromLua, IntoLua, Lua, RegistryKey};

use crate::{error::Result, frontend::lua::machine::error::OrPage};

/// A Lua value in the registry; it leaves it with this.
pub(super) struct Held {
    lua: Lua,
    /// `None` only while it is dropped.
    key: Option<RegistryKey>,
}

impl Held {
    /// # Errors
    /// When Lua is out of memory.
    pub(super) fn new(lua: &Lua, value: impl IntoLua) -> Result<Held> {
        Ok(Held { lua: lua.clone(), key: Some(lua.create_registry_value(value).or_page(lua)?) })
    }

    /// A handle to the value, which takes a place while it lives.
    ///
    /// # Errors
    /// When the value is no `T`.
    pub(super) fn get<T: FromLua>(&self) -> Result<T> {
        let key = self.key.as_ref().expect("the key is taken by drop only");
        self.lua.registry_value(key).or_page(&self.lua)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            // It fails only for a key of another machine.
            let _ = self.lua.remove_registry_value(key);
        }
    }
}
