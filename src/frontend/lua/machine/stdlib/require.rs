//! `require`: answers from a table of provided packages and from the network file's own folder, and from nowhere else.
//!
//! Torch packages also set the global of their name, as Torch7's did. `package.loaded` is the table of answers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mlua::{Function, Lua, LuaString, Table, Value};

use crate::{
    error::{Error, Kind},
    frontend::lua::machine::{
        compile::compile_file,
        error::raise,
        modules,
        state::{origin, shared},
    },
    input::{self, Form},
};

/// Where the table of answers lies in Lua's registry.
const LOADED: &str = "digits.loaded";

/// Installs `require` and `package.loaded`.
pub(super) fn install(lua: &Lua) -> mlua::Result<()> {
    let globals = lua.globals();
    let package: Table = globals.get("package")?;
    let loaded = match package.raw_get::<Value>("loaded")? {
        Value::Table(loaded) => loaded,
        _ => lua.create_table()?,
    };
    for name in ["string", "table", "math", "os", "debug", "coroutine", "bit", "_G"] {
        loaded.set(name, globals.get::<Value>(name)?)?;
    }
    package.raw_set("loaded", &loaded)?;
    lua.set_named_registry_value(LOADED, loaded)?;
    let fallback: Option<Function> = globals.get("require")?;
    if let (Some(_), Value::Table(loaders)) = (&fallback, package.raw_get::<Value>("loaders")?) {
        // Lua's own reads the files of `package.path` past `compile`.
        let (own, package) = (loaders.raw_get::<Function>(2)?, package.clone());
        let search = lua.create_function(move |lua, name: LuaString| search(lua, &name, &package, &own))?;
        loaders.raw_set(2, search)?;
    }
    let require = lua.create_function(move |lua, name: LuaString| {
        require(lua, &name.to_string_lossy(), fallback.as_ref().map(|fallback| (fallback, &package)))
    })?;
    globals.set("require", require)
}

/// The loader that looks along `package.path`: a function that runs the file, or the text that says where none was.
fn search(lua: &Lua, name: &LuaString, package: &Table, own: &Function) -> mlua::Result<Value> {
    let path: String = match package.raw_get::<Value>("path")? {
        Value::String(path) => path.to_string_lossy(),
        _ => return Err(mlua::Error::runtime("'package.path' must be a string")),
    };
    let file = name.to_string_lossy().replace('.', "/");
    let mut missing = String::new();
    for place in path.split(';').filter(|template| !template.is_empty()).map(|template| template.replace('?', &file)) {
        match fs::read(&place) {
            Ok(text) if text.starts_with(b"\x1b") => return own.call(name),
            Ok(text) => {
                return compile_file(lua, &place, &text).map(Value::Function);
            }
            Err(_) => missing += &format!("\n\tno file '{place}'"),
        }
    }
    lua.create_string(missing).map(Value::String)
}

/// `trusted` is a trusted script's: Lua's own `require`, which looks further, and the table `package`.
fn require(lua: &Lua, name: &str, trusted: Option<(&Function, &Table)>) -> mlua::Result<Value> {
    let loaded: Table = lua.named_registry_value(LOADED)?;
    match loaded.raw_get::<Value>(name)? {
        Value::Nil => {}
        Value::Boolean(false) => {
            let page = Error::new(Kind::Network, format!("module '{name}' requires itself, or failed before"));
            return Err(raise(page.with_help("break the circle: move what both files need into a third one")));
        }
        answer => return Ok(answer),
    }
    if let Some((fallback, package)) = trusted
        && let Value::Table(preload) = package.raw_get::<Value>("preload")?
        && !preload.get::<Value>(name)?.is_nil()
    {
        return fallback.call(name);
    }
    let shared = shared(lua)?;
    let loader = shared.modules.borrow().loader(name);
    if let Some(loader) = loader {
        let answer = loader(lua)?;
        if !name.contains('.') && !answer.is_nil() {
            lua.globals().set(name, &answer)?;
        }
        return keep(&loaded, name, answer);
    }
    // `pl.tablex` is a part of package `pl`.
    if let Some((package, part)) = name.split_once('.') {
        let loader = shared.modules.borrow().loader(package);
        if let Some(loader) = loader
            && let Value::Table(package) = loader(lua)?
            && let part = package.raw_get::<Value>(part)?
            && !part.is_nil()
        {
            return keep(&loaded, name, part);
        }
    }
    let folder = shared.modules.borrow().folder();
    // trepl's `require` takes a file's own name, too.
    let module = name.strip_suffix(".lua").unwrap_or(name);
    if let Some((path, text)) =
        folder.as_deref().and_then(|folder| read_module(folder, module)).transpose().map_err(raise)?
    {
        shared.modules.borrow_mut().note_read(&path);
        let shown = path.display().to_string();
        let function = compile_file(lua, &shown, &text)?;
        loaded.raw_set(name, false)?;
        let outcome = function.call::<Value>(name);
        loaded.raw_set(name, Value::Nil)?;
        return keep(&loaded, name, outcome?);
    }
    let absent = absent_part(lua, name)?;
    if let Some((fallback, _)) = trusted {
        let answer = fallback.call(name);
        // A package of its own that the script has comes first.
        return match (answer, absent) {
            (Err(_), Some(page)) => Err(raise(page.at(origin(lua).as_ref()))),
            (answer, _) => answer,
        };
    }
    let page = absent.unwrap_or_else(|| shared.modules.borrow().unknown(name));
    Err(raise(page.at(origin(lua).as_ref())))
}

/// The page for `pl.seq`, a part that a package of ours does not have; `None` for other names.
fn absent_part(lua: &Lua, name: &str) -> mlua::Result<Option<Error>> {
    let Some((package, _)) = name.split_once('.') else { return Ok(None) };
    let loader = shared(lua)?.modules.borrow().loader(package);
    let Some(loader) = loader else { return Ok(None) };
    let Value::Table(parts) = loader(lua)? else { return Ok(None) };
    let mut known: Vec<String> = parts
        .pairs::<String, Value>()
        .filter_map(Result::ok)
        .filter(|(_, part)| part.is_table())
        .map(|(name, _)| name)
        .collect();
    known.sort();
    let page = Error::new(Kind::Network, format!("module '{name}' not found"));
    Ok(Some(page.with_fact(format!("of {package} there are"), known.join(", "))))
}

fn keep(loaded: &Table, name: &str, answer: Value) -> mlua::Result<Value> {
    let answer = if answer.is_nil() { Value::Boolean(true) } else { answer };
    loaded.raw_set(name, &answer)?;
    Ok(answer)
}

/// The text of `folder/name.lua`, where `models/resnet` and `models.resnet` lie in a folder below; `None` when the name is
/// not plain or the file is not there. A link that leads out of the folder is not followed.
fn read_module(folder: &Path, name: &str) -> Option<Result<(PathBuf, Vec<u8>), Error>> {
    let mut path = folder.to_path_buf();
    for piece in name.split(['/', '.']) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if piece.is_empty() || !piece.bytes().all(plain) {
            return None;
        }
        path.push(piece);
    }
    path.set_extension("lua");
    let real = fs::canonicalize(&path).ok()?;
    let home = modules::real(folder).ok()?;
    if !real.starts_with(&home) || real.extension().is_none_or(|end| end != "lua") || !real.is_file() {
        return None;
    }
    Some(input::read(&real, Form::Network).map(|text| (path, text)))
}

#[cfg(test)]
mod tests;
