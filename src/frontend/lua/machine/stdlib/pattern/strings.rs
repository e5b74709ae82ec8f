//! `string.find`, `match`, `gmatch`, `gsub` over our matcher; `rep` and `format` that ask for memory first.

use std::{cell::Cell, ops::Range};

use mlua::{Function, Lua, LuaString, MultiValue, Table, Value};

use super::matcher::{Captured, Fault, Matcher, STEPS_PER_LOOK};
use crate::frontend::lua::machine::{limits, stdlib::hexadecimal::hexadecimal};

/// Characters that make `find` more than a plain search.
const SPECIALS: &[u8] = b"^$*+?.([%-";

/// Puts the functions into the `string` table, which is also every string's metatable.
pub(in crate::frontend::lua) fn install(lua: &Lua) -> mlua::Result<()> {
    let string: Table = lua.globals().get("string")?;
    string.set("find", lua.create_function(|lua, args| find(lua, &Arguments { name: "find", values: args }, true))?)?;
    string
        .set("match", lua.create_function(|lua, args| find(lua, &Arguments { name: "match", values: args }, false))?)?;
    let gmatch = lua.create_function(|lua, args| gmatch(lua, &Arguments { name: "gmatch", values: args }))?;
    string.set("gfind", &gmatch)?;
    string.set("gmatch", gmatch)?;
    string.set("gsub", lua.create_function(|lua, args| gsub(lua, &Arguments { name: "gsub", values: args }))?)?;
    string.set("rep", lua.create_function(|lua, args| rep(lua, &Arguments { name: "rep", values: args }))?)?;
    let original: Function = string.get("format")?;
    string.set("format", lua.create_function(move |lua, args| format(lua, args, &original))?)
}

/// The arguments of a library function, read with Lua's own complaints.
struct Arguments {
    name: &'static str,
    values: MultiValue,
}

impl Arguments {
    fn bad(&self, lua: &Lua, position: usize, complaint: &str) -> mlua::Error {
        let name = self.name;
        // As Lua counts: `s:find(nil)` is about argument 1, the subject being the object.
        let is_method = lua.inspect_stack(0, |frame| frame.names().name_what == Some("method"));
        mlua::Error::runtime(match (is_method, position) {
            (Some(true), 1) => format!("calling '{name}' on bad self ({complaint})"),
            (Some(true), _) => format!("bad argument #{} to '{name}' ({complaint})", position - 1),
            _ => format!("bad argument #{position} to '{name}' ({complaint})"),
        })
    }

    fn get(&self, position: usize) -> Option<&Value> {
        self.values.get(position - 1)
    }

    fn type_error(&self, lua: &Lua, position: usize, wanted: &str) -> mlua::Error {
        let given = self.get(position).map_or("no value", |value| type_name(value));
        self.bad(lua, position, &format!("{wanted} expected, got {given}"))
    }

    fn text(&self, lua: &Lua, position: usize) -> mlua::Result<LuaString> {
        let text = self.get(position).map(|value| lua.coerce_string(value.clone())).transpose()?.flatten();
        text.ok_or_else(|| self.type_error(lua, position, "string"))
    }

    /// An integer as Lua 5.1 cuts it from a number; `default` when absent or nil.
    fn integer(&self, lua: &Lua, position: usize, default: Option<i64>) -> mlua::Result<i64> {
        match (self.get(position), default) {
            (None | Some(Value::Nil), Some(default)) => Ok(default),
            (value, _) => {
                let number = value.map(|value| lua.coerce_number(value.clone())).transpose()?.flatten();
                number.map(|number| number as i64).ok_or_else(|| self.type_error(lua, position, "number"))
            }
        }
    }
}

/// `type()` of a value: mlua tells errors and light userdata apart, Lua does not.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        Value::Error(_) | Value::LightUserData(_) => "userdata",
        other => other.type_name(),
    }
}

/// Runs `act` with a clock look that raises once the deadline has passed.
fn matching<T>(lua: &Lua, act: impl FnOnce(&dyn Fn() -> mlua::Result<()>) -> Result<T, Fault>) -> mlua::Result<T> {
    act(&|| limits::check_time(lua)).map_err(|fault| match fault {
        Fault::Pattern(words) => mlua::Error::runtime(words),
        Fault::Stopped(error) => error,
    })
}

