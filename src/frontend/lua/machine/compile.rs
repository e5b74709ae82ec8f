//! `compile`: text becomes a Lua function; compiled code never does.

use mlua::{Function, Lua, chunk::ChunkMode};

use crate::error::{Error, Kind};

/// Compiles text under a file's name, `#!` line allowed.
pub(in crate::frontend::lua) fn compile(lua: &Lua, name: &str, text: &[u8]) -> mlua::Result<Function> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut body = text.to_vec();
    if body.first() == Some(&b'#') {
        // Blanked rather than cut, so that line numbers stay.
        body.iter_mut().take_while(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    if body.first() == Some(&0x1b) {
        return Err(mlua::Error::external(
            Error::new(Kind::Network, format!("{name} is compiled Lua, not text"))
                .with_help("paste the source: compiled code is never loaded, since it can take over the program"),
        ));
    }
    lua.load(body).set_name(format!("@{name}")).set_mode(ChunkMode::Text).into_function()
}
