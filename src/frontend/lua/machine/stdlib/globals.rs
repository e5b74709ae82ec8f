//! The globals of a network file: Lua's base, `print` into the log, text-only `load`, a small `os`, and refusals that say why.

use std::rc::Rc;

use mlua::{Function, IntoLuaMulti, Lua, LuaString, MultiValue, Table, Value, chunk::ChunkMode};

use super::{bit, protected};
use crate::{
    error::{Error, Kind},
    frontend::lua::machine::{
        compile::{compile_file, function},
        error,
        identities::Identities,
        limits,
        source::PRELUDE,
        state::{self, Shared, origin},
        thrown,
    },
};

/// What a pasted file asks for in vain: global, its known fields, what to do instead.
const REFUSED: &[(&str, &[&str], &str)] = &[
    (
        "io",
        &[],
        "of io, a network file has write, stdout and stderr, which print; images come from the dataset that you train on",
    ),
    (
        "package",
        &["path", "cpath", "loadlib", "loaders", "seeall", "config"],
        "put further .lua files beside the network file and write require 'name'",
    ),
    (
        "os",
        &["execute", "exit", "remove", "rename", "tmpname", "setlocale"],
        "of os, a network file has time, clock, date, difftime and getenv",
    ),
    (
        "debug",
        &[
            "debug",
            "getfenv",
            "gethook",
            "getinfo",
            "getlocal",
            "getmetatable",
            "getregistry",
            "getupvalue",
            "setfenv",
            "sethook",
            "setlocal",
            "setmetatable",
            "setupvalue",
        ],
        "of debug, a network file has traceback",
    ),
];

/// Global functions that a pasted file asks for in vain.
const REFUSED_FUNCTIONS: [(&str, &str); 2] = [
    ("dofile", "put the code beside the network file and write require 'name'"),
    ("loadfile", "put the code beside the network file and write require 'name'"),
];

/// What the compiler takes for a byte of text, on a fast machine: text with a `#` is compiled twice.
const SECONDS_A_BYTE: f64 = 4e-8;

/// The name of `library.lua`'s functions: [`PRELUDE`]'s.
const LIBRARY: &str = "=[digits] library";

/// Where Lua's own `math.randomseed` lies in its registry, out of a file's reach.
const RANDOM_SEED: &str = "digits.randomseed";

/// Lua's own `math.randomseed`, whatever a file has made of it.
///
/// # Errors
/// When the machine was not furnished.
pub(in crate::frontend::lua) fn random_seed(lua: &Lua) -> mlua::Result<Function> {
    lua.named_registry_value(RANDOM_SEED)
}