fn value(lua: &Lua, captured: Captured<'_>) -> Result<Value, Fault> {
    match captured {
        Captured::Position(position) => Ok(Value::Number(position as f64)),
        Captured::Bytes(bytes) => lua.create_string(bytes).map(Value::String).map_err(Fault::Stopped),
    }
}

/// The captures of a match as values; `whole`: the match itself when the pattern has none.
fn values(lua: &Lua, matcher: &Matcher<'_>, start: usize, end: usize, whole: bool) -> Result<Vec<Value>, Fault> {
    (0..matcher.count(whole)).map(|index| value(lua, matcher.capture(index, start, end)?)).collect()
}

/// `find(s, pattern [, init [, plain]])` and `match(s, pattern [, init])`.
fn find(lua: &Lua, args: &Arguments, find: bool) -> mlua::Result<MultiValue> {
    let (subject, pattern) = (args.text(lua, 1)?, args.text(lua, 2)?);
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let (subject, pattern): (&[u8], &[u8]) = (&subject, &pattern);
    let start = first_index(args.integer(lua, 3, Some(1))?, subject.len());
    let plain = args.get(4).is_some_and(|flag| !matches!(flag, Value::Nil | Value::Boolean(false)));
    if find && (plain || !pattern.iter().any(|byte| SPECIALS.contains(byte))) {
        let found = matching(lua, |look| plain_search(&subject[start..], pattern, look))?;
        return Ok(match found {
            Some(at) => [start + at + 1, start + at + pattern.len()]
                .map(|index| Value::Number(index as f64))
                .into_iter()
                .collect(),
            None => MultiValue::from_iter([Value::Nil]),
        });
    }
    let (anchored, body) = anchor(pattern);
    matching(lua, |look| {
        let mut matcher = Matcher::new(subject, body, look);
        for at in start..=subject.len() {
            if let Some(end) = matcher.match_at(at)? {
                let mut results = MultiValue::new();
                if find {
                    results.extend([Value::Number((at + 1) as f64), Value::Number(end as f64)]);
                }
                results.extend(values(lua, &matcher, at, end, !find)?);
                return Ok(results);
            }
            if anchored {
                break;
            }
        }
        Ok(MultiValue::from_iter([Value::Nil]))
    })
}

/// `gmatch(s, pattern)`: an iterator; a `^` is an ordinary character here.
fn gmatch(lua: &Lua, args: &Arguments) -> mlua::Result<Function> {
    let (subject, pattern) = (args.text(lua, 1)?, args.text(lua, 2)?);
    let next = Cell::new(0);
    lua.create_function(move |lua, ()| {
        let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
        matching(lua, |look| {
            let mut matcher = Matcher::new(&subject, &pattern, look);
            for at in next.get()..=subject.len() {
                if let Some(end) = matcher.match_at(at)? {
                    next.set(if end == at { end + 1 } else { end });
                    return Ok(MultiValue::from_iter(values(lua, &matcher, at, end, true)?));
                }
            }
            next.set(subject.len() + 1);
            Ok(MultiValue::from_iter([Value::Nil]))
        })
    })
}

