//! Makes the classes of files, their methods, and `torch.save`, `load`, `serialize` …

use mlua::{AnyUserData, Function, Lua, LuaString, Table, Value, chunk::ChunkMode};

use super::{methods, open};
use crate::{
    error::{Error, Kind},
    frontend::lua::{
        library::chunks::{FILE, OLD_FILES},
        machine::{
            error::raise,
            state::{origin, shared},
        },
    },
};

/// Makes the classes, their methods and `torch.save`, `load`, `serialize` …
pub(in crate::frontend::lua::library) fn install(lua: &Lua, native: &Table) -> mlua::Result<()> {
    let own = lua.create_table()?;
    let add = |name: &str, function: Function| own.raw_set(name, function);
    add("open_disk", lua.create_function(open::disk)?)?;
    add("open_memory", lua.create_function(open::memory)?)?;
    add("open_pipe", lua.create_function(open::pipe)?)?;
    add("environment", lua.create_function(environment)?)?;
    add("set_environment", lua.create_function(|_, (file, table): (AnyUserData, Table)| file.set_user_value(table))?)?;
    add("load_code", lua.create_function(load_code)?)?;
    add("dump", lua.create_function(dump)?)?;
    add("unknown_class", lua.create_function(unknown_class)?)?;
    add("not_loaded", lua.create_function(not_loaded)?)?;
    add("upgrade", OLD_FILES.run(lua)?)?;
    methods::install(lua, &own)?;
    native.raw_set("torch_file", own)?;
    FILE.run(lua)
}

/// The table that belongs to a file: what was written and read under which number.
fn environment(lua: &Lua, file: AnyUserData) -> mlua::Result<Table> {
    match file.user_value::<Value>()? {
        Value::Table(table) => Ok(table),
        _ => {
            let table = lua.create_table()?;
            file.set_user_value(&table)?;
            Ok(table)
        }
    }
}

/// A function from compiled code, for trusted scripts; nil where code must not be loaded or is not for this Lua.
fn load_code(lua: &Lua, code: LuaString) -> mlua::Result<Option<Function>> {
    let code = code.as_bytes().to_vec();
    if !shared(lua)?.options.trusted || !code.starts_with(b"\x1bLua") {
        return Ok(None);
    }
    Ok(lua.load(code).set_mode(ChunkMode::Binary).into_function().ok())
}

/// Compiled code of a Lua function; nil for functions of C and in fenced files.
fn dump(lua: &Lua, function: Function) -> mlua::Result<Option<LuaString>> {
    if !shared(lua)?.options.trusted || function.info().what == "C" {
        return Ok(None);
    }
    lua.create_string(function.dump(false)).map(Some)
}

/// `torch.load` failed with this: a damaged file becomes a page of its own, anything else is raised again.
fn not_loaded(lua: &Lua, (name, why): (String, Value)) -> mlua::Result<()> {
    let words = match &why {
        Value::String(words) => words.to_string_lossy(),
        other => return Err(mlua::Error::runtime(other.to_string()?)),
    };
    let is_damage = ["read error", "unknown object", "the stream is damaged"].iter().any(|sign| words.contains(sign));
    if !is_damage {
        return Err(mlua::Error::runtime(words));
    }
    // Lua puts the place in front of its words.
    let short = words.rsplit(": ").next().unwrap_or_default().to_string();
    Err(raise(
        Error::new(Kind::Data, format!("{name} is damaged, or written in another mode than it is read"))
            .with_cause(if words.contains("read error") { format!("read error: {short}") } else { short })
            .with_help(
                "torch.load(name, 'ascii') reads text, 'b32' files of 32-bit machines; copy the file in binary mode",
            )
            .at(origin(lua).as_ref()),
    ))
}

fn unknown_class(lua: &Lua, class: String) -> mlua::Result<()> {
    let package = class.split('.').next().unwrap_or_default().to_string();
    Err(raise(
        Error::new(Kind::Data, format!("unknown Torch class <{class}>"))
            .with_fact("the file holds", format!("an object of {class}"))
            .with_help(format!(
                "require '{package}', or run the code that defines {class} with torch.class, before loading"
            ))
            .at(origin(lua).as_ref()),
    ))
}
