//! Lua 5.1's patterns in Rust, with a step budget: the C matcher cannot be interrupted while it backtracks.
//!
//! **In:** a subject, a pattern and where to start. **Out:** the end of the match and its captures; Lua's functions of
//! strings on top. **Never:** memory or time without a limit.
//!
//! `class` knows single items (`%w`, `[^a-z]`), `matcher` whole patterns, `strings` is the part of the `string` table.

mod class;
mod matcher;
mod strings;

pub(super) use strings::install;

#[cfg(test)]
mod tests;
