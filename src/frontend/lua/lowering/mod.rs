//! The way down: the tree of Lua tables becomes an `nn::Network`.
//!
//! **In:** a model and its criterion, Lua objects. **Out:** Rust modules on the same parameter memory. **Never:** training,
//! or calls from Lua.
//!
//! `foreign` (modules that stay Lua, as nodes), `lower` (the walk), `draws` (the random numbers of the file's own code).

pub(in crate::frontend::lua) mod draws;
pub(in crate::frontend::lua) mod foreign;
mod held;
pub(in crate::frontend::lua) mod lower;
