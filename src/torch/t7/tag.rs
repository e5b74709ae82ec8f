//! What an object in a stream is: the number in front of it.

/// Nothing follows.
pub const NIL: i32 = 0;
/// A double.
pub const NUMBER: i32 = 1;
/// Length and bytes.
pub const STRING: i32 = 2;
/// Index, count, keys and values.
pub const TABLE: i32 = 3;
/// Index, version, class, and what the class writes.
pub const TORCH: i32 = 4;
/// 0 or 1.
pub const BOOLEAN: i32 = 5;
/// Code and values of its upvalues, without an index: the oldest form.
pub const FUNCTION: i32 = 6;
/// Index, code, values of its upvalues.
pub const LEGACY_FUNCTION: i32 = 7;
/// Index, code, upvalues as tables of name, id and value.
pub const RECURSIVE_FUNCTION: i32 = 8;
