//! Front ends: network files in, `nn::Network` out. Lua today; a second language would be a sibling of `lua`.
//!
//! **In:** a network file and what the dataset says about shapes and classes. **Out:** [`Loaded`]: settings, hooks,
//! the printed network, and its lowering. **Never:** datasets, jobs, the training loop.

pub mod lua;
pub mod python;
mod source;

pub use lua::{LabelHook, Loaded, Settings, load};
pub use source::{NetworkParams, Source};
