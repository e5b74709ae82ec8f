//! `protected`: the call behind `pcall` and `xpcall`: Lua's own `lua_pcall` with a handler and with arguments, which Lua 5.1's library
//! has one at a time.

use mlua::{Lua, Table, ffi, lua_State};

/// Gives the prelude `protected(handler, f, …)`: true and what `f` answers, or false and what the handler makes of the error.
#[expect(unsafe_code, reason = "a function of Lua's C interface: Rust's own calls lose what an error is")]
pub(super) fn install(lua: &Lua, native: &Table) -> mlua::Result<()> {
    // SAFETY: `protected` keeps to the rules of a Lua C function: it touches its own frame only, and holds nothing that an
    // error's jump would leave undropped.
    native.set("protected", unsafe { lua.create_c_function(protected) }?)
}

#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe extern "C-unwind" fn protected(state: *mut lua_State) -> i32 {
    // SAFETY: `state` is the caller's; a frame has room for twenty values besides the arguments, and the answers, of which there may
    // be as many as the stack holds, take the place of the function and its arguments.
    unsafe {
        ffi::lua_pushboolean(state, 1);
        ffi::lua_insert(state, 1);
        let is_failed = ffi::lua_pcall(state, ffi::lua_gettop(state) - 3, ffi::LUA_MULTRET, 2) != ffi::LUA_OK;
        if is_failed {
            ffi::lua_pushboolean(state, 0);
            ffi::lua_replace(state, 1);
        }
        ffi::lua_remove(state, 2);
        ffi::lua_gettop(state)
    }
}