/// `gsub(s, pattern, replacement [, n])`; the replacement is a template, a table or a function.
fn gsub(lua: &Lua, args: &Arguments) -> mlua::Result<(LuaString, usize)> {
    let (subject, pattern) = (args.text(lua, 1)?, args.text(lua, 2)?);
    let replacement = match args.get(3) {
        Some(value @ (Value::String(_) | Value::Number(_) | Value::Integer(_))) => {
            Replacement::Template(lua.coerce_string(value.clone())?.expect("strings and numbers are text"))
        }
        Some(Value::Table(table)) => Replacement::Table(table.clone()),
        Some(Value::Function(function)) => {
            limits::check_stack(lua)?;
            Replacement::Function(function.clone())
        }
        _ => return Err(args.bad(lua, 3, "string/function/table expected")),
    };
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let (anchored, body) = anchor(&pattern);
    let most = usize::try_from(args.integer(lua, 4, Some(i64::MAX))?).unwrap_or(0);
    let (result, count) = matching(lua, |look| {
        let mut matcher = Matcher::new(&subject, body, look);
        let (mut result, mut count, mut at) = (Vec::new(), 0, 0);
        while count < most {
            let end = matcher.match_at(at)?;
            if let Some(end) = end {
                count += 1;
                replacement.append(lua, &matcher, at, end, &mut result)?;
            }
            match (end, subject.get(at)) {
                (Some(end), _) if end > at => at = end,
                (_, Some(byte)) => {
                    append(lua, &mut result, &[*byte])?;
                    at += 1;
                }
                _ => break,
            }
            if anchored {
                break;
            }
        }
        append(lua, &mut result, subject.get(at..).unwrap_or_default())?;
        Ok((result, count))
    })?;
    Ok((lua.create_string(result)?, count))
}

enum Replacement {
    Template(LuaString),
    Table(Table),
    Function(Function),
}

impl Replacement {
    fn append(
        &self,
        lua: &Lua,
        matcher: &Matcher<'_>,
        start: usize,
        end: usize,
        result: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let new = match self {
            Replacement::Template(template) => return expand(lua, &template.as_bytes(), matcher, start, end, result),
            Replacement::Table(table) => table.get::<Value>(value(lua, matcher.capture(0, start, end)?)?),
            Replacement::Function(function) => {
                function.call::<Value>(MultiValue::from_iter(values(lua, matcher, start, end, true)?))
            }
        };
        match new.map_err(Fault::Stopped)? {
            Value::Nil | Value::Boolean(false) => append(lua, result, matcher.whole(start, end)),
            text @ (Value::String(_) | Value::Number(_) | Value::Integer(_)) => {
                let text = lua.coerce_string(text).map_err(Fault::Stopped)?.expect("strings and numbers are text");
                append(lua, result, &text.as_bytes())
            }
            other => Err(Fault::Pattern(format!("invalid replacement value (a {})", type_name(&other)))),
        }
    }
}

/// Copies a template, `%0` being the match and `%1`–`%9` its captures; `%` before anything else gives that byte.
fn expand(
    lua: &Lua,
    template: &[u8],
    matcher: &Matcher<'_>,
    start: usize,
    end: usize,
    result: &mut Vec<u8>,
) -> Result<(), Fault> {
    let mut bytes = template.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            append(lua, result, &[byte])?;
            continue;
        }
        match bytes.next().copied() {
            Some(b'0') => append(lua, result, matcher.whole(start, end))?,
            Some(digit) if digit.is_ascii_digit() => match matcher.capture(usize::from(digit - b'1'), start, end)? {
                Captured::Bytes(bytes) => append(lua, result, bytes)?,
                Captured::Position(position) => append(lua, result, position.to_string().as_bytes())?,
            },
            // Lua 5.1 reads the terminating zero of its C string here.
            other => append(lua, result, &[other.unwrap_or(0)])?,
        }
    }
    Ok(())
}

