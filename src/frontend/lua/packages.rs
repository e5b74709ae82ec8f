//! `torch_vm`: a machine with Torch7's packages, as `require` answers them (spec section 6).
//!
//! A package is a table and the chunks of Lua that fill it when it is required first: `prelude/packages/`.

use mlua::{Lua, Table, Value};

use super::{
    error, files, image, native, scripts, tensor, torch_file,
    vm::{Vm, VmOptions},
};
use crate::error::Result;

/// Registry name of the table of packages: name → table.
const PACKAGES: &str = "digits.packages";
/// Registry name of the set of packages whose chunks have run.
const OPENED: &str = "digits.opened";

macro_rules! packages {
    ($($name:literal: [$($chunk:literal),*]),* $(,)?) => {
        /// Every package that `require` answers, with what answers for it.
        const OFFERED: &[(&str, super::require::Loader)] = &[$((
            $name,
            |lua| open(lua, $name, &[$((
                concat!("=[digits] ", $chunk, ".lua"),
                include_str!(concat!("prelude/packages/", $chunk, ".lua")),
            )),*]),
        )),*];
        #[cfg(test)]
        const CHUNKS: &[&str] = &[$($($chunk,)*)*];
    };
}

// The first parts of class names (`nn.Linear`, `cudnn.ReLU`) are packages too.
packages! {
    "torch": [],
    "nn": [],
    "cutorch": ["cutorch"],
    "cunn": ["cunn"],
    "cudnn": ["cudnn"],
    "inn": [],
    "ccn2": [],
    "fbnn": [],
    "fbcunn": [],
    "nnx": [],
    "graph": ["graph"],
    "nngraph": ["nngraph"],
    "dpnn": ["dpnn", "inception", "dpnn_layers"],
    "optim": ["first_order", "line_search", "lbfgs", "fista", "evolution", "confusion", "logger"],
    "image": ["image", "image_colour", "image_filter"],
    "paths": ["paths"],
    "xlua": ["xlua"],
    "sys": ["sys"],
    "pl": ["pl"],
    "moses": ["moses"],
    "trepl": [],
    "env": [],
    "argcheck": [],
    "class": [],
    "lfs": [],
    "cwrap": [],
}

/// A machine in which a network file can run: `torch` and `nn` are there, the other packages answer to `require`.
/// Tensors are floats by default, as DIGITS sets it before it loads a network.
///
/// # Errors
/// When the memory limit is too small for the packages.
pub fn torch_vm(options: VmOptions) -> Result<Vm> {
    let vm = Vm::new(options)?;
    furnish(vm.lua()).map_err(|source| error::page(vm.lua(), &source))?;
    for &(name, loader) in OFFERED {
        vm.provide(name, loader);
    }
    Ok(vm)
}

/// The package's table, filled when it is asked for first. Its chunks see
/// `local torch, nn, <the table>, packages, native = ...`.
fn open(lua: &Lua, name: &str, chunks: &[(&str, &str)]) -> mlua::Result<Value> {
    let packages: Table = lua.named_registry_value(PACKAGES)?;
    let this: Table = packages.raw_get(name)?;
    let opened: Table = lua.named_registry_value(OPENED)?;
    if opened.raw_get::<Value>(name)?.is_nil() {
        opened.raw_set(name, true)?;
        let (torch, nn): (Table, Table) = (packages.raw_get("torch")?, packages.raw_get("nn")?);
        let native: Table = lua.named_registry_value(native::NATIVE)?;
        for &(chunk, text) in chunks {
            lua.load(text).set_name(chunk).call::<()>((&torch, &nn, &this, &packages, &native))?;
        }
    }
    Ok(Value::Table(this))
}

fn furnish(lua: &Lua) -> mlua::Result<()> {
    let packages = lua.create_table()?;
    for &(name, _) in OFFERED {
        packages.raw_set(name, lua.create_table()?)?;
    }
    lua.set_named_registry_value(PACKAGES, &packages)?;
    lua.set_named_registry_value(OPENED, lua.create_table()?)?;
    let torch: Table = packages.raw_get("torch")?;
    let nn: Table = packages.raw_get("nn")?;
    lua.globals().raw_set("torch", &torch)?;
    lua.globals().raw_set("nn", &nn)?;
    tensor::install(lua, &torch)?;
    native::install(lua, &torch, &nn, &packages)?;
    scripts::install(lua, &torch)?;
    torch_file::install(lua, &torch)?;
    let native: Table = lua.named_registry_value(native::NATIVE)?;
    native.raw_set("files", files::table(lua)?)?;
    native.raw_set("image", image::table(lua)?)?;
    let (show, print) =
        lua.load(include_str!("prelude/show.lua"))
            .set_name("=[digits] show.lua")
            .call::<(mlua::Function, mlua::Function)>((&torch, lua.globals().get::<mlua::Function>("print")?))?;
    native.raw_set("show", show)?;
    lua.globals().raw_set("print", print)?;
    torch.get::<mlua::Function>("setdefaulttensortype")?.call::<()>("torch.FloatTensor")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::lua::vm::Limit;

    #[test]
    fn every_chunk_is_listed_and_every_package_opens() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/frontend/lua/prelude/packages");
        let mut here: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".lua").to_string())
            .collect();
        here.sort();
        let mut listed = CHUNKS.to_vec();
        listed.sort_unstable();
        assert_eq!(listed, here, "packages! (left) and prelude/packages (right) differ");
        let vm = torch_vm(VmOptions::default()).unwrap();
        for (name, _) in OFFERED {
            let text = format!("local p = require '{name}'; return type(p) == 'table' and _G['{name}'] == p");
            let chunk = vm.load("net.lua", &text).unwrap();
            assert!(vm.guard(Limit::Build, "in a test", || chunk.call::<bool>(())).unwrap(), "{name}");
        }
    }
}
