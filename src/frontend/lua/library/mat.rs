//! What `matio` and `mattorch` do in Rust: variables of a MAT file as tensors, strings and tables.

use mlua::{Lua, Table, Value};

use super::files;
use crate::{
    frontend::lua::{machine::error::raise, tensor},
    input::mat::{Array, Class, Content, variables},
    torch::{Element, Storage, Tensor, TensorType, memory},
};

/// How arrays come to Lua.
#[derive(Clone, Copy)]
struct Manner {
    /// With their dimensions in reverse, as MATLAB's memory is Torch's.
    is_reversed: bool,
    /// Rows of letters as strings.
    has_strings: bool,
}

/// The functions for the prelude.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let mat = lua.create_table()?;
    // read(file, names or nil, is_reversed, has_strings): name → value.
    mat.raw_set(
        "read",
        lua.create_function(
            |lua, (name, wanted, is_reversed, has_strings): (String, Option<Vec<String>>, bool, bool)| {
                tensor::pace_collector(lua)?;
                let bytes = files::read_weights(lua, &name)?;
                let is_wanted =
                    |name: &str| wanted.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name));
                // What is read lies beside the tensors that are made of it.
                let room = memory::limit().saturating_sub(memory::live()) / 2;
                let found = variables(&bytes, room, &is_wanted)
                    .map_err(|page| raise(page.with_fact("the file", name.clone())))?;
                let values = lua.create_table()?;
                for array in found {
                    values.raw_set(array.name.as_str(), value(lua, &array, Manner { is_reversed, has_strings })?)?;
                }
                Ok(values)
            },
        )?,
    )?;
    Ok(mat)
}

/// A tensor of numbers; a list of cells; a table of a structure's fields, or a list of such tables; what is not read, as the text that
/// says so.
fn value(lua: &Lua, array: &Array, manner: Manner) -> mlua::Result<Value> {
    match &array.content {
        Content::Numbers(Class::Char, letters)
            if manner.has_strings && array.size.first().is_none_or(|rows| *rows <= 1) =>
        {
            let letters = letters.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]]));
            let text: String = char::decode_utf16(letters).map(|letter| letter.unwrap_or('\u{fffd}')).collect();
            lua.create_string(text).map(Value::String)
        }
        Content::Numbers(class, bytes) => {
            let numbers = numbers(*class, bytes, &array.size, manner).map_err(raise)?;
            tensor::to_lua(lua, numbers).map(Value::UserData)
        }
        Content::Cells(cells) => {
            let list = lua.create_table_with_capacity(cells.len(), 0)?;
            for cell in cells {
                list.raw_push(value(lua, cell, manner)?)?;
            }
            Ok(Value::Table(list))
        }
        Content::Fields(fields) => {
            let count = array.size.iter().product();
            let list = lua.create_table()?;
            for at in 0..count {
                let table = lua.create_table()?;
                for (name, entries) in fields {
                    if let Some(entry) = entries.get(at) {
                        table.raw_set(name.as_str(), value(lua, entry, manner)?)?;
                    }
                }
                if count == 1 {
                    return Ok(Value::Table(table));
                }
                list.raw_push(table)?;
            }
            Ok(Value::Table(list))
        }
        Content::Other(kind) => lua.create_string(format!("unsupported type: {kind}")).map(Value::String),
    }
}

/// The tensor of an array. Types without a sign become the signed ones of their width, as both packages have it.
fn numbers(class: Class, bytes: &[u8], size: &[usize], manner: Manner) -> crate::error::Result<Tensor> {
    let (element, kind) = match class {
        Class::Double => (Element::Double, tch::Kind::Double),
        Class::Single => (Element::Float, tch::Kind::Float),
        Class::Logical | Class::Unsigned(1) => (Element::Byte, tch::Kind::Uint8),
        Class::Char => (Element::Char, tch::Kind::Int16),
        Class::Signed(1) => (Element::Char, tch::Kind::Int8),
        Class::Signed(2) | Class::Unsigned(2) => (Element::Short, tch::Kind::Int16),
        Class::Signed(4) | Class::Unsigned(4) => (Element::Int, tch::Kind::Int),
        Class::Signed(_) | Class::Unsigned(_) => (Element::Long, tch::Kind::Int64),
    };
    let tensor_type = TensorType { element, cuda: false };
    let size: Vec<i64> = size.iter().map(|&length| i64::try_from(length).unwrap_or(i64::MAX)).collect();
    if bytes.is_empty() {
        return Ok(Tensor::empty(tensor_type));
    }
    let count = (bytes.len() / class.width()) as i64;
    memory::check(count, class.width(), "a variable of a MAT file")?;
    let flat = tch::Tensor::f_from_data_size(bytes, &[count], kind)?.f_to_kind(element.kind())?;
    let storage = Storage::from_tch(tensor_type, &flat)?;
    let mut stride = Vec::with_capacity(size.len());
    let mut step = 1;
    for length in &size {
        stride.push(step);
        step *= length;
    }
    let (mut size, mut stride) = (size, stride);
    if manner.is_reversed {
        size.reverse();
        stride.reverse();
    }
    Tensor::on(storage, 0, &size, &stride)
}
