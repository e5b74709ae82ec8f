//! Torch7's data model over libtorch: element types, growable storages, tensor handles, the random generator.
//!
//! **In:** numbers, sizes, `tch` tensors. **Out:** handles with Torch7's sharing rules, and `tch` views of them.
//! **Never:** Lua. The front end binds these types; `nn` reads them when a network is lowered.

pub mod accumulate;
pub mod backward;
pub mod device;
pub mod direct;
mod element;
mod flatten;
mod format;
pub mod fused;
mod generator;
pub mod guard;
mod layout;
mod library;
pub mod memory;
mod place;
pub mod precision;
pub mod profile;
pub mod rows;
pub(crate) mod said;
mod samplers;
pub mod start_up;
mod storage;
pub mod t7;
mod tensor;
mod threads;
mod types;
mod views;

pub use flatten::flatten;
pub use generator::Generator;
pub use library::Library;
pub use place::Place;
pub use samplers::alias_table;
pub use storage::Storage;
pub use tensor::{MOST_DIMS, Tensor, contiguous_strides};
pub use threads::{ShortWaits, on_one_thread};
pub use types::{Element, TensorType};
