//! `compile`: text becomes a Lua function; compiled code never does.
//!
//! Text is compiled as it is first, so that every complaint is about what the user wrote, and then again with what Torch7's
//! LuaJIT reads otherwise than Lua 5.1: brackets that begin a line, and lengths. Escapes of strings, of which Lua 5.1 does not
//! complain, are rewritten before.

use std::borrow::Cow;

use mlua::{Function, Lua, Table, chunk::ChunkMode};

use super::{
    escapes::decimal,
    length_calls::wrapped,
    newline_calls::{COMPLAINT, joined},
    state::shared,
};
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
    function(lua, format!("@{name}"), &body, None)
}

/// The function of a file's text, which error pages can quote from then on.
pub(super) fn compile_file(lua: &Lua, name: &str, text: &[u8]) -> mlua::Result<Function> {
    shared(lua)?.sources.borrow_mut().add(name, &String::from_utf8_lossy(text));
    compile(lua, name, text)
}

/// Text as a function, its globals in `environment` if one is given; a call whose bracket begins a line is one, and `#` asks
/// `__len` of tables too.
pub(in crate::frontend::lua) fn function(
    lua: &Lua,
    name: String,
    text: &[u8],
    environment: Option<Table>,
) -> mlua::Result<Function> {
    let compile = |text: &[u8]| {
        let chunk = lua.load(text).set_name(name.as_str()).set_mode(ChunkMode::Text);
        match &environment {
            Some(environment) => chunk.set_environment(environment.clone()).into_function(),
            None => chunk.into_function(),
        }
    };
    let rewritten = decimal(text);
    let text = rewritten.as_deref().unwrap_or(text);
    let (function, text) = match compile(text) {
        Err(mlua::Error::SyntaxError { message, .. }) if message.contains(COMPLAINT) => {
            let text = joined(text);
            (compile(&text)?, Cow::Owned(text))
        }
        other => (other?, Cow::Borrowed(text)),
    };
    match wrapped(&text) {
        Some(text) => compile(&text),
        None => Ok(function),
    }
}
