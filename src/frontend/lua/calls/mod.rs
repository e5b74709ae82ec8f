//! Calls from Lua: `m:forward(x)`, `m:backward(x, g)`, `criterion:forward(y, t)`.
//!
//! **In:** an object, its input. **Out:** results in the tensor objects of the call before, as Torch7 leaves them.
//! **Never:** training, which runs the lowered network.
//!
//! `class` (what calls of one class share), `built` (the Rust module of an object, kept while its fields stay), `sharing` (results that share memory), `reuse` (results
//! in the tensors of the call before), `again` (what holds for a call like the one before), `eager` (the
//! methods), `losses` (those of criteria), `passing` (gradients between the modules of a graph).

mod again;
pub(in crate::frontend::lua) mod built;
mod class;
pub(in crate::frontend::lua) mod eager;
#[cfg(test)]
mod graphs;
mod losses;
pub(in crate::frontend::lua) mod passing;
mod reuse;
mod seen;
mod sharing;
