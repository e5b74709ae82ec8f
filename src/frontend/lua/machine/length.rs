//! `install`: the function behind every `#` of a user's text, which asks `__len` of tables as LuaJIT does that Torch7 built.
//!
//! It is the `__call` of all booleans (see [`length_calls`](super::length_calls)); a boolean that is called by mistake gets
//! Lua's own error.

use std::{
    ffi::{CStr, c_char, c_int},
    mem::MaybeUninit,
    ptr, slice,
};

use mlua::{Lua, ffi, lua_State};

use super::{length_calls::MARK, operands::FIELD};

/// Gives all booleans of the machine their `__call`.
#[expect(unsafe_code, reason = "a function of Lua's C interface: a length in a loop must not cost a Rust callback")]
pub(super) fn install(lua: &Lua) -> mlua::Result<()> {
    let metatable = lua.create_table()?;
    // SAFETY: `length` keeps to the rules of a Lua C function: it touches its own frame only, and holds nothing that an
    // error's jump would leave undropped.
    metatable.set("__call", unsafe { lua.create_c_function(length) }?)?;
    // `getmetatable(true)` is false rather than this.
    metatable.set("__metatable", false)?;
    lua.set_type_metatable::<bool>(Some(metatable));
    Ok(())
}

/// `(false)(value, mark)`: the value's length.
#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe extern "C-unwind" fn length(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the caller's, with the three arguments in its frame and room for twenty more values; the strings that
    // Lua lends live as long as they lie in the frame; no value here needs dropping when `lua_error` or a called function jumps.
    unsafe {
        let Some(mark) = mark(state) else { return not_callable(state) };
        let kind = ffi::lua_type(state, 2);
        if kind == ffi::LUA_TSTRING {
            ffi::lua_pushinteger(state, ffi::lua_objlen(state, 2) as ffi::lua_Integer);
        } else if ffi::luaL_getmetafield(state, 2, c"__len".as_ptr()) != ffi::LUA_TNIL {
            ffi::lua_pushvalue(state, 2);
            ffi::lua_pushvalue(state, 2);
            ffi::lua_call(state, 2, 1);
        } else if kind == ffi::LUA_TTABLE {
            ffi::lua_pushinteger(state, ffi::lua_objlen(state, 2) as ffi::lua_Integer);
        } else {
            return no_length(state, mark, kind);
        }
        1
    }
}

/// What follows [`MARK`] in the third argument, with its closing zero; nothing where somebody called a boolean.
#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe fn mark(state: *mut lua_State) -> Option<*const c_char> {
    // SAFETY: as `length`'s; the string is read within its length.
    unsafe {
        if ffi::lua_gettop(state) != 3 || ffi::lua_type(state, 3) != ffi::LUA_TSTRING {
            return None;
        }
        let mut size = 0;
        let start = ffi::lua_tolstring(state, 3, &raw mut size);
        let bytes = slice::from_raw_parts(start.cast::<u8>(), size);
        bytes.starts_with(MARK).then(|| start.add(MARK.len()))
    }
}

/// Lua's error for the length of a value that has none.
#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe fn no_length(state: *mut lua_State, mark: *const c_char, kind: c_int) -> c_int {
    // SAFETY: as `length`'s; `mark` ends with a zero, as all of Lua's strings.
    unsafe {
        let (scope, name) = match *mark.cast::<u8>() {
            0 => (ptr::null(), mark),
            FIELD => (c"field".as_ptr(), mark.add(1)),
            _ => (scope(state, CStr::from_ptr(mark)).as_ptr(), mark),
        };
        fail(state, c"get length of".as_ptr(), scope, name, ffi::lua_typename(state, kind))
    }
}

/// Lua's error for a boolean that is called.
#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe fn not_callable(state: *mut lua_State) -> c_int {
    // SAFETY: as `length`'s; `lua_getinfo` fills the fields that are read.
    unsafe {
        let mut frame = MaybeUninit::<ffi::lua_Debug>::zeroed();
        let (mut scope, mut name) = (ptr::null(), ptr::null());
        if ffi::lua_getstack(state, 0, frame.as_mut_ptr()) != 0 {
            ffi::lua_getinfo(state, c"n".as_ptr(), frame.as_mut_ptr());
            let frame = frame.assume_init_ref();
            (scope, name) = (frame.namewhat, frame.name);
        }
        let scope = if name.is_null() { ptr::null() } else { scope };
        fail(state, c"call".as_ptr(), scope, name, c"boolean".as_ptr())
    }
}

/// Raises `net.lua:3: attempt to <what> <scope> '<name>' (a <kind> value)`, without the name where there is no scope.
#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe fn fail(
    state: *mut lua_State,
    what: *const c_char,
    scope: *const c_char,
    name: *const c_char,
    kind: *const c_char,
) -> c_int {
    // SAFETY: as `length`'s; all are strings that end with a zero, `name` where `scope` is one.
    unsafe {
        ffi::luaL_where(state, 1);
        if scope.is_null() {
            ffi::lua_pushfstring(state, c"attempt to %s a %s value".as_ptr(), what, kind);
        } else {
            ffi::lua_pushfstring(state, c"attempt to %s %s '%s' (a %s value)".as_ptr(), what, scope, name, kind);
        }
        ffi::lua_concat(state, 2);
        ffi::lua_error(state)
    }
}

/// Whether the caller knows a plain name as its local, its upvalue, or not.
#[expect(unsafe_code, reason = "Lua's C interface")]
unsafe fn scope(state: *mut lua_State, name: &CStr) -> &'static CStr {
    // SAFETY: as `length`'s; names that Lua lends live as long as the caller's function.
    unsafe {
        let mut frame = MaybeUninit::<ffi::lua_Debug>::zeroed();
        if ffi::lua_getstack(state, 1, frame.as_mut_ptr()) == 0 {
            return c"global";
        }
        let named = |pushed: *const c_char| {
            let is_named = !pushed.is_null();
            if is_named {
                ffi::lua_settop(state, -2);
            }
            is_named.then(|| CStr::from_ptr(pushed))
        };
        if (1..).map_while(|n| named(ffi::lua_getlocal(state, frame.as_ptr(), n))).any(|local| local == name) {
            return c"local";
        }
        ffi::lua_getinfo(state, c"f".as_ptr(), frame.as_mut_ptr());
        if (1..).map_while(|n| named(ffi::lua_getupvalue(state, -1, n))).any(|upvalue| upvalue == name) {
            return c"upvalue";
        }
        c"global"
    }
}
