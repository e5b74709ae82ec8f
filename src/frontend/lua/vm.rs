//! `Vm`: one Lua 5.1 machine for one network file, fenced in: memory, time, stack, library.
//!
//! **In** the text of a network file, and functions that the Torch prelude installs.
//! **Out** `mlua::Function`s that run under limits; errors as pages with the line that caused them.
//! **Never** tensors or modules: this folder knows Lua and nothing of Torch.

mod bit;
mod globals;
mod output;
mod source;

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::Duration,
};

use mlua::{Function, Lua, LuaOptions, StdLib, chunk::ChunkMode};

pub use self::output::Output;
use self::source::Sources;
use super::{
    error::{self, Pages},
    limits::{self, Clock},
    pattern,
    require::Modules,
};
use crate::error::{Error, Kind, Origin, Result};

/// What a machine may do, and how long.
#[derive(Debug, Clone)]
pub struct VmOptions {
    /// Opens `io`, `os`, `debug` and `package`: for the user's own scripts, never for a pasted file.
    pub trusted: bool,
    /// Bytes that Lua values may take; 0 lifts the limit.
    pub memory_limit: usize,
    /// Wall-clock time for [`Limit::Build`]: running the file and the function that it returns.
    pub build_time: Duration,
    /// Wall-clock time for [`Limit::Hook`]: one call of a hook during training.
    pub hook_time: Duration,
    /// Where `print` goes.
    pub output: Output,
}

impl Default for VmOptions {
    /// A pasted file: 256 MiB, 10 s to build, 1 s a hook call, `print` into the void.
    fn default() -> Self {
        VmOptions {
            trusted: false,
            memory_limit: 256 << 20,
            build_time: Duration::from_secs(10),
            hook_time: Duration::from_secs(1),
            output: Output::silent(),
        }
    }
}

/// Which deadline a guarded call runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Building the network: [`VmOptions::build_time`].
    Build,
    /// One hook call: [`VmOptions::hook_time`].
    Hook,
    /// No deadline, for trusted scripts.
    None,
}

/// What every callback of one machine can reach, kept as application data of its `Lua`.
pub(super) struct Shared {
    pub(super) options: VmOptions,
    pub(super) sources: RefCell<Sources>,
    pub(super) pages: RefCell<Pages>,
    pub(super) clock: Clock,
    pub(super) modules: RefCell<Modules>,
    /// The line that ran last while memory was running low.
    pub(super) tight_at: RefCell<Option<Origin>>,
    /// Native stack address at the outermost `guard`; 0 outside.
    pub(super) stack_base: Cell<usize>,
}

/// The shared state behind a `Lua` that a [`Vm`] made.
///
/// # Errors
/// When the `Lua` was made by something else.
pub(super) fn shared(lua: &Lua) -> mlua::Result<Rc<Shared>> {
    lua.app_data_ref::<Rc<Shared>>()
        .map(|shared| Rc::clone(&shared))
        .ok_or_else(|| mlua::Error::runtime("this Lua state does not belong to a network file"))
}

/// One Lua machine for one network file. Dropping it drops every global, class and loaded module.
pub struct Vm {
    lua: Lua,
    shared: Rc<Shared>,
}

impl Vm {
    /// A machine with the libraries that a network file may use.
    ///
    /// # Errors
    /// [`Kind::Limit`] when the memory limit is too small for Lua's own libraries.
    pub fn new(options: VmOptions) -> Result<Vm> {
        let lua = open(options.trusted).map_err(|source| error::without_place(&source))?;
        let shared = Rc::new(Shared {
            options,
            sources: RefCell::default(),
            pages: RefCell::default(),
            clock: Clock::default(),
            modules: RefCell::default(),
            tight_at: RefCell::default(),
            stack_base: Cell::new(0),
        });
        lua.set_app_data(Rc::clone(&shared));
        let vm = Vm { lua, shared };
        vm.furnish().map_err(|source| error::page(&vm.lua, &source))?;
        Ok(vm)
    }

    fn furnish(&self) -> mlua::Result<()> {
        self.lua.set_memory_limit(self.shared.options.memory_limit)?;
        globals::install(&self.lua, &self.shared)?;
        pattern::install(&self.lua)?;
        super::require::install(&self.lua)?;
        limits::arm(&self.lua)
    }

    /// The machine itself, for installing Torch's own functions.
    #[must_use]
    pub fn lua(&self) -> &Lua {
        &self.lua
    }

    /// What the machine was made with.
    #[must_use]
    pub fn options(&self) -> &VmOptions {
        &self.shared.options
    }

    /// Remembers a file's text, so that error pages can quote its lines.
    ///
    /// `name` is the file as the user named it: `networks/lenet.lua`, `<stdin>`.
    pub fn add_source(&self, name: &str, text: &str) {
        self.shared.sources.borrow_mut().add(name, text);
    }

