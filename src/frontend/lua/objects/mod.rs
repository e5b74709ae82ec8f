//! Torch7's object model seen from Rust: classes, fields, values, and what is done with whole objects.
//!
//! **In:** Lua tables with a class. **Out:** `nn`'s values, activities and fields, copies and conversions.
//! **Never:** running a module, or installing a class.
//!
//! `classes` (what is known about a class), `nesting` (how deep tables may go), `value` and `activity` (between Lua and `nn`), `object` (an object's fields),
//! `origins` (the line that made it), `convert` (types), `copy` (deep copies), `expect` (pages of wrong arguments).

pub(in crate::frontend::lua) mod activity;
pub(in crate::frontend::lua) mod classes;
pub(in crate::frontend::lua) mod convert;
pub(in crate::frontend::lua) mod copy;
pub(in crate::frontend::lua) mod expect;
pub(in crate::frontend::lua) mod nesting;
pub(in crate::frontend::lua) mod object;
pub(in crate::frontend::lua) mod origins;
pub(in crate::frontend::lua) mod value;
