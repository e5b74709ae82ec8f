//! `torch_vm`: a machine with Torch7's packages, as `require` answers them (spec section 6).

use mlua::{Lua, Table, Value};

use super::{
    error, native, scripts, tensor,
    vm::{Vm, VmOptions},
};
use crate::error::Result;

/// Registry name of the table of packages: name → table.
const PACKAGES: &str = "digits.packages";

macro_rules! packages {
    ($($name:literal),* $(,)?) => {
        /// Every package that `require` answers, with what answers for it.
        const OFFERED: &[(&str, super::require::Loader)] = &[$(($name, |lua| package(lua, $name))),*];
    };
}

// The first parts of class names (`nn.Linear`, `cudnn.ReLU`) are packages too.
packages! {
    "torch", "nn", "cudnn", "cunn", "cutorch", "inn", "dpnn", "optim", "image", "paths", "xlua", "sys", "trepl", "env",
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

fn package(lua: &Lua, name: &str) -> mlua::Result<Value> {
    lua.named_registry_value::<Table>(PACKAGES)?.raw_get(name)
}

fn furnish(lua: &Lua) -> mlua::Result<()> {
    let packages = lua.create_table()?;
    for &(name, _) in OFFERED {
        packages.raw_set(name, lua.create_table()?)?;
    }
    lua.set_named_registry_value(PACKAGES, &packages)?;
    let torch: Table = packages.raw_get("torch")?;
    let nn: Table = packages.raw_get("nn")?;
    lua.globals().raw_set("torch", &torch)?;
    lua.globals().raw_set("nn", &nn)?;
    tensor::install(lua, &torch)?;
    native::install(lua, &torch, &nn, &packages)?;
    scripts::install(lua, &torch)?;
    lua.load(include_str!("prelude/packages.lua"))
        .set_name("=[digits] packages.lua")
        .call::<()>((&torch, &packages))?;
    torch.get::<mlua::Function>("setdefaulttensortype")?.call::<()>("torch.FloatTensor")
}
