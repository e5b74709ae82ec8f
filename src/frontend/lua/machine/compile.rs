//! `compile`: text becomes a Lua function; compiled code never does.
//!
//! Text is compiled as it is first, so that every complaint is about what the user wrote, and then again with what Torch7's
//! LuaJIT reads otherwise than Lua 5.1: `goto` and its like, brackets that begin a line, and lengths. Escapes of strings, of which
//! Lua 5.1 does not complain, are rewritten before.

use std::borrow::Cow;

use mlua::{Function, Lua, Table, chunk::ChunkMode};

use super::{
    escapes::decimal,
    length_calls::wrapped,
    newer_syntax::{Newer, rewritten},
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

/// Text as a function, its globals in `environment` if one is given, by the rules of Torch7's LuaJIT: what Lua 5.1 does not compile is
/// rewritten, and `#` asks `__len` of tables too.
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
    let text = decimal(text).map_or(Cow::Borrowed(text), Cow::Owned);
    let (function, text) = match compile(&text) {
        Err(complaint @ mlua::Error::SyntaxError { .. }) => older(compile, text, complaint)?,
        other => (other?, text),
    };
    match wrapped(&text) {
        Some(text) => compile(&text),
        None => Ok(function),
    }
}

/// The function and the text of a text that Lua 5.1 complained of, if LuaJIT would not have.
fn older<'t>(
    compile: impl Fn(&[u8]) -> mlua::Result<Function>,
    mut text: Cow<'t, [u8]>,
    mut complaint: mlua::Error,
) -> mlua::Result<(Function, Cow<'t, [u8]>)> {
    match rewritten(&text) {
        Some(Newer::Wrong(line, words)) => return Err(wrong(compile, line, &words)),
        Some(Newer::Text(rewritten)) => {
            text = Cow::Owned(rewritten);
            match compile(&text) {
                Err(newer @ mlua::Error::SyntaxError { .. }) => complaint = newer,
                other => return Ok((other?, text)),
            }
        }
        None => {}
    }
    match &complaint {
        mlua::Error::SyntaxError { message, .. } if message.contains(COMPLAINT) => {
            let text = joined(&text);
            Ok((compile(&text)?, Cow::Owned(text)))
        }
        _ => Err(complaint),
    }
}

/// A complaint about a line as Lua makes it, with the name that it gives to the text.
fn wrong(compile: impl Fn(&[u8]) -> mlua::Result<Function>, line: usize, words: &str) -> mlua::Error {
    let mut elsewhere = vec![b'\n'; line - 1];
    elsewhere.push(b'?');
    match compile(&elsewhere) {
        Err(mlua::Error::SyntaxError { message, incomplete_input }) => {
            let place = message.split("unexpected symbol").next().unwrap_or_default();
            mlua::Error::SyntaxError { message: format!("{place}{words}"), incomplete_input }
        }
        Err(other) => other,
        Ok(_) => mlua::Error::runtime(words.to_string()),
    }
}