/// Sets up the globals of a fresh machine.
pub(super) fn install(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<()> {
    let globals = lua.globals();
    let seed: Function = globals.get::<Table>("math")?.get("randomseed")?;
    lua.set_named_registry_value(RANDOM_SEED, seed)?;
    let native = lua.create_table()?;
    native.set("check", lua.create_function(|lua, ()| limits::check_time(lua))?)?;
    native.set("look", lua.create_function(|lua, ()| limits::look(lua))?)?;
    native.set(
        "enter",
        lua.create_function(|lua, ()| {
            limits::check_time(lua)?;
            limits::check_stack(lua)
        })?,
    )?;
    native.set("over", lua.create_function(|lua, ()| Ok(state::shared(lua)?.clock.is_over()))?)?;
    let identities = Identities::new();
    lua.set_app_data(identities.clone());
    native.set(
        "identity",
        lua.create_function(move |_, value: Value| {
            Ok(format!("0x{:012x}", identities.of(value.to_pointer() as usize)))
        })?,
    )?;
    native.set("text", lua.create_function(|lua, value: Value| text(lua, value))?)?;
    thrown::install(lua, &native)?;
    protected::install(lua, &native)?;
    native.set("place", lua.create_function(place)?)?;
    native.set(
        "placed",
        lua.create_function(|lua, words: LuaString| Ok(error::placed(lua, &words.to_string_lossy())))?,
    )?;
    native.set("trusted", shared.options.trusted)?;
    let output = shared.options.output.clone();
    native.set(
        "print",
        lua.create_function(move |_, line: LuaString| {
            output.line(&line.to_string_lossy());
            Ok(())
        })?,
    )?;
    let output = shared.options.output.clone();
    native.set(
        "put",
        lua.create_function(move |_, text: LuaString| {
            output.put(&text.to_string_lossy());
            Ok(())
        })?,
    )?;
    lua.load(include_str!("library.lua")).set_name(LIBRARY).call::<()>(&native)?;

    globals.set("load", lua.create_function(load)?)?;
    globals.set("loadstring", lua.create_function(load)?)?;
    globals.set("bit", bit::table(lua)?)?;
    let arguments = lua.create_table()?;
    globals.set("arg", arguments)?;
    if shared.options.trusted {
        let native: Function = globals.get("loadfile")?;
        let loadfile = lua.create_function(move |lua, name: Option<String>| load_file(lua, name, &native))?;
        globals.set("loadfile", &loadfile)?;
        return globals.set(
            "dofile",
            lua.create_function(move |_, name: Option<String>| {
                match loadfile.call::<(Option<Function>, Option<String>)>(name)? {
                    (Some(chunk), _) => chunk.call::<MultiValue>(()),
                    (None, why) => Err(mlua::Error::runtime(why.unwrap_or_default())),
                }
            })?,
        );
    }
    for name in ["newproxy", "gcinfo", "module"] {
        globals.set(name, Value::Nil)?;
    }
    globals.get::<Table>("string")?.set("dump", Value::Nil)?;
    globals.set("os", small_os(lua, &globals.get("os")?)?)?;
    globals.set("io", native.get::<Table>("io")?)?;
    globals.set("package", lua.create_table()?)?;
    let debug = lua.create_table()?;
    debug.set("traceback", lua.create_function(traceback)?)?;
    globals.set("debug", debug)?;
    for (name, fields, help) in REFUSED {
        refuse(lua, &globals.get(*name)?, name, fields, help)?;
    }
    for (name, help) in REFUSED_FUNCTIONS {
        globals.set(name, lua.create_function(move |lua, _: MultiValue| Err::<(), _>(refusal(lua, name, help)))?)?;
    }
    Ok(())
}

/// `net.lua:3: ` of the function at a level, as `error` counts them from its caller on; empty where that is none of Lua. Frames of our
/// library around the user's functions do not count: in Lua they are functions of C.
fn place(lua: &Lua, level: usize) -> mlua::Result<String> {
    // Level 0 is this function, 1 is `error`.
    let frames = (2..).map_while(|at| {
        lua.inspect_stack(at, |frame| {
            let source = frame.source();
            let is_library = source.source.as_deref().is_some_and(|name| name == LIBRARY);
            let place = frame.current_line().zip(source.short_src).map(|(line, name)| format!("{name}:{line}: "));
            (is_library, place.unwrap_or_default())
        })
    });
    let mut counted = frames.filter(|(is_library, _)| !is_library).map(|(_, place)| place);
    Ok(counted.nth(level - 1).unwrap_or_default())
}

/// The part of `os` that tells the time. The C functions are Lua's own.
fn small_os(lua: &Lua, whole: &Table) -> mlua::Result<Table> {
    let os = lua.create_table()?;
    for name in ["time", "clock", "date", "difftime"] {
        os.set(name, whole.get::<Function>(name)?)?;
    }
    os.set("getenv", lua.create_function(|_, _: LuaString| Ok(Value::Nil))?)?;
    Ok(os)
}

/// Makes `fields` of a table (all of them when the list is empty) raise a page on reading and writing.
fn refuse(
    lua: &Lua,
    table: &Table,
    name: &'static str,
    fields: &'static [&'static str],
    help: &'static str,
) -> mlua::Result<()> {
    let is_refused = move |key: &Value| match key {
        _ if fields.is_empty() => true,
        Value::String(key) => fields.iter().any(|field| key.as_bytes() == field.as_bytes()),
        _ => false,
    };
    let read = lua.create_function(move |lua, (_, key): (Table, Value)| match is_refused(&key) {
        true => Err(refusal(lua, &asked(name, &key), help)),
        false => Ok(Value::Nil),
    })?;
    let write = lua.create_function(move |lua, (table, key, value): (Table, Value, Value)| match is_refused(&key) {
        true => Err(refusal(lua, &asked(name, &key), help)),
        false => table.raw_set(key, value),
    })?;
    let fence = lua.create_table()?;
    fence.set("__index", read)?;
    fence.set("__newindex", write)?;
    fence.set("__metatable", false)?;
    table.set_metatable(Some(fence))
}

fn asked(name: &str, key: &Value) -> String {
    match key {
        Value::String(key) => format!("{name}.{}", key.to_string_lossy()),
        _ => name.to_string(),
    }
}

fn refusal(lua: &Lua, asked: &str, help: &str) -> mlua::Error {
    let page = Error::new(Kind::Limit, format!("{asked} is not available to network files"))
        .with_fact("it asked for", asked)
        .with_fact("why", "a pasted file may build networks, not reach files or programs")
        .with_help(help);
    error::raise(page.at(origin(lua).as_ref()))
}

