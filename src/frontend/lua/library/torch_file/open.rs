//! Opening files: on disk and at a program's end for trusted scripts only, in memory for all.

use std::{
    cell::RefCell,
    io::BufReader,
    path::Path,
    process::{Command, Stdio},
};

use mlua::{AnyUserData, Lua, LuaString, Value};

use super::handle::{LuaFile, Open, refuse, words_of};
use crate::{
    error::{Error, Kind},
    frontend::lua::{
        machine::{
            error::raise,
            state::{origin, shared},
        },
        tensor,
    },
    torch::{
        Element,
        t7::{Channel, Disk, Encoding, Medium, Memory, Pipe},
    },
};

fn modes(mode: &str, with_both: bool) -> mlua::Result<(bool, bool)> {
    match mode {
        "r" => Ok((true, false)),
        "w" => Ok((false, true)),
        "rw" if with_both => Ok((true, true)),
        _ if with_both => Err(refuse("file mode should be 'r','w' or 'rw'")),
        _ => Err(refuse("file mode should be 'r' or 'w'")),
    }
}

fn made(
    lua: &Lua,
    class: &'static str,
    name: &str,
    medium: impl Medium + 'static,
    mode: (bool, bool),
) -> mlua::Result<AnyUserData> {
    // Torch7's files begin as text.
    let channel = Channel::new(medium, Encoding::ASCII);
    lua.create_userdata(LuaFile(RefCell::new(Open {
        class,
        name: name.to_string(),
        channel: Some(channel),
        reads: mode.0,
        writes: mode.1,
        is_quiet: false,
        has_error: false,
        backing: None,
        child: None,
    })))
}

/// Only trusted scripts reach files and programs.
fn trusted_only(lua: &Lua, what: &str) -> mlua::Result<()> {
    if shared(lua)?.options.trusted {
        return Ok(());
    }
    Err(raise(
        Error::new(Kind::Limit, format!("{what} is not available to network files"))
            .with_fact("it asked for", what)
            .with_fact("why", "a pasted file may build networks, not reach files or programs")
            .with_help("run a script of your own with: digits-rs th --trusted FILE; torch.MemoryFile is always there")
            .at(origin(lua).as_ref()),
    ))
}

/// `torch.DiskFile(name [, mode [, quiet]])`; nil when a quiet one does not open.
pub(super) fn disk(lua: &Lua, (name, mode, quiet): (String, Option<String>, Option<bool>)) -> mlua::Result<Value> {
    trusted_only(lua, "torch.DiskFile")?;
    let (reads, writes) = modes(mode.as_deref().unwrap_or("r"), true)?;
    match Disk::open(Path::new(&name), reads, writes) {
        Ok(medium) => {
            let file = made(lua, "torch.DiskFile", &name, medium, (reads, writes))?;
            file.borrow::<LuaFile>()?.0.borrow_mut().is_quiet = quiet.unwrap_or(false);
            Ok(Value::UserData(file))
        }
        Err(_) if quiet == Some(true) => Ok(Value::Nil),
        Err(source) => {
            let letters = (if reads { 'r' } else { ' ' }, if writes { 'w' } else { ' ' });
            Err(raise(
                Error::new(Kind::Io, format!("cannot open <{name}> in mode {}{}", letters.0, letters.1))
                    .with_cause(words_of(&source))
                    .at(origin(lua).as_ref()),
            ))
        }
    }
}

/// `torch.MemoryFile([storage] [, mode])`; a string in place of the storage holds the bytes to read.
pub(super) fn memory(lua: &Lua, (first, second): (Value, Option<String>)) -> mlua::Result<Value> {
    let (bytes, backing, mode) = match &first {
        Value::Nil => (Vec::new(), None, second),
        Value::String(mode) if second.is_none() => (Vec::new(), None, Some(mode.to_string_lossy())),
        Value::String(bytes) => (bytes.as_bytes().to_vec(), None, second),
        _ => {
            let storage = tensor::storage_from_lua(&first)
                .filter(|storage| storage.tensor_type().element == Element::Char)
                .ok_or_else(|| refuse("a CharStorage was expected"))?;
            let mut bytes = storage.bytes().map_err(raise)?;
            if bytes.pop() != Some(0) {
                return Err(refuse("provided CharStorage must be terminated by 0"));
            }
            (bytes, Some(storage), second)
        }
    };
    let mode = modes(mode.as_deref().unwrap_or("rw"), true)?;
    let file = made(lua, "torch.MemoryFile", "", Memory::new(bytes), mode)?;
    file.borrow::<LuaFile>()?.0.borrow_mut().backing = backing;
    Ok(Value::UserData(file))
}

/// `torch.PipeFile(command [, mode])`: what a program writes, or is to read.
pub(super) fn pipe(lua: &Lua, (command, mode): (LuaString, Option<String>)) -> mlua::Result<Value> {
    trusted_only(lua, "torch.PipeFile")?;
    let (reads, writes) = modes(mode.as_deref().unwrap_or("r"), false)?;
    let command = command.to_string_lossy();
    let mut program = Command::new("sh");
    program.arg("-c").arg(&command);
    program.stdin(if writes { Stdio::piped() } else { Stdio::inherit() });
    program.stdout(if reads { Stdio::piped() } else { Stdio::inherit() });
    let mut child =
        program.spawn().map_err(|source| refuse(format!("cannot open <{command}>: {}", words_of(&source))))?;
    let medium = Pipe {
        output: child.stdout.take().map(|output| BufReader::new(Box::new(output) as _)),
        input: child.stdin.take().map(|input| Box::new(input) as _),
    };
    let file = made(lua, "torch.PipeFile", &command, medium, (reads, writes))?;
    file.borrow::<LuaFile>()?.0.borrow_mut().child = Some(child);
    Ok(Value::UserData(file))
}
