//! `Shared`: what every callback of one machine can reach, and the line that is running now.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use mlua::Lua;

use super::{clock::Clock, modules::Modules, options::VmOptions, pages::Pages, source::Sources};
use crate::error::{Error, Origin};

/// The page for a class that a line names and that does not exist: `(machine, line, its name without the package)`.
pub(in crate::frontend::lua) type MissingClass = fn(&Lua, &str, Option<&str>) -> Option<Error>;

/// What every callback of one machine can reach, kept as application data of its `Lua`.
pub(in crate::frontend::lua) struct Shared {
    pub(in crate::frontend::lua) options: VmOptions,
    pub(in crate::frontend::lua) sources: RefCell<Sources>,
    pub(in crate::frontend::lua) pages: RefCell<Pages>,
    pub(in crate::frontend::lua) clock: Clock,
    pub(in crate::frontend::lua) modules: RefCell<Modules>,
    /// The line that ran last while memory was running low.
    pub(in crate::frontend::lua) tight_at: RefCell<Option<Origin>>,
    /// Native stack address at the outermost `guard`; 0 outside.
    pub(in crate::frontend::lua) stack_base: Cell<usize>,
    /// Set by who installs classes.
    pub(in crate::frontend::lua) missing_class: Cell<Option<MissingClass>>,
}

/// The shared state behind a `Lua` that a [`Vm`] made.
///
/// # Errors
/// When the `Lua` was made by something else.
pub(in crate::frontend::lua) fn shared(lua: &Lua) -> mlua::Result<Rc<Shared>> {
    lua.app_data_ref::<Rc<Shared>>()
        .map(|shared| Rc::clone(&shared))
        .ok_or_else(|| mlua::Error::runtime("this Lua state does not belong to a network file"))
}

/// The innermost running line of a user's file (never the embedded prelude), from inside a callback.
pub(in crate::frontend::lua) fn origin(lua: &Lua) -> Option<Origin> {
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