/// An error value as Lua code sees it: a page as text, an object that was thrown as itself, everything else as it is.
fn text(lua: &Lua, value: Value) -> mlua::Result<Value> {
    match value {
        Value::Error(error) => match thrown::object_of(lua, &error)? {
            Some(object) => Ok(object),
            None => Ok(Value::String(lua.create_string(error::text_for_lua(lua, &error)?)?)),
        },
        other => Ok(other),
    }
}

/// `load(text or function [, name [, mode [, environment]]])`, `loadstring(text [, name])`: text only, but for a trusted script, which
/// may load what `string.dump` made. Answers the function, or nil and the message.
fn load(
    lua: &Lua,
    (source, name, mode, environment): (Value, Option<LuaString>, Option<LuaString>, Value),
) -> mlua::Result<(Option<Function>, Option<String>)> {
    let body = match source {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Function(reader) => pieces(lua, &reader)?,
        other => {
            let message = format!("bad argument #1 to 'load' (string or function expected, got {})", other.type_name());
            return Err(mlua::Error::runtime(message));
        }
    };
    let is_compiled = body.first() == Some(&0x1b);
    if is_compiled && !state::shared(lua)?.options.trusted {
        return Ok((None, Some("compiled Lua code is not loaded, only text".into())));
    }
    let wanted = if is_compiled { b'b' } else { b't' };
    if mode.is_some_and(|mode| !mode.as_bytes().contains(&wanted)) {
        return Ok((None, Some("attempt to load chunk with wrong mode".into())));
    }
    limits::afford(lua, body.len() as f64 * SECONDS_A_BYTE, "compiling this text")?;
    limits::look(lua)?;
    // Lua shows a text's own start as its name; a file must not pass its text off as the prelude's.
    let name = name.map_or_else(|| String::from_utf8_lossy(&body).into_owned(), |name| name.to_string_lossy());
    let name = match name.strip_prefix('=') {
        Some(own) if own.starts_with(PRELUDE) || own == "[C]" => own.to_string(),
        _ => name.replace('\0', " "),
    };
    // A text's environment may be any table; what is none is as good as nothing, as in LuaJIT.
    let environment = environment.as_table().cloned();
    let function = if is_compiled {
        let chunk = lua.load(body).set_name(name).set_mode(ChunkMode::Binary);
        match environment {
            Some(environment) => chunk.set_environment(environment).into_function(),
            None => chunk.into_function(),
        }
    } else {
        function(lua, name, &body, environment)
    };
    match function {
        Ok(function) => Ok((Some(function), None)),
        Err(mlua::Error::SyntaxError { message, .. }) => Ok((None, Some(message))),
        Err(other) => Err(other),
    }
}

/// `loadfile` of a trusted script: remembers the text, so that error pages can quote it. Compiled files, which the user
/// vouches for as well, and standard input go to Lua's own function.
fn load_file(lua: &Lua, name: Option<String>, native: &Function) -> mlua::Result<MultiValue> {
    let Some(name) = name else { return native.call(()) };
    let text = match std::fs::read(&name) {
        Ok(text) if !text.starts_with(b"\x1b") => text,
        _ => return native.call(name),
    };
    match compile_file(lua, &name, &text) {
        Ok(chunk) => (chunk,).into_lua_multi(lua),
        Err(mlua::Error::SyntaxError { message, .. }) => (Value::Nil, message).into_lua_multi(lua),
        Err(other) => Err(other),
    }
}

/// Joins what a `load` reader function gives until nil or an empty string.
fn pieces(lua: &Lua, reader: &Function) -> mlua::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = reader.call::<Option<LuaString>>(())? {
        let piece = piece.as_bytes();
        if piece.is_empty() {
            break;
        }
        limits::check_memory(lua, body.len() + piece.len())?;
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// `debug.traceback([message [, level]])` without the prelude's frames; a message that is no string comes back as it is.
fn traceback(lua: &Lua, (message, level): (Value, Option<usize>)) -> mlua::Result<Value> {
    let message = match &message {
        Value::Nil => String::new(),
        Value::String(text) => format!("{}\n", text.to_string_lossy()),
        Value::Number(_) | Value::Integer(_) => format!("{}\n", message.to_string()?),
        _ => return Ok(message),
    };
    let whole = lua.traceback(None, level.unwrap_or(1))?.to_string_lossy();
    let kept = whole.lines().filter(|line| !line.trim_start().starts_with(PRELUDE)).collect::<Vec<_>>().join("\n");
    Ok(Value::String(lua.create_string(format!("{message}{kept}"))?))
}
