//! What scripts have beyond network files: `torch.Tester`, `torch.TestSuite` and `torch.CmdLine`.

use std::cell::RefCell;

use mlua::{Lua, LuaString, Table, Value};

use super::vm::{Output, shared};

const CHUNKS: &[(&str, &str)] = &[
    ("=[digits] tester.lua", include_str!("prelude/tester.lua")),
    ("=[digits] cmdline.lua", include_str!("prelude/cmdline.lua")),
];

/// Adds the classes to `torch`. A fenced file has no `io`: there their text goes where `print` goes.
pub(super) fn install(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    let options = &shared(lua)?.options;
    let write = if options.trusted { Value::Nil } else { Value::Function(line_writer(lua, options.output.clone())?) };
    for (name, text) in CHUNKS {
        lua.load(*text).set_name(*name).call::<()>((torch, &write))?;
    }
    Ok(())
}

/// `write(text)`: hands on whole lines and keeps the rest until its line ends.
fn line_writer(lua: &Lua, output: Output) -> mlua::Result<mlua::Function> {
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
