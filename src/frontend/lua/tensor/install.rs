//! Makes the classes of tensors and storages and every function on them.

use mlua::{Lua, MultiValue, Table, Value};

use super::{
    classes::{Classes, default_type, of_tensor, register_class, set_default_type},
    construct,
    functions::{self, random, shape},
    generator::LuaGenerator,
    refusal::refuse,
    row, storage, system,
    timer::{self, LuaTimer},
};
use crate::torch::TensorType;

/// Fills `torch` with the tensor and storage classes and every function on them.
///
/// # Errors
/// When Lua is out of memory.
pub fn install(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    random::install(lua, torch)?;
    install_classes(lua, torch)?;
    row::install(lua, torch, &functions::rows())?;
    system::install(lua, torch)?;
    shape::install_questions(lua, torch)
}

/// A new class table and its callable constructor table, both registered and put into `torch`.
fn make(
    lua: &Lua,
    torch: &Table,
    name: &str,
    constructor: impl Fn(&Lua, MultiValue) -> mlua::Result<Value> + 'static,
) -> mlua::Result<Table> {
    let class = lua.create_table()?;
    class.raw_set("__typename", name)?;
    class.raw_set("__index", &class)?;
    class.raw_set("__metatable", &class)?;
    class.raw_set("__version", 1)?;
    let new = lua.create_function(move |lua, args: MultiValue| constructor(lua, args))?;
    class.raw_set("new", &new)?;
    class.raw_set("__constructor", &new)?;
    let empty = new.clone();
    class.raw_set("__factory", lua.create_function(move |_, _: MultiValue| empty.call::<Value>(()))?)?;

    let table = lua.create_table()?;
    let meta = lua.create_table()?;
    meta.raw_set("__index", &class)?;
    meta.raw_set("__newindex", &class)?;
    meta.raw_set("__metatable", &class)?;
    meta.raw_set(
        "__call",
        lua.create_function(move |_, mut args: MultiValue| {
            args.pop_front();
            new.call::<Value>(args)
        })?,
    )?;
    table.set_metatable(Some(meta))?;
    torch.raw_set(name.trim_start_matches("torch."), &table)?;
    register_class(lua, name, &class)?;
    Ok(class)
}

/// Makes every class; methods follow in `row::install`.
fn install_classes(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    let (mut tensors, mut storages) = (Vec::new(), Vec::new());
    for tensor_type in TensorType::all() {
        let class =
            make(lua, torch, &tensor_type.tensor_name(), move |lua, args| construct::tensor(lua, tensor_type, args))?;
        tensors.push(class);
        let class =
            make(lua, torch, &tensor_type.storage_name(), move |lua, args| construct::storage(lua, tensor_type, args))?;
        storage::install(lua, &class, tensor_type)?;
        storages.push(class);
    }
    let generator = make(lua, torch, "torch.Generator", |lua, _| LuaGenerator::fresh(lua))?;
    let timer = make(lua, torch, "torch.Timer", |lua, _| LuaTimer::started(lua))?;
    timer::install(lua, &timer)?;
    Classes { tensors, storages, generator, timer }.keep(lua);
    set_default(torch, TensorType::DOUBLE)?;
    for tensor_type in TensorType::all() {
        shape::install_conversions(lua, &of_tensor(lua, tensor_type))?;
    }

    let torch_table = torch.clone();
    torch.raw_set(
        "setdefaulttensortype",
        lua.create_function(move |lua, name: String| {
            let tensor_type = TensorType::named(&name)
                .filter(|found| found.tensor_name() == name)
                .ok_or_else(|| refuse(format!("cannot find tensor type {name:?}")))?;
            set_default_type(lua, tensor_type);
            set_default(&torch_table, tensor_type)
        })?,
    )?;
    torch.raw_set("getdefaulttensortype", lua.create_function(|lua, ()| Ok(default_type(lua).tensor_name()))?)
}

fn set_default(torch: &Table, tensor_type: TensorType) -> mlua::Result<()> {
    let short = |name: String| name.trim_start_matches("torch.").to_string();
    torch.raw_set("Tensor", torch.raw_get::<Table>(short(tensor_type.tensor_name()))?)?;
    torch.raw_set("Storage", torch.raw_get::<Table>(short(tensor_type.storage_name()))?)
}
