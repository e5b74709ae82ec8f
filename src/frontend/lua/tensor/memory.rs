//! Tensor memory and Lua's collector, which sees a few bytes for a tensor of a gigabyte.

use std::cell::Cell;

use mlua::Lua;

use super::refusal::checked;
use crate::{
    frontend::lua::machine::limits,
    torch::{TensorType, memory},
};

thread_local! {
    static AT_STEP: Cell<u64> = const { Cell::new(0) };
    static AT_COLLECTION: Cell<u64> = const { Cell::new(0) };
}

/// Lets Lua's collector know about tensor memory: a step for each 64 MiB taken, a whole collection for each 256 MiB or
/// half of what is in use, whichever is more.
pub(in crate::frontend::lua) fn pace_collector(lua: &Lua) -> mlua::Result<()> {
    let allocated = memory::allocated();
    if allocated.saturating_sub(AT_STEP.get()) < 64 << 20 {
        return Ok(());
    }
    AT_STEP.set(allocated);
    if allocated.saturating_sub(AT_COLLECTION.get()) < (256 << 20).max(memory::live() / 2) {
        lua.gc_step()?;
    } else {
        AT_COLLECTION.set(allocated);
        lua.gc_collect()?;
    }
    Ok(())
}

/// Makes room for `count` elements, collecting garbage when they do not fit at once.
pub(super) fn reserve(lua: &Lua, tensor_type: TensorType, count: i64, what: &str) -> mlua::Result<()> {
    let bytes = tensor_type.element.bytes();
    if memory::check(count, bytes, what).is_err() {
        lua.gc_collect()?;
        checked(memory::check(count, bytes, what))?;
    }
    Ok(())
}

/// What a quick function takes for one element. Only expanded tensors stand for so many that it matters.
const SECONDS_AN_ELEMENT: f64 = 5e-10;

/// Asks about a function that looks at `count` elements of a tensor and makes as many: an expanded tensor may stand for any
/// number of them.
pub(super) fn measure(lua: &Lua, tensor_type: TensorType, count: i64, what: &str) -> mlua::Result<()> {
    if count < LARGE {
        return Ok(());
    }
    measure_time(lua, count, what)?;
    reserve(lua, tensor_type, count, what)
}

/// The same of a function that makes nothing.
pub(super) fn measure_time(lua: &Lua, count: i64, what: &str) -> mlua::Result<()> {
    limits::afford(lua, count as f64 * SECONDS_AN_ELEMENT, what)
}

/// Asks about tensors of `count` elements that are handed on, to be read at least once: also where nothing else limits the
/// time, they must not stand for more than memory holds at a byte each.
pub(in crate::frontend::lua) fn measure_handed_on(lua: &Lua, count: i64, what: &str) -> mlua::Result<()> {
    if count < LARGE {
        return Ok(());
    }
    measure_time(lua, count, what)?;
    checked(memory::check(count, 1, what))
}

/// Elements from which on a function is measured before it runs.
pub(super) const LARGE: i64 = 1 << 20;

/// Product of sizes without overflow.
pub(super) fn count(sizes: &[i64]) -> i64 {
    sizes.iter().take_while(|&&size| size > 0).fold(1i64, |all, &size| all.saturating_mul(size))
}
