//! The Lua front end: Torch7's object model in an embedded Lua 5.1, and its lowering to `nn::Network`.
//!
//! **In:** a network file's text, `params`. **Out:** [`Loaded`]: settings, hooks, the printed network, `nn::Network`.
//! **Never:** datasets, jobs, the training loop. Everything 1-based stays in here.
//!
//! While a file runs, a module is a Lua table whose fields are the truth. The rooms, from bottom to top; each names only
//! those before it:
//!
//! - `machine`: one fenced Lua for one file: limits, errors as pages, `require`, patterns. Knows nothing of Torch.
//! - `tensor`: Torch's tensors, storages and `torch.…` functions as Lua values.
//! - `objects`: classes, fields, values, copies: the object model.
//! - `lowering`: the tables become Rust modules on the same parameter memory; a module written in Lua becomes a node.
//! - `calls`: `forward` and `backward` called from Lua, answered by the same Rust modules.
//! - `library`: Torch's packages, and the list of who installs what; `prelude/` is their part in Lua.
//! - `load` and `shell`: the doors, for network files and for scripts.

mod calls;
mod library;
mod load;
mod lowering;
mod machine;
mod objects;
mod shell;
pub mod tensor;

pub use library::packages::torch_vm;
pub use load::{Loaded, load};
pub use lowering::lower::lower;
pub use machine::{limits::interrupt, suggest, vm};
pub use shell::{Evaluated, Shell};

pub use crate::nn::LabelHook;
