//! The objects that `error` threw: a table passes through Rust's functions (`dofile`, `require`, `apply`), which know errors as
//! text, and comes out of the `pcall` around them as itself.

use mlua::{Lua, Table, Value};

/// Where the objects lie in Lua's registry: their texts and they themselves by turns, latest first.
const THROWN: &str = "digits.thrown";
/// How many are kept: one that is thrown again while another is handled.
const KEPT: i64 = 4;

/// Gives the prelude `threw(object)`, which `error` calls with what is no text.
pub(super) fn install(lua: &Lua, native: &Table) -> mlua::Result<()> {
    lua.set_named_registry_value(THROWN, lua.create_table()?)?;
    native.set("threw", lua.create_function(|lua, object: Value| threw(lua, &object))?)
}

fn threw(lua: &Lua, object: &Value) -> mlua::Result<()> {
    // What mlua makes of it on its way through Rust. A `__tostring` that fails leaves it without a name.
    let Ok(text) = object.to_string() else { return Ok(()) };
    let thrown: Table = lua.named_registry_value(THROWN)?;
    for at in (1..2 * KEPT - 1).rev() {
        thrown.raw_set(at + 2, thrown.raw_get::<Value>(at)?)?;
    }
    thrown.raw_set(1, text)?;
    thrown.raw_set(2, object)
}

/// The object that an error was before Rust made a text of it.
pub(super) fn object_of(lua: &Lua, error: &mlua::Error) -> mlua::Result<Option<Value>> {
    let words = match error {
        mlua::Error::CallbackError { cause, .. } => return object_of(lua, cause),
        mlua::Error::RuntimeError(words) => words,
        _ => return Ok(None),
    };
    let words = words.split("\nstack traceback:").next().unwrap_or(words);
    let thrown: Table = lua.named_registry_value(THROWN)?;
    for at in (1..2 * KEPT).step_by(2) {
        let Some(text) = thrown.raw_get::<Option<String>>(at)? else { break };
        if text == words {
            return thrown.raw_get(at + 1).map(Some);
        }
    }
    Ok(None)
}

/// The fields that scripts put an error's words into.
const WORDS: [&str; 5] = ["message", "msg", "error", "err", "reason"];
/// As many fields as a page shows of an object, and as many letters of each.
const SHOWN: usize = 6;
const LONGEST: usize = 60;

/// A table that was thrown: its words, where it has any, and its fields in short, `{code = 3, msg = "bad"}`. `None` for one that says
/// itself what it is, by `__tostring`.
pub(super) fn in_short(object: &Value) -> Option<(Option<String>, String)> {
    let table = object.as_table()?;
    let says_itself = table.metatable().is_some_and(|mt| mt.raw_get::<Value>("__tostring").is_ok_and(|f| !f.is_nil()));
    if says_itself {
        return None;
    }
    let words = WORDS.iter().find_map(|name| match table.raw_get::<Value>(*name) {
        Ok(Value::String(words)) => Some(words.to_string_lossy()),
        _ => None,
    });
    let (mut fields, mut more) = (Vec::new(), false);
    for pair in table.pairs::<Value, Value>() {
        let Ok((key, value)) = pair else { break };
        more = fields.len() == SHOWN;
        if more {
            break;
        }
        fields.push(match key {
            Value::Integer(_) | Value::Number(_) => shown(&value),
            Value::String(key) => format!("{} = {}", cut(&key.to_string_lossy()), shown(&value)),
            key => format!("[{}] = {}", shown(&key), shown(&value)),
        });
    }
    fields.sort();
    let more = if more { ", …" } else { "" };
    Some((words, format!("{{{}{more}}}", fields.join(", "))))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", cut(&text.to_string_lossy())),
        Value::Table(_) => "{…}".to_string(),
        Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => value.to_string().unwrap_or_default(),
        other => other.type_name().to_string(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        text.to_string()
    } else {
        text.chars().take(LONGEST).collect::<String>() + "…"
    }
}
