//! Class tables, constructors and the default type of tensors and storages.

use std::cell::Cell;

use mlua::{Lua, MultiValue, Table, Value};

use super::{LuaGenerator, LuaStorage, LuaTensor, LuaTimer, construct, refuse, shape, storage};
use crate::torch::{Storage, Tensor, TensorType};

/// Where class tables are found by name: `registry["torch.classes"][name]`.
const REGISTRY: &str = "torch.classes";

/// The class tables of this VM, at hand without a lookup by name.
struct Classes {
    tensors: Vec<Table>,
    storages: Vec<Table>,
    generator: Table,
    timer: Table,
}

/// What `torch.Tensor` means now.
struct DefaultType(Cell<TensorType>);

fn place(tensor_type: TensorType) -> usize {
    tensor_type.element as usize + if tensor_type.cuda { 8 } else { 0 }
}

/// What `torch.Tensor` means now; `torch.DoubleTensor` at first.
#[must_use]
pub fn default_type(lua: &Lua) -> TensorType {
    lua.app_data_ref::<DefaultType>().map_or(TensorType::DOUBLE, |default| default.0.get())
}

/// Puts a class table under its name, making the list of classes when there is none yet.
///
/// # Errors
/// When Lua is out of memory.
pub fn register_class(lua: &Lua, name: &str, class: &Table) -> mlua::Result<()> {
    let classes = match lua.named_registry_value::<Option<Table>>(REGISTRY)? {
        Some(classes) => classes,
        None => {
            let classes = lua.create_table()?;
            lua.set_named_registry_value(REGISTRY, &classes)?;
            classes
        }
    };
    classes.raw_set(name, class)
}

/// The class table of a tensor, storage, generator or timer: what `getmetatable(t)` answers in Torch7.
#[must_use]
pub fn class_table(lua: &Lua, value: &Value) -> Option<Table> {
    let data = value.as_userdata()?;
    if let Ok(tensor) = data.borrow::<LuaTensor>() {
        return Some(of_tensor(lua, tensor.0.tensor_type()));
    }
    if let Ok(storage) = data.borrow::<LuaStorage>() {
        return Some(of_storage(lua, storage.0.tensor_type()));
    }
    let classes = lua.app_data_ref::<Classes>()?;
    if data.is::<LuaGenerator>() {
        return Some(classes.generator.clone());
    }
    if data.is::<LuaTimer>() {
        return Some(classes.timer.clone());
    }
    drop(classes);
    crate::frontend::lua::torch_file::class_table(lua, value)
}

/// The class table of a tensor type.
pub(super) fn of_tensor(lua: &Lua, tensor_type: TensorType) -> Table {
    let classes = lua.app_data_ref::<Classes>().expect("install makes the classes before any tensor");
    classes.tensors[place(tensor_type)].clone()
}

/// The class table of a storage type.
pub(super) fn of_storage(lua: &Lua, tensor_type: TensorType) -> Table {
    let classes = lua.app_data_ref::<Classes>().expect("install makes the classes before any storage");
    classes.storages[place(tensor_type)].clone()
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
pub(super) fn install(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    let mut tensors = Vec::new();
    let mut storages = Vec::new();
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
    super::system::timer_methods(lua, &timer)?;
    lua.set_app_data(Classes { tensors, storages, generator, timer });
    lua.set_app_data(DefaultType(Cell::new(TensorType::DOUBLE)));
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
            if let Some(default) = lua.app_data_ref::<DefaultType>() {
                default.0.set(tensor_type);
            }
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

/// A handle on a fresh libtorch tensor that keeps its strides: LAPACK's results stay in columns, as in Torch7.
pub(super) fn keeping_order(tensor_type: TensorType, elements: &tch::Tensor) -> crate::error::Result<Tensor> {
    if elements.dim() == 2 && !elements.is_contiguous() && elements.kind() == tensor_type.element.kind() {
        let columns = elements.f_transpose(0, 1)?;
        if columns.is_contiguous() {
            let size = elements.size();
            return Tensor::on(Storage::from_tch(tensor_type, &columns)?, 0, &size, &[1, size[0]]);
        }
    }
    Tensor::from_tch(tensor_type, elements)
}