/// Appends bytes, asking the memory limit whenever the buffer has to grow.
fn append(lua: &Lua, buffer: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Fault> {
    if buffer.capacity() - buffer.len() < bytes.len() {
        limits::check_memory(lua, 2 * (buffer.len() + bytes.len())).map_err(Fault::Stopped)?;
    }
    buffer.extend_from_slice(bytes);
    Ok(())
}

/// Bytes of a text, at most: LuaJIT's own limit, in whose machines Torch7's scripts were written.
const LONGEST_TEXT: usize = 0x7fff_ff00;

/// `rep(s, n [, separator])`; the separator as in LuaJIT.
fn rep(lua: &Lua, args: &Arguments) -> mlua::Result<LuaString> {
    let text = args.text(lua, 1)?;
    let count = usize::try_from(args.integer(lua, 2, None)?).unwrap_or(0);
    let separator = if args.get(3).is_some() { args.text(lua, 3)?.as_bytes().to_vec() } else { Vec::new() };
    let text = text.as_bytes();
    if count == 0 {
        return lua.create_string("");
    }
    let bytes = (text.len() + separator.len()).saturating_mul(count);
    // Twice: once here, once as Lua's string.
    limits::check_memory(lua, bytes.saturating_mul(2))?;
    if bytes > LONGEST_TEXT {
        return Err(mlua::Error::runtime("resulting string too large"));
    }
    let mut piece = text.to_vec();
    piece.extend_from_slice(&separator);
    let mut result = piece.repeat(count);
    result.truncate(result.len() - separator.len());
    lua.create_string(result)
}

/// `format(template, …)`: Lua's own, after `%s` arguments that are no text went through `tostring` and `%a` was written here, as
/// LuaJIT does. Widths need no cap: Lua 5.1 takes two digits at most.
fn format(lua: &Lua, mut args: MultiValue, original: &Function) -> mlua::Result<Value> {
    let Some(Value::String(template)) = args.front().cloned() else { return original.call(args) };
    let template = template.as_bytes();
    let mut written: Vec<u8> = Vec::new();
    let mut copied = 0;
    for (position, spec) in conversions(&template) {
        let Some(argument) = args.get_mut(position) else { continue };
        match template[spec.end] {
            b's' if !matches!(argument, Value::String(_) | Value::Number(_) | Value::Integer(_)) => {
                let to_string: Function = lua.globals().get("tostring")?;
                *argument = to_string.call(&*argument)?;
            }
            letter @ (b'a' | b'A') if spec.len() <= LONGEST_SPEC => {
                let Some(number) = lua.coerce_number(argument.clone())? else {
                    let args = Arguments { name: "format", values: args };
                    return Err(args.type_error(lua, position + 1, "number"));
                };
                let text = hexadecimal(number, &template[spec.clone()], letter == b'A');
                *argument = Value::String(lua.create_string(text)?);
                written.extend_from_slice(&template[copied..spec.start]);
                written.push(b's');
                copied = spec.end + 1;
            }
            _ => {}
        }
    }
    if copied > 0 {
        written.extend_from_slice(&template[copied..]);
        args[0] = Value::String(lua.create_string(written)?);
    }
    original.call(args)
}

/// The flags, the width and the precision that Lua 5.1 takes: five flags, two digits, a point, two digits.
const LONGEST_SPEC: usize = 10;

/// The conversions of a template: which argument each prints (1 = the first after the template), and what stands between
/// `%` and its letter.
fn conversions(template: &[u8]) -> Vec<(usize, Range<usize>)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(percent) = template[at..].iter().position(|byte| *byte == b'%') {
        let start = at + percent + 1;
        if template.get(start) == Some(&b'%') {
            at = start + 1;
            continue;
        }
        let Some(length) = template[start..].iter().position(u8::is_ascii_alphabetic) else { break };
        found.push((found.len() + 1, start..start + length));
        at = start + length + 1;
    }
    found
}

/// 0-based start from Lua's `init`: negative counts from the end, and both ends are clamped.
fn first_index(init: i64, length: usize) -> usize {
    let length = length as i64;
    let position = if init < 0 { (init + length + 1).max(1) } else { init.max(1) };
    usize::try_from((position - 1).min(length)).unwrap_or(0)
}

fn anchor(pattern: &[u8]) -> (bool, &[u8]) {
    match pattern {
        [b'^', body @ ..] => (true, body),
        _ => (false, pattern),
    }
}

/// The index of `needle`, byte by byte; looks at the clock as the matcher does.
fn plain_search(haystack: &[u8], needle: &[u8], look: &dyn Fn() -> mlua::Result<()>) -> Result<Option<usize>, Fault> {
    let Some(first) = needle.first() else { return Ok(Some(0)) };
    let mut work = 0;
    for at in 0..(haystack.len() + 1).saturating_sub(needle.len()) {
        if haystack[at] != *first {
            continue;
        }
        work += needle.len();
        if work > STEPS_PER_LOOK {
            work = 0;
            look().map_err(Fault::Stopped)?;
        }
        if haystack[at..].starts_with(needle) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
