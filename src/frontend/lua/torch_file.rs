//! `torch.DiskFile`, `torch.MemoryFile` and `torch.PipeFile` as Lua values: the numbers on them are `torch::t7::Channel`'s,
//! whole objects are read and written by `prelude/file.lua`.
//!
//! A fenced file has memory files only. Source of the behaviour: torch7 `File.c`, `DiskFile.c`, `MemoryFile.c`, `PipeFile.c`.

mod methods;
mod open;

use std::{cell::RefCell, io, process::Child};

use mlua::{AnyUserData, Function, Lua, MetaMethod, Table, UserData, UserDataMethods, Value};

use super::{
    error::raise,
    object::CLASSES,
    vm::{origin, shared},
};
use crate::{
    error::{Error, Kind},
    torch::{Storage, t7::Channel},
};

/// A file of Torch7's.
pub(super) struct LuaFile(RefCell<Open>);

struct Open {
    class: &'static str,
    name: String,
    /// `None` once it is closed.
    channel: Option<Channel>,
    reads: bool,
    writes: bool,
    /// Errors are remembered and not raised.
    is_quiet: bool,
    has_error: bool,
    /// The storage that a memory file was made on.
    backing: Option<Storage>,
    /// The program at the other end of a pipe.
    child: Option<Child>,
}

impl UserData for LuaFile {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::Index, |lua, this, key: Value| {
            class_named(lua, this.class())?.map_or(Ok(Value::Nil), |class| class.get::<Value>(key))
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            let open = this.0.borrow();
            let on = if open.name.is_empty() { String::new() } else { format!(" on <{}>", open.name) };
            let status = if open.channel.is_some() { "open" } else { "closed" };
            Ok(format!(
                "{}{on} [status: {status} -- mode {}{}]",
                open.class,
                if open.reads { 'r' } else { ' ' },
                if open.writes { 'w' } else { ' ' }
            ))
        });
    }
}

impl LuaFile {
    /// `torch.DiskFile`, `torch.MemoryFile` or `torch.PipeFile`.
    pub(super) fn class(&self) -> &'static str {
        self.0.borrow().class
    }
}

fn class_named(lua: &Lua, name: &str) -> mlua::Result<Option<Table>> {
    lua.named_registry_value::<Table>(CLASSES)?.raw_get(name)
}

/// The class table of a file.
pub(super) fn class_table(lua: &Lua, value: &Value) -> Option<Table> {
    let data = value.as_userdata()?;
    let class = data.borrow::<LuaFile>().ok()?.class();
    class_named(lua, class).ok().flatten()
}

impl Open {
    fn channel(&mut self) -> mlua::Result<&mut Channel> {
        self.channel.as_mut().ok_or_else(|| refuse("attempt to use a closed file"))
    }

    fn reader(&mut self) -> mlua::Result<&mut Channel> {
        let reads = self.reads;
        let channel = self.channel()?;
        if reads { Ok(channel) } else { Err(refuse("attempt to read in a write-only file")) }
    }

    fn writer(&mut self) -> mlua::Result<&mut Channel> {
        let writes = self.writes;
        let channel = self.channel()?;
        if writes { Ok(channel) } else { Err(refuse("attempt to write in a read-only file")) }
    }

    /// Remembers a failure; raises it unless the file is quiet.
    fn failed(&mut self, words: impl Into<String>) -> mlua::Result<()> {
        self.has_error = true;
        if self.is_quiet { Ok(()) } else { Err(refuse(words)) }
    }
}

fn refuse(words: impl Into<String>) -> mlua::Error {
    raise(Error::new(Kind::Io, words))
}

/// What the operating system says, in one line.
fn words_of(source: &io::Error) -> String {
    source.to_string()
}

/// Makes the classes, their methods and `torch.save`, `load`, `serialize` …
pub(super) fn install(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    let native = lua.create_table()?;
    let add = |name: &str, function: Function| native.raw_set(name, function);
    add("open_disk", lua.create_function(open::disk)?)?;
    add("open_memory", lua.create_function(open::memory)?)?;
    add("open_pipe", lua.create_function(open::pipe)?)?;
    add("environment", lua.create_function(environment)?)?;
    add("set_environment", lua.create_function(|_, (file, table): (AnyUserData, Table)| file.set_user_value(table))?)?;
    add("load_code", lua.create_function(load_code)?)?;
    add("dump", lua.create_function(dump)?)?;
    add("unknown_class", lua.create_function(unknown_class)?)?;
    add("not_loaded", lua.create_function(not_loaded)?)?;
    let upgrade = lua.load(include_str!("prelude/old_files.lua")).set_name("=[digits] old_files.lua");
    native.raw_set("upgrade", upgrade.call::<Function>(())?)?;
    methods::install(lua, &native)?;
    lua.load(include_str!("prelude/file.lua")).set_name("=[digits] file.lua").call::<()>((torch, native))
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
fn load_code(lua: &Lua, code: mlua::LuaString) -> mlua::Result<Option<Function>> {
    let code = code.as_bytes().to_vec();
    if !shared(lua)?.options.trusted || !code.starts_with(b"\x1bLua") {
        return Ok(None);
    }
    Ok(lua.load(code).set_mode(mlua::chunk::ChunkMode::Binary).into_function().ok())
}

/// Compiled code of a Lua function; nil for functions of C and in fenced files.
fn dump(lua: &Lua, function: Function) -> mlua::Result<Option<mlua::LuaString>> {
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
