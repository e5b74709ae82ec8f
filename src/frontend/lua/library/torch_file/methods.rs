//! The methods of files that deal in numbers and bytes.

use mlua::{AnyUserData, Lua, LuaString, Table, Value};

use super::handle::{LuaFile, Open, refuse, words_of};
use crate::{
    frontend::lua::{
        machine::{error::raise, limits},
        tensor,
    },
    torch::{Element, Storage, TensorType, memory, t7::Encoding},
};

fn with<T>(file: &AnyUserData, f: impl FnOnce(&mut Open) -> mlua::Result<T>) -> mlua::Result<T> {
    let file = file.borrow::<LuaFile>().map_err(|_| refuse("a torch.File was expected"))?;
    f(&mut file.0.borrow_mut())
}

fn type_of(element: Element) -> TensorType {
    TensorType { element, cuda: false }
}

/// Reads `count` elements; fewer is an error unless the file is quiet.
fn read(open: &mut Open, element: Element, count: usize) -> mlua::Result<Vec<u8>> {
    let bytes = open.reader()?.read(element, count).map_err(|source| refuse(words_of(&source)))?;
    let got = bytes.len() / element.bytes();
    if got != count {
        open.failed(format!("read error: read {got} blocks instead of {count}"))?;
    }
    Ok(bytes)
}

fn write(open: &mut Open, element: Element, bytes: &[u8]) -> mlua::Result<()> {
    if let Err(source) = open.writer()?.write(element, bytes) {
        open.failed(format!("write error: {}", words_of(&source)))?;
    }
    Ok(())
}

/// `f:readX()` a number, `f:readX(n)` a storage, `f:readX(storage)` how many were read into it.
fn read_numbers(lua: &Lua, element: Element, (file, into): (AnyUserData, Value)) -> mlua::Result<Value> {
    limits::look(lua)?;
    if into.is_nil() {
        let bytes = with(&file, |open| read(open, element, 1))?;
        let one = Storage::from_bytes(type_of(element), &bytes).map_err(raise)?;
        return one.get(0).map_or(Ok(Value::Number(0.0)), |value| Ok(Value::Number(value)));
    }
    if let Some(storage) = tensor::storage_from_lua(&into) {
        if storage.tensor_type().element != element {
            return Err(refuse(format!("nothing, number, or {}Storage expected", element.word())));
        }
        let bytes = with(&file, |open| read(open, element, storage.len() as usize))?;
        let count = (bytes.len() / element.bytes()) as i64;
        if count > 0 {
            let made = Storage::from_bytes(storage.tensor_type(), &bytes).map_err(raise)?;
            storage.flat().narrow(0, 0, count).copy_(&made.flat());
        }
        return Ok(Value::Number(count as f64));
    }
    let count = match into {
        Value::Integer(count) if count >= 0 => count as usize,
        Value::Number(count) if count >= 0.0 => count as usize,
        _ => return Err(refuse(format!("nothing, number, or {}Storage expected", element.word()))),
    };
    let bytes = with(&file, |open| read(open, element, count))?;
    let storage = Storage::from_bytes(type_of(element), &bytes).map_err(raise)?;
    Ok(Value::UserData(tensor::storage_to_lua(lua, storage)?))
}

/// `f:writeX(number)`, `f:writeX(storage)`.
fn write_numbers(lua: &Lua, element: Element, (file, value): (AnyUserData, Value)) -> mlua::Result<Option<i64>> {
    limits::look(lua)?;
    if let Some(storage) = tensor::storage_from_lua(&value).filter(|storage| storage.tensor_type().element == element) {
        let bytes = storage.bytes().map_err(raise)?;
        with(&file, |open| write(open, element, &bytes))?;
        return Ok(Some(storage.len()));
    }
    let number = match value {
        Value::Integer(number) => number as f64,
        Value::Number(number) => number,
        _ => return Err(refuse(format!("number, or {}Storage expected", element.word()))),
    };
    let bytes = match element {
        Element::Double => number.to_le_bytes().to_vec(),
        Element::Float => (number as f32).to_le_bytes().to_vec(),
        Element::Half => Storage::from_values(type_of(element), &[number]).and_then(|s| s.bytes()).map_err(raise)?,
        _ => (number as i64).to_le_bytes()[..element.bytes()].to_vec(),
    };
    with(&file, |open| write(open, element, &bytes))?;
    Ok(None)
}

