//! `Vm`: one Lua 5.1 machine for one network file, fenced in: memory, processor time, stack, library.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    rc::Rc,
};

use mlua::{Function, Lua, LuaOptions, StdLib};

use super::{
    clock::Clock,
    compile::compile,
    error, limits,
    state::{self, Shared},
    stdlib,
};
pub use super::{
    modules::Loader,
    options::{Limit, VmOptions},
    output::Output,
};
use crate::error::{Error, Kind, Origin, Result};

/// The language that network files are read as, as the interpreter names it: `Lua 5.1`.
#[must_use]
pub fn language() -> String {
    Lua::new().globals().get("_VERSION").unwrap_or_else(|_| "Lua".into())
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
            missing_class: Cell::new(None),
        });
        lua.set_app_data(Rc::clone(&shared));
        let vm = Vm { lua, shared };
        vm.furnish().map_err(|source| error::page(&vm.lua, &source))?;
        Ok(vm)
    }

    fn furnish(&self) -> mlua::Result<()> {
        self.lua.set_memory_limit(self.shared.options.memory_limit)?;
        stdlib::install(&self.lua, &self.shared)?;
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

    /// Offers a package to `require`; it is made when a file asks for it first.
    pub fn provide(&self, name: &'static str, loader: Loader) {
        self.shared.modules.borrow_mut().offer(name, loader);
    }

    /// The folder whose `.lua` files `require` may load by their plain names: the network file's own.
    pub fn set_folder(&self, folder: impl Into<PathBuf>) {
        self.shared.modules.borrow_mut().set_folder(folder.into());
    }

    /// The files of that folder that were read so far, by their place below it.
    #[must_use]
    pub fn read_files(&self) -> Vec<PathBuf> {
        self.shared.modules.borrow().read()
    }

    /// Compiles a file of the user's; a first line that starts with `#` is skipped, as Lua does. Text only: precompiled code is
    /// refused, since crafted bytecode can take over the process.
    ///
    /// # Errors
    /// [`Kind::Network`] with file, line and the line's text when it is not Lua 5.1.
    pub fn load(&self, name: &str, text: &str) -> Result<Function> {
        self.add_source(name, text);
        compile(&self.lua, name, text.as_bytes()).map_err(|source| pasted(error::page(&self.lua, &source), text))
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
        state::origin(&self.lua)
    }
}

/// Runs one call of the user's code during training under the hook deadline, on the machine behind `lua`.
///
/// # Errors
/// As [`Vm::guard`].
pub(in crate::frontend::lua) fn guard_hook<T>(lua: &Lua, what: &str, f: impl FnOnce() -> mlua::Result<T>) -> Result<T> {
    let shared = state::shared(lua).map_err(|source| error::without_place(&source))?;
    Vm { lua: lua.clone(), shared }.guard(Limit::Hook, what, f)
}

/// Names what word processors and web pages put into a text in place of plain characters, where a line does not read for it.
fn pasted(page: Error, text: &str) -> Error {
    let line = page.origin().map_or(0, |origin| origin.line as usize);
    // Lua notices some of it only at the next word.
    let near = text.lines().skip(line.saturating_sub(2)).take(2);
    let Some(found) = near
        .flat_map(str::chars)
        .find(|c| matches!(c, '\u{a0}' | '\u{2018}'..='\u{201f}' | '\u{2013}' | '\u{2014}' | '\u{200b}' | '\u{feff}'))
    else {
        return page;
    };
    let (what, plain) = match found {
        '\u{a0}' => ("a non-breaking space", "a plain space"),
        '\u{2018}'..='\u{201b}' => ("a typographic quote", "'"),
        '\u{201c}'..='\u{201f}' => ("a typographic quote", "\""),
        '\u{2013}' | '\u{2014}' => ("a dash", "-"),
        _ => ("a character without width", "nothing"),
    };
    page.with_fact("the line holds", format!("{what}, U+{:04X}", found as u32)).with_better_help(format!(
        "text copied from a page or a document has such characters: write {plain} in its place"
    ))
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
