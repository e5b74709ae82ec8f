//! Torch7's tensors, storages and `torch.…` functions as Lua values.
//!
//! **In:** a Lua VM and its `torch` table. **Out:** the filled table, [`LuaTensor`] and [`LuaStorage`] userdata.
//! **Never:** modules or criteria, and no numerics of its own where libtorch has them.
//!
//! From bottom to top: `refusal` (errors as Lua sees them), `handle`, `generator`, `timer` (userdata), `memory` (tensors and
//! Lua's collector); `classes` (class tables by name, the default type); `form`, `call`, `row` (how arguments are matched and
//! results stored), `construct`, `indexing`; `functions` (the families of functions), `storage`, `system`; `userdata` (what
//! Lua's operators do); `install`. Source of the behaviour: torch7 `TensorMath.lua`, `generic/Tensor.c`.

mod call;
mod classes;
mod construct;
mod form;
mod functions;
mod generator;
mod handle;
mod indexing;
mod install;
mod memory;
mod refusal;
mod row;
mod storage;
mod system;
mod timer;
mod userdata;

pub use classes::{class_table, classes, default_type, register_class};
pub use generator::{LuaGenerator, generator};
pub use handle::{LuaStorage, LuaTensor, from_lua, long_storage, storage_from_lua, storage_to_lua, to_lua};
pub use install::install;
pub(in crate::frontend::lua) use memory::{measure_handed_on, pace_collector};
pub use timer::LuaTimer;

#[cfg(test)]
mod tests;
