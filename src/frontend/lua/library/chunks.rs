//! The prelude's Lua: its files, the order they run in, and the four arguments that each of them gets:
//! `local torch, nn, native, packages = ...`.

use mlua::{FromLuaMulti, Lua, Table};

/// Registry name of the table of functions that Rust gives to the prelude.
const NATIVE: &str = "digits.native";
/// Registry name of the table of packages: name → table.
const PACKAGES: &str = "digits.packages";

/// One file of `prelude/`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    /// Starts with `=[digits]`, which keeps it out of the places that error pages show.
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

/// A chunk by its path below `prelude/`, without `.lua`.
macro_rules! chunk {
    ($path:expr) => {
        $crate::frontend::lua::library::chunks::Chunk {
            name: concat!("=[digits] ", $path, ".lua"),
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/frontend/lua/prelude/", $path, ".lua")),
        }
    };
}
pub(super) use chunk;

/// `torch.class`: before all others.
pub(super) const CLASS: Chunk = chunk!("torch/class");
/// The modules and criteria that are written in Lua, and the tables of those that are not.
pub(super) const MODULES: &[Chunk] = &[
    chunk!("nn/activities"),
    chunk!("nn/module"),
    chunk!("containers/container"),
    chunk!("containers/branches"),
    chunk!("containers/decorators"),
    chunk!("containers/graph"),
    chunk!("containers/node"),
    chunk!("containers/walks"),
    chunk!("containers/gmodule"),
    chunk!("containers/weight_norm"),
    chunk!("containers/composites"),
    chunk!("nn/criteria"),
    chunk!("layers/plumbing"),
    chunk!("layers/unpooling"),
    chunk!("layers/up_sampling"),
    chunk!("layers/partial_linear"),
    chunk!("layers/sparse_linear"),
    chunk!("layers/index_linear"),
    chunk!("layers/kmeans"),
    chunk!("layers/cudnn_rnn"),
    chunk!("layers/thnn"),
    chunk!("derivatives/jacobian"),
    chunk!("derivatives/hessian"),
];
/// Methods of classes that Rust installs: after these exist.
pub(super) const METHODS: Chunk = chunk!("nn/methods");
/// What scripts have beyond network files.
pub(super) const SCRIPTS: &[Chunk] = &[chunk!("torch/tester"), chunk!("torch/cmdline")];
/// Answers `upgrade(object, class)` for objects of old files.
pub(super) const OLD_FILES: Chunk = chunk!("torch/old_files");
/// `torch.File` and its kin.
pub(super) const FILE: Chunk = chunk!("torch/file");
/// Answers `show(…)` and a `print` that shows tables.
pub(super) const SHOW: Chunk = chunk!("torch/show");

/// What a script finds before its first line: after all others.
pub(super) const START: Chunk = chunk!("torch/start");

/// Makes the tables that the chunks are called with: `torch`, `nn` and the other packages, all empty.
pub(super) fn prepare<'n>(lua: &Lua, names: impl IntoIterator<Item = &'n str>) -> mlua::Result<()> {
    let packages = lua.create_table()?;
    for name in names {
        packages.raw_set(name, lua.create_table()?)?;
    }
    lua.set_named_registry_value(PACKAGES, packages)?;
    lua.set_named_registry_value(NATIVE, lua.create_table()?)
}

/// The table of functions that Rust gives to the prelude.
///
/// # Errors
/// Before [`prepare`].
pub(in crate::frontend::lua) fn native(lua: &Lua) -> mlua::Result<Table> {
    lua.named_registry_value(NATIVE)
}

/// The table of a package.
pub(super) fn package(lua: &Lua, name: &str) -> mlua::Result<Table> {
    lua.named_registry_value::<Table>(PACKAGES)?.raw_get(name)
}

impl Chunk {
    /// Runs the chunk; gives what it answers.
    pub(super) fn run<R: FromLuaMulti>(&self, lua: &Lua) -> mlua::Result<R> {
        let packages: Table = lua.named_registry_value(PACKAGES)?;
        let (torch, nn): (Table, Table) = (packages.raw_get("torch")?, packages.raw_get("nn")?);
        lua.load(self.text).set_name(self.name).call((torch, nn, native(lua)?, packages))
    }
}
