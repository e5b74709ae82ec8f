//! `LuaFile`: a file of Torch7's as a Lua value, and its state.

use std::{cell::RefCell, io, process::Child};

use mlua::{MetaMethod, Table, UserData, UserDataMethods, Value};

use crate::{
    error::{Error, Kind},
    frontend::lua::{machine::error::raise, tensor},
    torch::{Storage, t7::Channel},
};

/// A file of Torch7's.
pub(super) struct LuaFile(pub(super) RefCell<Open>);

/// What a file is at the moment.
pub(super) struct Open {
    pub(super) class: &'static str,
    pub(super) name: String,
    /// `None` once it is closed.
    pub(super) channel: Option<Channel>,
    pub(super) reads: bool,
    pub(super) writes: bool,
    /// Errors are remembered and not raised.
    pub(super) is_quiet: bool,
    pub(super) has_error: bool,
    /// The storage that a memory file was made on.
    pub(super) backing: Option<Storage>,
    /// The program at the other end of a pipe.
    pub(super) child: Option<Child>,
}

impl UserData for LuaFile {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::Index, |lua, this, key: Value| {
            match tensor::classes(lua)?.raw_get::<Option<Table>>(this.class())? {
                Some(class) => class.get::<Value>(key),
                None => Ok(Value::Nil),
            }
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            let open = this.0.borrow();
            let on = if open.name.is_empty() { String::new() } else { format!(" on <{}>", open.name) };
            let status = if open.channel.is_some() { "open" } else { "closed" };
            Ok(format!(
                "{}{on} [status: {status} -- mode {}{}]",
                open.class,
                if open.reads { 'r' } else { ' ' },
                if open.writes { 'w' } else { ' ' }
            ))
        });
    }
}

impl LuaFile {
    /// `torch.DiskFile`, `torch.MemoryFile` or `torch.PipeFile`.
    fn class(&self) -> &'static str {
        self.0.borrow().class
    }
}

impl Open {
    pub(super) fn channel(&mut self) -> mlua::Result<&mut Channel> {
        self.channel.as_mut().ok_or_else(|| refuse("attempt to use a closed file"))
    }

    pub(super) fn reader(&mut self) -> mlua::Result<&mut Channel> {
        let reads = self.reads;
        let channel = self.channel()?;
        if reads { Ok(channel) } else { Err(refuse("attempt to read in a write-only file")) }
    }

    pub(super) fn writer(&mut self) -> mlua::Result<&mut Channel> {
        let writes = self.writes;
        let channel = self.channel()?;
        if writes { Ok(channel) } else { Err(refuse("attempt to write in a read-only file")) }
    }

    /// Remembers a failure; raises it unless the file is quiet.
    pub(super) fn failed(&mut self, words: impl Into<String>) -> mlua::Result<()> {
        self.has_error = true;
        if self.is_quiet { Ok(()) } else { Err(refuse(words)) }
    }
}

/// An error of a file as Lua sees it.
pub(super) fn refuse(words: impl Into<String>) -> mlua::Error {
    raise(Error::new(Kind::Io, words))
}

/// What the operating system says, in one line.
pub(super) fn words_of(source: &io::Error) -> String {
    source.to_string()
}
