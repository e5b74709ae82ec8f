//! `Modules`: what `require` can answer in one machine: provided packages and the network file's folder.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use mlua::{Lua, Value};

use super::suggest::closest;
use crate::error::{Error, Kind};

/// Makes the value of a package, on the first `require` of it.
pub type Loader = fn(&Lua) -> mlua::Result<Value>;

/// What one machine can answer.
#[derive(Debug, Default)]
pub(in crate::frontend::lua) struct Modules {
    loaders: HashMap<&'static str, Loader>,
    folder: Option<PathBuf>,
    /// Files of the folder that were read, by their place below it.
    read: Vec<PathBuf>,
}

impl Modules {
    /// Answers `name` with what `loader` makes.
    pub(in crate::frontend::lua) fn offer(&mut self, name: &'static str, loader: Loader) {
        self.loaders.insert(name, loader);
    }

    /// The maker of a provided package.
    pub(in crate::frontend::lua) fn loader(&self, name: &str) -> Option<Loader> {
        self.loaders.get(name).copied()
    }

    /// Lets `.lua` files of this folder be required.
    pub(in crate::frontend::lua) fn set_folder(&mut self, folder: PathBuf) {
        self.folder = Some(folder);
    }

    /// True for the name of a provided package.
    pub(in crate::frontend::lua) fn offers(&self, name: &str) -> bool {
        self.loaders.contains_key(name)
    }

    /// The network file's own folder, when it has one.
    pub(in crate::frontend::lua) fn folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    /// Notes that a file of the folder was read.
    pub(in crate::frontend::lua) fn note_read(&mut self, path: &Path) {
        let below = |folder: &PathBuf| Some(path.strip_prefix(folder).ok()?.to_path_buf());
        let Some(below) = self.folder.as_ref().and_then(below) else { return };
        if !self.read.contains(&below) {
            self.read.push(below);
        }
    }

    /// The files of the folder that were read, by their place below it.
    pub(in crate::frontend::lua) fn read(&self) -> Vec<PathBuf> {
        self.read.clone()
    }

    /// The page for a name that nothing answers to.
    pub(in crate::frontend::lua) fn unknown(&self, name: &str) -> Error {
        let file = self.folder.as_ref().map(|folder| folder.join(name.replace('.', "/") + ".lua"));
        let file = file.map_or_else(String::new, |file| format!(", {}", file.display()));
        let page = Error::new(Kind::Network, format!("module '{name}' not found"))
            .with_fact("looked for", format!("a package {name}{file}"));
        if name == "ffi" || name == "jit" {
            return page.with_help("this Lua is not LuaJIT: write the code in plain Lua and tensor operations");
        }
        let beside: Vec<String> = self.folder.as_deref().map(lua_files).unwrap_or_default();
        let known = self.loaders.keys().copied().chain(beside.iter().map(String::as_str));
        match closest(name, known) {
            Some(near) => page.with_help(format!("did you mean require '{near}'?")),
            None => page.with_help(format!("put {name}.lua beside the network file, or leave the require out")),
        }
    }
}

/// The network file's folder as the system knows it, without links: what a file may read lies below it. A file that was named
/// without a folder lies in the working directory.
///
/// # Errors
/// When the folder is gone or may not be looked at.
pub(in crate::frontend::lua) fn real(folder: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(named(folder))
}

fn named(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Names of the modules in a folder, for "did you mean".
fn lua_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(named(folder)).into_iter().flatten().flatten().take(1000);
    entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".lua").map(str::to_string)).collect()
}