    /// Compiles a file of the user's; a first line that starts with `#` is skipped, as Lua does. Text only: precompiled code is
    /// refused, since crafted bytecode can take over the process.
    ///
    /// # Errors
    /// [`Kind::Network`] with file, line and the line's text when it is not Lua 5.1.
    pub fn load(&self, name: &str, text: &str) -> Result<Function> {
        self.add_source(name, text);
        compile(&self.lua, name, text.as_bytes()).map_err(|source| error::page(&self.lua, &source))
    }

    /// Runs `f` under a deadline and the native stack budget, and turns whatever goes wrong into a page.
    ///
    /// `what` completes "it happened …": `while running the file`, `in labelHook at iteration 500`.
    ///
    /// # Errors
    /// [`Kind::Limit`] for time, memory and stack; [`Kind::Lua`] for what the code raised; else the page that a
    /// callback returned.
    pub fn guard<T>(&self, limit: Limit, what: &str, f: impl FnOnce() -> mlua::Result<T>) -> Result<T> {
        let allowed = match limit {
            Limit::Build => Some(self.shared.options.build_time),
            Limit::Hook => Some(self.shared.options.hook_time),
            Limit::None => None,
        };
        let outermost = self.shared.stack_base.get() == 0;
        if outermost {
            self.shared.stack_base.set(limits::stack_address());
            self.shared.tight_at.take();
        }
        let before = self.shared.clock.start(allowed, what);
        let outcome = catch_unwind(AssertUnwindSafe(f));
        let expired = self.shared.clock.stop(before);
        if outermost {
            self.shared.stack_base.set(0);
        }
        if matches!(outcome, Ok(Err(_))) && limits::is_tight(&self.lua) {
            // Lua 5.1 has no emergency collection: without one here the next call would fail for the last one's garbage.
            let _ = self.lua.gc_collect();
        }
        let rearmed = limits::arm(&self.lua);
        if let Some(page) = expired {
            return Err(page);
        }
        let failure = match outcome {
            Ok(Ok(value)) => match rearmed {
                Ok(()) => return Ok(value),
                Err(source) => error::page(&self.lua, &source),
            },
            Ok(Err(source)) => error::page(&self.lua, &source),
            Err(panic) => error::from_panic(panic.as_ref()),
        };
        let near = self.shared.tight_at.take().filter(|_| failure.kind() == Kind::Limit);
        Err(failure.at(near.as_ref()).with_fact("it happened", what))
    }

    /// The line of the user's file that is running right now; `None` outside a call.
    #[must_use]
    pub fn caller(&self) -> Option<Origin> {
        origin(&self.lua)
    }
}

/// Runs one call of the user's code during training under the hook deadline, on the machine behind `lua`.
///
/// # Errors
/// As [`Vm::guard`].
pub(super) fn guard_hook<T>(lua: &Lua, what: &str, f: impl FnOnce() -> mlua::Result<T>) -> Result<T> {
    let shared = shared(lua).map_err(|source| error::without_place(&source))?;
    Vm { lua: lua.clone(), shared }.guard(Limit::Hook, what, f)
}

/// The innermost running line of a user's file (never the embedded prelude), from inside a callback.
#[must_use]
pub fn origin(lua: &Lua) -> Option<Origin> {
    let shared = shared(lua).ok()?;
    let sources = shared.sources.borrow();
    (0..)
        .map_while(|level| {
            lua.inspect_stack(level, |frame| {
                let source = frame.source();
                sources.origin_of_chunk(source.source.as_deref()?, source.short_src.as_deref()?, frame.current_line()?)
            })
        })
        .flatten()
        .next()
}

/// Compiles text under a file's name, `#!` line allowed.
pub(super) fn compile(lua: &Lua, name: &str, text: &[u8]) -> mlua::Result<Function> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut body = text.to_vec();
    if body.first() == Some(&b'#') {
        // Blanked rather than cut, so that line numbers stay.
        body.iter_mut().take_while(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    if body.first() == Some(&0x1b) {
        return Err(mlua::Error::external(
            Error::new(Kind::Network, format!("{name} is compiled Lua, not text"))
                .with_help("paste the source: compiled code is never loaded, since it can take over the program"),
        ));
    }
    lua.load(body).set_name(format!("@{name}")).set_mode(ChunkMode::Text).into_function()
}

fn open(trusted: bool) -> mlua::Result<Lua> {
    let fenced = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::OS;
    if trusted {
        return Ok(open_trusted(fenced | StdLib::IO | StdLib::PACKAGE | StdLib::DEBUG));
    }
    Lua::new_with(fenced, LuaOptions::default())
}

#[expect(unsafe_code, reason = "mlua marks the debug library unsafe; the user asked for it by trusting the script")]
fn open_trusted(libraries: StdLib) -> Lua {
    // SAFETY: `debug` lets a script corrupt its own VM; `trusted` is set only for scripts that the user vouches for,
    // which could harm the user through `os.execute` anyway.
    unsafe { Lua::unsafe_new_with(libraries, LuaOptions::default()) }
}

#[cfg(test)]
mod tests;
