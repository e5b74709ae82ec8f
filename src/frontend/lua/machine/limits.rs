//! Limits of a machine: time through a count hook that cannot be escaped, and the native stack.
//!
//! Time is first of all what this thread spent computing: on a busy machine a file that is loading must not be stopped
//! because others are at work. The wall clock has a limit of its own, ten times as long and a minute. A native call is asked what it
//! costs before it starts ([`afford`]).

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use mlua::{HookTriggers, Lua, VmState};

use super::state::{origin, shared};
use crate::error::{Error, Kind};

/// VM instructions between two looks at the clock: about 10 µs of interpreted code.
const INSTRUCTIONS: u32 = 1000;

/// How often long-running functions look at the clock, which is a call of the system.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Native stack that nested calls from Rust into Lua may take below `guard`; threads have at least 2 MiB.
const STACK_BUDGET: usize = 512 << 10;

/// Set by [`interrupt`], taken by the next hook.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends the Lua code that runs now, on whichever thread: Ctrl-C at the shell.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// An error once the deadline has passed; long-running callbacks call it now and then.
///
/// # Errors
/// The [`Kind::Limit`] page, again and again: the code must not be able to go on.
pub(in crate::frontend::lua) fn check_time(lua: &Lua) -> mlua::Result<()> {
    let shared = shared(lua)?;
    if !shared.clock.is_over() {
        return Ok(());
    }
    let page = shared.clock.expire(origin(lua));
    if shared.clock.make_sticky() {
        set_hook(lua, 1)?;
    }
    Err(mlua::Error::external(page))
}

thread_local! {
    static LOOKED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// [`check_time`], at most every few milliseconds: for functions of which one call may take long, be it that a matrix or a
/// table is large. A loop of them is a handful of VM instructions, and the hook, which counts those, would come too late.
///
/// # Errors
/// As [`check_time`].
pub(in crate::frontend::lua) fn look(lua: &Lua) -> mlua::Result<()> {
    let now = Instant::now();
    if LOOKED.get().is_some_and(|last| now.duration_since(last) < BETWEEN_LOOKS) {
        return Ok(());
    }
    LOOKED.set(Some(now));
    // Without limits: tensors can be had in a machine that is no network file's.
    if shared(lua).is_ok() { check_time(lua) } else { Ok(()) }
}

/// An error when a native call that takes `seconds` of processor time at the very least cannot end before the deadline:
/// asked before it starts, since nothing can stop it then. `what` names the call.
///
/// # Errors
/// [`Kind::Limit`], naming the time.
pub(in crate::frontend::lua) fn afford(lua: &Lua, seconds: f64, what: &str) -> mlua::Result<()> {
    // The clock is a call of the system, and most calls are short.
    if seconds < 1e-3 {
        return Ok(());
    }
    let Ok(shared) = shared(lua) else { return Ok(()) };
    let Some((left, allowed)) = shared.clock.left() else { return Ok(()) };
    if seconds <= left.as_secs_f64() {
        return Ok(());
    }
    // It would have fitted: what is over is the time, and the calls before took it.
    if seconds <= allowed.as_secs_f64() {
        return Err(mlua::Error::external(shared.clock.expire(origin(lua))));
    }
    let page = Error::new(Kind::Limit, format!("{what} would take longer than the file may run"))
        .with_fact("it takes", format!("at least {} s", shown(seconds)))
        .with_fact("it may run", format!("{} s of processor time", shown(allowed.as_secs_f64())))
        .with_help("look for a size that is far too large");
    Err(mlua::Error::external(page.at(origin(lua).as_ref())))
}

/// `12`, `0.3`, `4e9`: one digit that counts.
fn shown(seconds: f64) -> String {
    match seconds {
        1.0..1e6 => format!("{seconds:.0}"),
        0.0..1.0 => format!("{seconds:.1}"),
        _ => format!("{seconds:.0e}"),
    }
}

/// An error when the native stack that calls between Rust and Lua take runs low.
///
/// # Errors
/// [`Kind::Limit`], naming the recursion.
pub(in crate::frontend::lua) fn check_stack(lua: &Lua) -> mlua::Result<()> {
    let base = shared(lua)?.stack_base.get();
    if base != 0 && base.abs_diff(stack_address()) > STACK_BUDGET {
        return Err(mlua::Error::external(stack_overflow().at(origin(lua).as_ref())));
    }
    Ok(())
}

/// An error when `bytes` more would not fit below the memory limit: asked before a large allocation.
///
/// # Errors
/// Lua's own "not enough memory", which becomes a page that names the limit.
pub(in crate::frontend::lua) fn check_memory(lua: &Lua, bytes: usize) -> mlua::Result<()> {
    let limit = shared(lua)?.options.memory_limit;
    if limit != 0 && lua.used_memory().saturating_add(bytes) > limit {
        return Err(mlua::Error::MemoryError("not enough memory".into()));
    }
    Ok(())
}

/// True when more than half of the memory limit is taken, be it by garbage.
pub(in crate::frontend::lua) fn is_tight(lua: &Lua) -> bool {
    shared(lua).is_ok_and(|shared| {
        let limit = shared.options.memory_limit;
        limit != 0 && lua.used_memory() > limit / 2
    })
}

/// The page for endless recursion.
pub(in crate::frontend::lua) fn stack_overflow() -> Error {
    Error::new(Kind::Limit, "stack overflow: functions call each other too deep")
        .with_help("look for a function that calls itself without an end, near this line")
}

/// The page for memory.
pub(in crate::frontend::lua) fn out_of_memory(limit: usize) -> Error {
    Error::new(Kind::Limit, format!("the file used more than {} of Lua memory", mebibytes(limit)))
        .with_help("look for a table or string that grows without an end; tensors are not counted here")
}

/// Installs the hook at its normal pace.
pub(in crate::frontend::lua) fn arm(lua: &Lua) -> mlua::Result<()> {
    let pace = if shared(lua)?.clock.is_sticky() { 1 } else { INSTRUCTIONS };
    set_hook(lua, pace)
}

/// Only the current thread and threads made later get the new pace: coroutines made before look at the clock at their
/// old pace, and `coroutine.resume` (see `stdlib/library.lua`) looks on every entry and exit.
fn set_hook(lua: &Lua, every: u32) -> mlua::Result<()> {
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(every), |lua, _| {
        if is_tight(lua) {
            // Lua's memory error carries no place; the line that ran shortly before is near enough.
            let here = origin(lua);
            if let Ok(shared) = shared(lua) {
                *shared.tight_at.borrow_mut() = here;
            }
        }
        if INTERRUPTED.load(Ordering::Relaxed) && INTERRUPTED.swap(false, Ordering::Relaxed) {
            let page = Error::new(Kind::Interrupted, "interrupted by Ctrl-C");
            return Err(mlua::Error::external(page.at(origin(lua).as_ref())));
        }
        check_time(lua).map(|()| VmState::Continue)
    })
}

/// Roughly where the native stack is now.
#[inline(never)]
pub(in crate::frontend::lua) fn stack_address() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&marker)).addr()
}

fn mebibytes(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}
