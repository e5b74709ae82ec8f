//! Torch7's tensors, storages and `torch.…` functions as Lua values.
//!
//! **In:** a Lua VM and its `torch` table. **Out:** the filled table, [`LuaTensor`] and [`LuaStorage`] userdata.
//! **Never:** modules or criteria, and no numerics of its own where libtorch has them.
//!
//! Every function is one `row::Row` of a family file (`pointwise.rs`, `reduce.rs` …); methods (`t:f()`) and functions
//! (`torch.f()`) come from the same row. Source of the behaviour: torch7 `TensorMath.lua`, `generic/Tensor.c`.

mod apply;
mod arithmetic;
mod bits;
mod build;
mod call;
mod class;
mod compare;
mod construct;
mod convolve;
mod form;
mod indexing;
mod linalg;
mod pick;
mod pointwise;
mod products;
mod random;
mod reduce;
mod row;
mod shape;
mod sort;
mod storage;
mod system;
mod userdata;

use mlua::{AnyUserData, Lua, Table, Value};

use crate::{
    error::{Error, Kind},
    torch::{Storage, Tensor, TensorType},
};

pub use class::{class_table, default_type, register_class};
pub use random::{LuaGenerator, generator};
pub use system::LuaTimer;

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

/// Fills `torch` with the tensor and storage classes and every function on them.
///
/// # Errors
/// When Lua is out of memory.
pub fn install(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    random::install(lua, torch)?;
    class::install(lua, torch)?;
    row::install(lua, torch, &rows())?;
    system::install(lua, torch)
}

/// The one list of functions.
fn rows() -> Vec<row::Row> {
    [
        apply::rows(),
        arithmetic::rows(),
        bits::rows(),
        build::rows(),
        compare::rows(),
        convolve::rows(),
        linalg::rows(),
        pick::rows(),
        pointwise::rows(),
        products::rows(),
        random::rows(),
        reduce::rows(),
        shape::rows(),
        sort::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An argument error as Lua sees it.
fn refuse(message: impl Into<String>) -> mlua::Error {
    mlua::Error::external(Error::new(Kind::Argument, message))
}

/// A shape error as Lua sees it.
fn misfit(message: impl Into<String>) -> mlua::Error {
    mlua::Error::external(Error::new(Kind::Shape, message))
}

#[cfg(test)]
mod tests;
