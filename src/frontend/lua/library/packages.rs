//! `torch_vm`: a machine with Torch7's packages, as `require` answers them (spec section 6); the list of who installs what.
//!
//! A package is a table and the chunks of Lua that fill it when it is required first: `prelude/packages/`.

use mlua::{Function, Lua, Table, Value};

use super::{
    caffe,
    chunks::{CLASS, Chunk, METHODS, MODULES, SHOW, START, chunk, native, package, prepare},
    files, hdf5, image, mat, native, plots, recurrent, scripts, specs, torch_file,
};
use crate::{
    error::Result,
    frontend::lua::{
        machine::{
            error,
            vm::{Loader, Vm, VmOptions},
        },
        objects::origins,
        tensor,
    },
};

/// Registry name of the set of packages whose chunks have run.
const OPENED: &str = "digits.opened";

macro_rules! packages {
    ($($name:literal: [$($chunk:literal),*]),* $(,)?) => {
        /// Every package that `require` answers, with what answers for it.
        const OFFERED: &[(&str, Loader)] = &[$((
            $name,
            |lua| open(lua, $name, &[$(chunk!(concat!("packages/", $chunk))),*]),
        )),*];
        #[cfg(test)]
        const CHUNKS: &[Chunk] = &[$($(chunk!(concat!("packages/", $chunk)),)*)*];
    };
}

// The first parts of class names (`nn.Linear`, `cudnn.ReLU`) are packages too.
packages! {
    "torch": [],
    "nn": [],
    "cutorch": ["cutorch"],
    "cunn": ["cunn"],
    "cudnn": ["cudnn"],
    "inn": ["inn"],
    "nn.THNN": [],
    "ccn2": ["ccn2"],
    "fbnn": [],
    "fbcunn": ["fbcunn"],
    "nnx": ["nnx"],
    "graph": ["graph"],
    "nngraph": ["nngraph"],
    "dpnn": [
        "dpnn/sharing", "dpnn/module", "dpnn/serial", "dpnn/inception", "dpnn/layers", "dpnn/reinforce", "dpnn/glimpse",
        "dpnn/nce"
    ],
    "rnn": [
        "rnn/module", "rnn/layers", "rnn/mask", "rnn/abstract_recurrent", "rnn/lstm", "rnn/gru", "rnn/recurrent",
        "rnn/sequencer", "rnn/bidirectional", "rnn/attention", "rnn/seq_lstm", "rnn/seq_gru", "rnn/criteria"
    ],
    "optim": ["first_order", "line_search", "lbfgs", "fista", "evolution", "confusion", "logger"],
    "image": ["image", "image_colour", "image_filter", "image_drawing"],
    "dok": ["dok"],
    "totem": ["totem"],
    "paths": ["paths"],
    "xlua": ["xlua"],
    "sys": ["sys"],
    "pl": ["pl", "pl_list", "pl_files", "pl_classes", "lapp", "pl_text"],
    "moses": ["moses/tables", "moses/arrays", "moses/functions", "moses/objects"],
    "cjson": ["cjson/encode", "cjson/decode"],
    "cjson.util": ["cjson/values"],
    "bit32": ["bit32"],
    "nninit": ["nninit"],
    "optnet": ["optnet"],
    "gnuplot": ["gnuplot"],
    "loadcaffe": ["loadcaffe"],
    "hdf5": ["hdf5"],
    "matio": ["matio"],
    "mattorch": ["mattorch"],
    "tds": ["tds"],
    "threads": ["threads"],
    "torchx": ["torchx"],
    "csvigo": ["csvigo"],
    "md5": ["md5"],
    "trepl": ["trepl"],
    "env": [],
    "argcheck": ["argcheck"],
    "argcheck.doc": ["argcheck_doc"],
    "class": ["class"],
    "lfs": ["lfs"],
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

/// The package's table, filled when it is asked for first.
fn open(lua: &Lua, name: &str, chunks: &[Chunk]) -> mlua::Result<Value> {
    let opened: Table = lua.named_registry_value(OPENED)?;
    if opened.raw_get::<Value>(name)?.is_nil() {
        opened.raw_set(name, true)?;
        chunks.iter().try_for_each(|chunk| chunk.run::<()>(lua))?;
    }
    package(lua, name).map(Value::Table)
}

/// Fills `torch` and `nn`, in this order.
fn furnish(lua: &Lua) -> mlua::Result<()> {
    prepare(lua, OFFERED.iter().map(|(name, _)| *name))?;
    lua.set_named_registry_value(OPENED, lua.create_table()?)?;
    let (torch, nn, native) = (package(lua, "torch")?, package(lua, "nn")?, native(lua)?);
    lua.globals().raw_set("torch", &torch)?;
    lua.globals().raw_set("nn", &nn)?;
    tensor::install(lua, &torch)?;
    origins::install(lua)?;
    native::install(lua, &native)?;
    native.raw_set("recurrent", recurrent::table(lua)?)?;
    CLASS.run::<()>(lua)?;
    MODULES.iter().try_for_each(|chunk| chunk.run::<()>(lua))?;
    specs::install(lua)?;
    METHODS.run::<()>(lua)?;
    specs::explain_missing(lua)?;
    scripts::install(lua, &native)?;
    torch_file::install(lua, &native)?;
    native.raw_set("files", files::table(lua)?)?;
    native.raw_set("image", image::table(lua)?)?;
    native.raw_set("plots", plots::table(lua)?)?;
    native.raw_set("caffe", caffe::table(lua)?)?;
    native.raw_set("hdf5", hdf5::table(lua)?)?;
    native.raw_set("mat", mat::table(lua)?)?;
    let (show, print) = SHOW.run::<(Function, Function)>(lua)?;
    native.raw_set("show", show)?;
    lua.globals().raw_set("print", print)?;
    START.run::<()>(lua)?;
    torch.get::<Function>("setdefaulttensortype")?.call::<()>("torch.FloatTensor")
}

#[cfg(test)]
mod tests {
    use super::{
        super::chunks::{FILE, OLD_FILES, SCRIPTS},
        *,
    };
    use crate::frontend::lua::machine::vm::Limit;

    #[test]
    fn every_chunk_is_listed_and_every_package_opens() {
        let prelude = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/frontend/lua/prelude");
        let mut here = Vec::new();
        let mut folders = vec![prelude.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match entry.strip_prefix(&prelude).unwrap() {
                    _ if entry.is_dir() => folders.push(entry),
                    file => here.push(format!("=[digits] {}", file.display())),
                }
            }
        }
        here.sort();
        let single = [CLASS, METHODS, OLD_FILES, FILE, SHOW, START];
        let mut listed: Vec<&str> =
            [&single, MODULES, SCRIPTS, CHUNKS].concat().iter().map(|chunk| chunk.name).collect();
        listed.sort_unstable();
        assert_eq!(listed, here, "the lists of chunks (left) and prelude/ (right) differ");
        let vm = torch_vm(VmOptions::default()).unwrap();
        for (name, _) in OFFERED {
            let text = format!(
                "local p = require '{name}'; return type(p) == 'table' and (_G['{name}'] == p or ('{name}'):find('.', 1, true) ~= nil)"
            );
            let chunk = vm.load("net.lua", &text).unwrap();
            assert!(vm.guard(Limit::Build, "in a test", || chunk.call::<bool>(())).unwrap(), "{name}");
        }
    }
}
