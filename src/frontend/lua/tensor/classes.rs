//! Class tables by name and by type, and the default type.

use std::cell::Cell;

use mlua::{Lua, ObjectLike, Table, Value};

use super::{
    generator::LuaGenerator,
    handle::{LuaStorage, LuaTensor},
    timer::LuaTimer,
};
use crate::torch::TensorType;

/// Name of the table of every class in Lua's registry: class name → class table.
const CLASSES: &str = "torch.classes";

/// The class tables of this machine's userdata, at hand without a lookup by name.
pub(super) struct Classes {
    /// In the order of [`TensorType::all`].
    pub(super) tensors: Vec<Table>,
    /// In the same order.
    pub(super) storages: Vec<Table>,
    pub(super) generator: Table,
    pub(super) timer: Table,
}

/// What `torch.Tensor` means now.
struct DefaultType(Cell<TensorType>);

impl Classes {
    /// Makes them known to this machine, and doubles the default type.
    pub(super) fn keep(self, lua: &Lua) {
        lua.set_app_data(self);
        lua.set_app_data(DefaultType(Cell::new(TensorType::DOUBLE)));
    }
}

fn place(tensor_type: TensorType) -> usize {
    tensor_type.element as usize + if tensor_type.cuda { 8 } else { 0 }
}

/// What `torch.Tensor` means now; `torch.DoubleTensor` at first.
#[must_use]
pub fn default_type(lua: &Lua) -> TensorType {
    lua.app_data_ref::<DefaultType>().map_or(TensorType::DOUBLE, |default| default.0.get())
}

/// Changes what `torch.Tensor` means.
pub(super) fn set_default_type(lua: &Lua, tensor_type: TensorType) {
    if let Some(default) = lua.app_data_ref::<DefaultType>() {
        default.0.set(tensor_type);
    }
}

/// The table of every class: name → class table.
///
/// # Errors
/// Before [`install`](super::install()) has run.
pub fn classes(lua: &Lua) -> mlua::Result<Table> {
    lua.named_registry_value(CLASSES)
}

/// Puts a class table under its name, making the list of classes when there is none yet.
///
/// # Errors
/// When Lua is out of memory.
pub fn register_class(lua: &Lua, name: &str, class: &Table) -> mlua::Result<()> {
    let classes = match lua.named_registry_value::<Option<Table>>(CLASSES)? {
        Some(classes) => classes,
        None => {
            let classes = lua.create_table()?;
            lua.set_named_registry_value(CLASSES, &classes)?;
            classes
        }
    };
    classes.raw_set(name, class)
}

/// The class table of a tensor, storage, generator, timer or file: what `getmetatable(t)` answers in Torch7.
#[must_use]
pub fn class_table(lua: &Lua, value: &Value) -> Option<Table> {
    let data = value.as_userdata()?;
    if let Ok(tensor) = data.borrow::<LuaTensor>() {
        return Some(of_tensor(lua, tensor.0.tensor_type()));
    }
    if let Ok(storage) = data.borrow::<LuaStorage>() {
        return Some(of_storage(lua, storage.0.tensor_type()));
    }
    let known = lua.app_data_ref::<Classes>()?;
    if data.is::<LuaGenerator>() {
        return Some(known.generator.clone());
    }
    if data.is::<LuaTimer>() {
        return Some(known.timer.clone());
    }
    drop(known);
    // Userdata of other files says its class itself.
    let class = data.get::<Option<String>>("__typename").ok().flatten()?;
    classes(lua).ok()?.raw_get(class).ok()
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
