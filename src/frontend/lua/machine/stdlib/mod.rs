//! Lua's own library as a file finds it: fenced globals, `require`, patterns that can be interrupted, LuaJIT's `bit`.
//!
//! **In:** a fresh `Lua` with its shared state. **Out:** its globals, furnished. **Never:** Torch's packages.
//!
//! `globals` sets up the base functions and refusals (with `library.lua`), `bit` the table of that name, `pattern` the
//! functions of strings (with `hexadecimal`, its `%a`), `pairs` the iterators, `protected` the call behind `pcall`, `require`
//! the module loader.

mod bit;
mod globals;
mod hexadecimal;
mod pairs;
mod pattern;
mod protected;
mod require;

use std::rc::Rc;

use mlua::Lua;

use super::{length, state::Shared};

pub(in crate::frontend::lua) use globals::random_seed;

/// Furnishes a fresh machine.
pub(super) fn install(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<()> {
    globals::install(lua, shared)?;
    length::install(lua)?;
    pairs::install(lua)?;
    pattern::install(lua)?;
    require::install(lua)
}
