//! What scripts have beyond network files: `torch.Tester`, `torch.TestSuite` and `torch.CmdLine`.

use std::cell::RefCell;

use mlua::{Function, Lua, LuaString, Table};

use super::chunks::SCRIPTS;
use crate::frontend::lua::machine::{state::shared, vm::Output};

/// Adds the classes to `torch`. A fenced file has no `io`: there their text goes where `print` goes.
pub(super) fn install(lua: &Lua, native: &Table) -> mlua::Result<()> {
    let options = &shared(lua)?.options;
    if !options.trusted {
        native.raw_set("write", line_writer(lua, options.output.clone())?)?;
    }
    SCRIPTS.iter().try_for_each(|chunk| chunk.run(lua))
}

/// `write(text)`: hands on whole lines and keeps the rest until its line ends.
fn line_writer(lua: &Lua, output: Output) -> mlua::Result<Function> {
    let pending = RefCell::new(String::new());
    lua.create_function(move |_, text: LuaString| {
        let mut pending = pending.borrow_mut();
        pending.push_str(&text.to_string_lossy());
        if let Some(end) = pending.rfind('\n') {
            output.line(&pending[..end]);
            pending.drain(..=end);
        }
        Ok(())
    })
}