/// `f:storage()` of a memory file: its bytes and the 0 behind them, in the storage that it was made on if there is one.
fn storage(lua: &Lua, file: AnyUserData) -> mlua::Result<AnyUserData> {
    limits::look(lua)?;
    let (mut bytes, backing) = with(&file, |open| {
        let backing = open.backing.clone();
        match open.channel()?.contents() {
            Some(bytes) => {
                memory::check(bytes.len() as i64, 2, "the bytes of a file in memory").map_err(raise)?;
                Ok((bytes.to_vec(), backing))
            }
            None => Err(refuse("only a torch.MemoryFile has a storage")),
        }
    })?;
    bytes.push(0);
    let made = Storage::from_bytes(type_of(Element::Char), &bytes).map_err(raise)?;
    let made = match backing {
        Some(own) => {
            own.resize(made.len()).map_err(raise)?;
            own.flat().copy_(&made.flat());
            own
        }
        None => made,
    };
    with(&file, |open| {
        open.backing = Some(made.clone());
        Ok(())
    })?;
    tensor::storage_to_lua(lua, made)
}

fn close(lua: &Lua, file: AnyUserData) -> mlua::Result<AnyUserData> {
    if with(&file, |open| Ok(open.backing.is_some() && open.writes))? {
        storage(lua, file.clone())?;
    }
    with(&file, |open| {
        let flushed = open.channel()?.medium().flush();
        open.channel = None;
        if let Some(mut child) = open.child.take() {
            let _ = child.wait(); // its status is the program's affair, as with pclose in Torch7
        }
        match flushed {
            Ok(()) => Ok(()),
            Err(source) => open.failed(format!("write error: {}", words_of(&source))),
        }
    })?;
    Ok(file)
}

fn seek(file: AnyUserData, to: Option<f64>) -> mlua::Result<AnyUserData> {
    with(&file, |open| {
        let medium = open.channel()?.medium();
        let outcome = match to {
            Some(position) if position < 1.0 => return Err(refuse("position has to be greater than 0!")),
            Some(position) => medium.seek(position as u64 - 1),
            None => medium.seek_end(),
        };
        match (outcome, to) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(position)) => open.failed(format!("unable to seek to position {position}")),
            (Err(_), None) => open.failed("unable to seek at end of file"),
        }
    })?;
    Ok(file)
}

fn read_string(lua: &Lua, (file, format): (AnyUserData, String)) -> mlua::Result<Value> {
    let only_a_line = match format.get(..2) {
        Some("*a") => false,
        Some("*l") => true,
        _ => return Err(refuse("format must be '*a' or '*l'")),
    };
    with(&file, |open| match open.reader()?.read_string(only_a_line).map_err(|source| refuse(words_of(&source)))? {
        Some(text) => lua.create_string(text).map(Value::String),
        None => {
            open.failed("read error: read 0 blocks instead of 1")?;
            lua.create_string("").map(Value::String)
        }
    })
}

