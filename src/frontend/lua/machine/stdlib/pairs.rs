//! `pairs` and `ipairs` that ask `__pairs` and `__ipairs` first, as LuaJIT does that Torch7 built.

use std::ffi::CStr;

use mlua::{Function, Lua, Value, ffi, lua_State};

/// Where the iterators of both lie in Lua's registry.
const NEXT: &CStr = c"digits.next";
const STEP: &CStr = c"digits.step";

/// Puts both in place of Lua's own.
#[expect(unsafe_code, reason = "functions of Lua's C interface: a loop must not cost a Rust callback")]
pub(super) fn install(lua: &Lua) -> mlua::Result<()> {
    let globals = lua.globals();
    let step: (Function, Value, Value) = globals.get::<Function>("ipairs")?.call(lua.create_table()?)?;
    lua.set_named_registry_value(&NEXT.to_string_lossy(), globals.get::<Function>("next")?)?;
    lua.set_named_registry_value(&STEP.to_string_lossy(), step.0)?;
    // SAFETY: both keep to the rules of a Lua C function: they touch their own frame only, and hold nothing that an error's
    // jump would leave undropped.
    let (pairs, ipairs) = unsafe { (lua.create_c_function(pairs)?, lua.create_c_function(ipairs)?) };
    globals.set("pairs", pairs)?;
    globals.set("ipairs", ipairs)
}

#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe extern "C-unwind" fn pairs(state: *mut lua_State) -> i32 {
    // SAFETY: `state` is the caller's.
    unsafe {
        if !asked(state, c"__pairs") {
            begin(state, NEXT);
            ffi::lua_pushnil(state);
        }
    }
    3
}

#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe extern "C-unwind" fn ipairs(state: *mut lua_State) -> i32 {
    // SAFETY: `state` is the caller's.
    unsafe {
        if !asked(state, c"__ipairs") {
            begin(state, STEP);
            ffi::lua_pushinteger(state, 0);
        }
    }
    3
}

/// Whether the argument has a metamethod of this name; then its three answers are on top.
#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe fn asked(state: *mut lua_State, name: &CStr) -> bool {
    // SAFETY: the frame has room for twenty values more.
    unsafe {
        if ffi::luaL_getmetafield(state, 1, name.as_ptr()) == ffi::LUA_TNIL {
            return false;
        }
        ffi::lua_pushvalue(state, 1);
        ffi::lua_call(state, 1, 3);
        true
    }
}

/// Pushes an iterator and the argument, which must be a table.
#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe fn begin(state: *mut lua_State, iterator: &CStr) {
    // SAFETY: as `asked`'s.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::lua_getfield(state, ffi::LUA_REGISTRYINDEX, iterator.as_ptr());
        ffi::lua_pushvalue(state, 1);
    }
}
