//! Tensors and storages as Lua values: userdata that holds a handle.

use mlua::{AnyUserData, Lua, Value};

use crate::torch::{Storage, Tensor, TensorType};

/// The userdata behind every tensor in Lua.
#[derive(Debug, Clone)]
pub struct LuaTensor(pub Tensor);

/// The userdata behind every storage in Lua.
#[derive(Debug, Clone)]
pub struct LuaStorage(pub Storage);

/// A Lua value for a tensor object.
///
/// # Errors
/// When Lua is out of memory.
pub fn to_lua(lua: &Lua, tensor: Tensor) -> mlua::Result<AnyUserData> {
    lua.create_userdata(LuaTensor(tensor))
}

/// The tensor object behind a Lua value; `None` when it is something else.
#[must_use]
pub fn from_lua(value: &Value) -> Option<Tensor> {
    value.as_userdata().and_then(|data| data.borrow::<LuaTensor>().ok().map(|tensor| tensor.0.clone()))
}

/// A Lua value for a storage.
///
/// # Errors
/// When Lua is out of memory.
pub fn storage_to_lua(lua: &Lua, storage: Storage) -> mlua::Result<AnyUserData> {
    lua.create_userdata(LuaStorage(storage))
}

/// The storage behind a Lua value; `None` when it is something else.
#[must_use]
pub fn storage_from_lua(value: &Value) -> Option<Storage> {
    value.as_userdata().and_then(|data| data.borrow::<LuaStorage>().ok().map(|storage| storage.0.clone()))
}

/// A `torch.LongStorage` of these numbers, as `t:size()` answers.
///
/// # Errors
/// When the memory cannot be had.
pub fn long_storage(lua: &Lua, values: &[i64]) -> mlua::Result<AnyUserData> {
    let values: Vec<f64> = values.iter().map(|&value| value as f64).collect();
    storage_to_lua(lua, Storage::from_values(TensorType::LONG, &values).map_err(mlua::Error::external)?)
}