/// Puts the functions into `native`; `prelude/torch/file.lua` gives them to the classes.
pub(super) fn install(lua: &Lua, native: &Table) -> mlua::Result<()> {
    let numbers = lua.create_table()?;
    for element in Element::ALL {
        let word = element.word();
        numbers
            .raw_set(format!("read{word}"), lua.create_function(move |lua, args| read_numbers(lua, element, args))?)?;
        numbers.raw_set(
            format!("write{word}"),
            lua.create_function(move |lua, args| write_numbers(lua, element, args))?,
        )?;
    }
    native.raw_set("numbers", numbers)?;
    // Runs of bytes without a storage between: the strings of a stream.
    native.raw_set(
        "read_chars",
        lua.create_function(|lua, (file, count): (AnyUserData, i64)| {
            let count = usize::try_from(count).map_err(|_| refuse("the stream is damaged: a length is negative"))?;
            lua.create_string(with(&file, |open| read(open, Element::Char, count))?)
        })?,
    )?;
    native.raw_set(
        "write_chars",
        lua.create_function(|_, (file, text): (AnyUserData, LuaString)| {
            with(&file, |open| write(open, Element::Char, &text.as_bytes()))
        })?,
    )?;
    let own = lua.create_table()?;
    own.raw_set("readString", lua.create_function(read_string)?)?;
    own.raw_set(
        "writeString",
        lua.create_function(|_, (file, text): (AnyUserData, LuaString)| {
            with(&file, |open| match open.writer()?.medium().write(&text.as_bytes()) {
                Ok(()) => Ok(text.as_bytes().len()),
                Err(source) => open.failed(format!("write error: {}", words_of(&source))).map(|()| 0),
            })
        })?,
    )?;
    own.raw_set("seek", lua.create_function(|_, (file, to): (AnyUserData, f64)| seek(file, Some(to)))?)?;
    own.raw_set("seekEnd", lua.create_function(|_, file: AnyUserData| seek(file, None))?)?;
    own.raw_set("close", lua.create_function(close)?)?;
    own.raw_set(
        "position",
        lua.create_function(|_, file: AnyUserData| {
            with(&file, |open| match open.channel()?.medium().position() {
                Ok(position) => Ok(position as f64 + 1.0),
                Err(_) => open.failed("unable to obtain disk file offset").map(|()| 1.0),
            })
        })?,
    )?;
    own.raw_set(
        "synchronize",
        lua.create_function(|_, file: AnyUserData| {
            with(&file, |open| open.channel()?.medium().flush().map_err(|source| refuse(words_of(&source))))?;
            Ok(file)
        })?,
    )?;
    questions(lua, &own)?;
    switches(lua, &own)?;
    native.raw_set("methods", own)?;
    native.raw_set("storage", lua.create_function(storage)?)
}

fn questions(lua: &Lua, own: &Table) -> mlua::Result<()> {
    let ask =
        |f: fn(&mut Open) -> bool| lua.create_function(move |_, file: AnyUserData| with(&file, |open| Ok(f(open))));
    own.raw_set("isQuiet", ask(|open| open.is_quiet)?)?;
    own.raw_set("isReadable", ask(|open| open.reads)?)?;
    own.raw_set("isWritable", ask(|open| open.writes)?)?;
    own.raw_set("hasError", ask(|open| open.has_error)?)?;
    own.raw_set("isBinary", ask(|open| open.channel.as_ref().is_some_and(|channel| !channel.encoding.is_ascii))?)?;
    own.raw_set(
        "isAutoSpacing",
        ask(|open| open.channel.as_ref().is_some_and(|channel| channel.encoding.auto_spacing))?,
    )
}

fn switches(lua: &Lua, own: &Table) -> mlua::Result<()> {
    let flag = |f: fn(&mut Open)| {
        lua.create_function(move |_, file: AnyUserData| {
            with(&file, |open| {
                f(open);
                Ok(())
            })?;
            Ok(file)
        })
    };
    own.raw_set("quiet", flag(|open| open.is_quiet = true)?)?;
    own.raw_set("pedantic", flag(|open| open.is_quiet = false)?)?;
    own.raw_set("clearError", flag(|open| open.has_error = false)?)?;
    own.raw_set("noBuffer", flag(|_| ())?)?;
    let encode = |f: fn(&mut Encoding)| {
        lua.create_function(move |_, file: AnyUserData| {
            with(&file, |open| {
                f(&mut open.channel()?.encoding);
                Ok(())
            })?;
            Ok(file)
        })
    };
    own.raw_set("ascii", encode(|encoding| encoding.is_ascii = true)?)?;
    own.raw_set("binary", encode(|encoding| encoding.is_ascii = false)?)?;
    own.raw_set("autoSpacing", encode(|encoding| encoding.auto_spacing = true)?)?;
    own.raw_set("noAutoSpacing", encode(|encoding| encoding.auto_spacing = false)?)?;
    own.raw_set("littleEndianEncoding", encode(|encoding| encoding.is_big_endian = false)?)?;
    own.raw_set("bigEndianEncoding", encode(|encoding| encoding.is_big_endian = true)?)?;
    own.raw_set("nativeEndianEncoding", encode(|encoding| encoding.is_big_endian = cfg!(target_endian = "big"))?)?;
    own.raw_set(
        "longSize",
        lua.create_function(|_, (file, size): (AnyUserData, usize)| {
            if ![0, 4, 8].contains(&size) {
                return Err(refuse("Invalid long size specified"));
            }
            with(&file, |open| {
                open.channel()?.encoding.long_size = if size == 0 { 8 } else { size };
                Ok(())
            })?;
            Ok(file)
        })?,
    )
}
