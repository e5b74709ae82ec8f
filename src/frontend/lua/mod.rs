//! The Lua front end: Torch7's object model in an embedded Lua 5.1, and its lowering to `nn::Network`.
//!
//! **In:** a network file's text, `params`. **Out:** [`Loaded`]: settings, hooks, the printed network, `nn::Network`.
//! **Never:** datasets, jobs, the training loop. Everything 1-based stays in here.
//!
//! While a file runs, a module is a Lua table whose fields are the truth (`prelude/`, `object.rs`, `native.rs`);
//! `lower.rs` walks the tables once and gives Rust modules on the same parameter memory; `eager.rs` answers calls
//! from Lua with the same modules, which `built.rs` keeps while the fields stay. `vm.rs` is the fence around the file,
//! `error.rs` makes pages of what goes wrong in it.

mod built;
mod bytecode;
mod eager;
pub mod error;
mod expect;
mod files;
mod foreign;
mod image;
pub mod limits;
mod load;
mod lower;
mod native;
mod object;
mod packages;
mod pattern;
pub mod require;
mod scripts;
mod sharing;
mod shell;
pub mod suggest;
pub mod tensor;
mod torch_file;
pub mod vm;

pub use limits::interrupt;
pub use load::{LabelHook, Loaded, Settings, load};
pub use lower::lower;
pub use packages::torch_vm;
pub use shell::{Evaluated, Shell};
