//! What `paths`, `image` and `sys` may do with the disk: everything for a trusted script; for a pasted file reading of
//! images in its own folder and nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use mlua::{Lua, Table};

use crate::{
    error::{Error, Kind},
    frontend::lua::machine::{
        error::raise,
        modules,
        state::{origin, shared},
    },
    input::{self, Form},
};

/// The functions for the preludes.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let files = lua.create_table()?;
    files.raw_set("trusted", lua.create_function(|lua, ()| trusted(lua))?)?;
    files.raw_set(
        "kind",
        lua.create_function(|lua, name: PathBuf| {
            if !trusted(lua)? {
                return Ok(None);
            }
            Ok(fs::metadata(name).ok().map(|data| if data.is_dir() { "folder" } else { "file" }))
        })?,
    )?;
    files.raw_set(
        "list",
        lua.create_function(|lua, name: PathBuf| {
            allow(lua, "listing a folder")?;
            let entries = fs::read_dir(&name).map_err(|source| raise(Error::io("read", &name, &source)))?;
            let mut names: Vec<String> =
                entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            Ok([".".to_string(), "..".to_string()].into_iter().chain(names).collect::<Vec<_>>())
        })?,
    )?;
    files.raw_set(
        "mkdir",
        lua.create_function(|lua, name: PathBuf| {
            allow(lua, "making a folder")?;
            Ok(fs::create_dir_all(&name).is_ok())
        })?,
    )?;
    files.raw_set(
        "rmdir",
        lua.create_function(|lua, name: PathBuf| {
            allow(lua, "removing a folder")?;
            Ok(fs::remove_dir(&name).is_ok())
        })?,
    )?;
    files.raw_set(
        "change",
        lua.create_function(|lua, name: PathBuf| {
            allow(lua, "changing the working directory")?;
            Ok(std::env::set_current_dir(&name).is_ok())
        })?,
    )?;
    files.raw_set("attributes", lua.create_function(|lua, name: PathBuf| attributes(lua, &name))?)?;
    files.raw_set(
        "here",
        lua.create_function(|lua, ()| {
            let here = if trusted(lua)? { std::env::current_dir().ok() } else { None };
            Ok(here.map_or_else(|| ".".to_string(), |here| here.display().to_string()))
        })?,
    )?;
    Ok(files)
}

/// What LuaFileSystem tells of a file: `mode`, `size` in bytes, `modification` and `access` in seconds since 1970; nil where
/// there is none.
fn attributes(lua: &Lua, name: &Path) -> mlua::Result<Option<Table>> {
    allow(lua, "looking at a file")?;
    let Ok(data) = fs::metadata(name) else { return Ok(None) };
    let seconds = |time: std::io::Result<SystemTime>| {
        time.ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok()).map(|passed| passed.as_secs())
    };
    let table = lua.create_table()?;
    let mode = if data.is_dir() {
        "directory"
    } else if data.is_file() {
        "file"
    } else {
        "other"
    };
    table.raw_set("mode", mode)?;
    table.raw_set("size", data.len())?;
    table.raw_set("modification", seconds(data.modified()))?;
    table.raw_set("access", seconds(data.accessed()))?;
    Ok(Some(table))
}

/// Whether the script may use the disk as its user may.
pub(super) fn trusted(lua: &Lua) -> mlua::Result<bool> {
    Ok(shared(lua)?.options.trusted)
}

/// Refuses what only a trusted script may do.
///
/// # Errors
/// The page that says so, for a pasted file.
pub(super) fn allow(lua: &Lua, what: &str) -> mlua::Result<()> {
    if trusted(lua)? {
        return Ok(());
    }
    let page = Error::new(Kind::Limit, format!("{what} is not available to network files"))
        .with_fact("why", "a pasted file may build networks, not reach files or programs")
        .with_help("run your own scripts with: digits-rs th --trusted script.lua");
    Err(raise(page.at(origin(lua).as_ref())))
}

/// The bytes of a file that the script may read: any for a trusted one, else those in the network file's folder.
///
/// # Errors
/// When it may not, or the file cannot be read.
pub(super) fn read(lua: &Lua, name: &str) -> mlua::Result<Vec<u8>> {
    read_as(lua, name, Form::Image)
}

/// As [`read`], of a file of weights.
///
/// # Errors
/// Those of [`read`].
pub(super) fn read_weights(lua: &Lua, name: &str) -> mlua::Result<Vec<u8>> {
    read_as(lua, name, Form::Weights)
}

fn read_as(lua: &Lua, name: &str, form: Form) -> mlua::Result<Vec<u8>> {
    let shared = shared(lua)?;
    let mut path = PathBuf::from(name);
    if !shared.options.trusted {
        let refuse = || {
            let page = Error::new(Kind::Limit, format!("{name} is not in the network file's folder"))
                .with_fact("why", "a pasted file may read what lies beside it, nothing else")
                .with_help("put it into the folder of the network file");
            raise(page.at(origin(lua).as_ref()))
        };
        let folder = shared.modules.borrow().folder().ok_or_else(refuse)?;
        let home = modules::real(&folder).map_err(|_| refuse())?;
        path = fs::canonicalize(folder.join(&path)).map_err(|source| raise(Error::io("read", &path, &source)))?;
        let Ok(below) = path.strip_prefix(&home) else { return Err(refuse()) };
        shared.modules.borrow_mut().note_read(&folder.join(below));
    }
    input::read(&path, form).map_err(|page| raise(page.at(origin(lua).as_ref())))
}
