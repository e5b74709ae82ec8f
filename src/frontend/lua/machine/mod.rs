//! The machine: one Lua 5.1 for one file, fenced in.
//!
//! **In:** the text of a file, and functions that Torch's packages install. **Out:** functions that run under limits, and
//! errors as pages with the line that caused them. **Never:** tensors, modules: this room knows Lua and nothing of Torch.
//!
//! From bottom to top: `suggest` ("did you mean"), `output` (where `print` goes), `source` (the texts, for lines in pages),
//! `clock` (the running deadline, under the front ends' watchdog), `identities` (numbers in place of addresses),
//! `pages` (pages that passed a `pcall`), `modules` (what `require` answers), `options`;
//! `state` (what every callback reaches); `limits` (time, memory, stack), `tokens`, `operands`, `blocks`, `gotos`, `numerals`, `newer_syntax`, `escapes`
//! and `newline_calls` (what LuaJIT's grammar takes and 5.1's does not), `length_calls` and `length` (`#` through `__len`), `compile`, `bytecode` (functions that do nothing), `thrown` (objects as errors), `error` (Lua's errors as pages); `stdlib` (what a file finds as Lua's library); `vm` ([`Vm`](vm::Vm)).

mod blocks;
pub(in crate::frontend::lua) mod bytecode;
mod clock;
pub(in crate::frontend::lua) mod compile;
pub(in crate::frontend::lua) mod error;
mod escapes;
mod gotos;
pub(in crate::frontend::lua) mod identities;
mod length;
mod length_calls;
pub(in crate::frontend::lua) mod limits;
pub(in crate::frontend::lua) mod modules;
mod newer_syntax;
mod newline_calls;
mod numerals;
mod operands;
mod options;
mod output;
mod pages;
mod source;
pub(in crate::frontend::lua) mod state;
pub(in crate::frontend::lua) mod stdlib;
pub mod suggest;
mod thrown;
mod tokens;
pub mod vm;
