//! `Form`: one way to call a function, written as letters, matched against Lua arguments.
//!
//! | letter | argument | letter | argument |
//! |---|---|---|---|
//! | `t` | tensor; all `t` of a call have one type | `n` | number |
//! | `x` | tensor of any type | `i` | whole number |
//! | `L` | `LongTensor` of indices | `b` | boolean |
//! | `B` | `ByteTensor` mask | `s` | string |
//! | `S` | `LongStorage` | `f` | function |
//! | `R` | storage of any type | `T` | table |
//! | `z` | sizes to the end: a `LongStorage` or numbers | `v` | anything |
//!
//! A letter followed by `?` may be missing.

use mlua::Value;

use super::handle::{LuaStorage, LuaTensor};
use crate::torch::{Element, Tensor, TensorType};

/// One matched argument.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    Missing,
    Tensor(Tensor, Value),
    Number(f64),
    Flag(bool),
    Sizes(Vec<i64>),
    Other(Value),
}

/// A way to call a function.
#[derive(Debug, Clone)]
pub(super) struct Form(Vec<(char, bool)>);

impl Form {
    pub(super) fn new(letters: &str) -> Form {
        let mut form: Vec<(char, bool)> = Vec::new();
        for letter in letters.chars() {
            match (letter, form.last_mut()) {
                ('?', Some(last)) => last.1 = true,
                _ => form.push((letter, false)),
            }
        }
        Form(form)
    }

    /// The form without its first `t`, which the method's object stands for.
    pub(super) fn without_source(&self) -> Option<Form> {
        (self.0.first() == Some(&('t', false))).then(|| Form(self.0[1..].to_vec()))
    }

    /// The arguments if `values` fit, one `Arg` for each letter. `tensor_type` is fixed by the first `t`.
    pub(super) fn matched(&self, values: &[Value], tensor_type: &mut Option<TensorType>) -> Option<Vec<Arg>> {
        let mut args = Vec::with_capacity(self.0.len());
        let mut at = 0;
        for &(letter, optional) in &self.0 {
            if letter == 'z' {
                args.push(match sizes(&values[at..]) {
                    Some(sizes) => Arg::Sizes(sizes),
                    None if optional && at == values.len() => Arg::Missing,
                    None => return None,
                });
                return Some(args);
            }
            match values.get(at).and_then(|value| matched_one(letter, value, tensor_type)) {
                Some(arg) => {
                    args.push(arg);
                    at += 1;
                }
                None if optional => {
                    if matches!(values.get(at), Some(Value::Nil)) {
                        at += 1;
                    }
                    args.push(Arg::Missing);
                }
                None => return None,
            }
        }
        (at == values.len()).then_some(args)
    }

    /// As the error page shows it: `FloatTensor number [boolean]`.
    pub(super) fn described(&self, tensor_type: TensorType) -> String {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|&(letter, optional)| {
                let word = match letter {
                    't' => tensor_type.tensor_name().replace("torch.", ""),
                    'x' => "Tensor".to_string(),
                    'L' => "LongTensor".to_string(),
                    'B' => "ByteTensor".to_string(),
                    'S' => "LongStorage".to_string(),
                    'R' => "Storage".to_string(),
                    'n' => "number".to_string(),
                    'i' => "index".to_string(),
                    'b' => "boolean".to_string(),
                    's' => "string".to_string(),
                    'f' => "function".to_string(),
                    'T' => "table".to_string(),
                    'z' => "(LongStorage | dim1 [dim2...])".to_string(),
                    _ => "value".to_string(),
                };
                if optional { format!("[{word}]") } else { word }
            })
            .collect();
        if words.is_empty() { "no arguments".to_string() } else { words.join(" ") }
    }
}

fn matched_one(letter: char, value: &Value, tensor_type: &mut Option<TensorType>) -> Option<Arg> {
    let tensor = |fits: &mut dyn FnMut(TensorType) -> bool| {
        let data = value.as_userdata()?.borrow::<LuaTensor>().ok()?;
        fits(data.0.tensor_type()).then(|| Arg::Tensor(data.0.clone(), value.clone()))
    };
    let other = |fits: bool| fits.then(|| Arg::Other(value.clone()));
    match letter {
        't' => tensor(&mut |found| *tensor_type.get_or_insert(found) == found),
        'x' => tensor(&mut |_| true),
        'L' => tensor(&mut |found| found.element == Element::Long),
        'B' => tensor(&mut |found| found.element == Element::Byte),
        'n' => number(value).map(Arg::Number),
        'i' => number(value).filter(|x| x.is_finite()).map(|x| Arg::Number(x.trunc())),
        'b' => value.as_boolean().map(Arg::Flag),
        's' => other(value.is_string()),
        'f' => other(value.is_function()),
        'T' => other(value.is_table()),
        'S' => storage_sizes(value).map(Arg::Sizes),
        'R' => other(value.as_userdata().is_some_and(mlua::AnyUserData::is::<LuaStorage>)),
        _ => other(!value.is_nil()),
    }
}

/// A number as a whole one. Sizes and indices are at most 2⁵³, beyond which doubles have gaps, so that sums and differences of
/// a few of them are numbers too.
pub(super) fn whole(number: f64) -> i64 {
    const MOST: f64 = 9_007_199_254_740_992.0;
    number.clamp(-MOST, MOST) as i64
}

/// A Lua number, or a string that is one, as Lua's C interface takes arguments.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(x) => Some(*x as f64),
        Value::Number(x) => Some(*x),
        Value::String(text) => written(&text.as_bytes()),
        _ => None,
    }
}

/// The number that a text is: decimal as C's `strtod` reads it, or hexadecimal, with space around it.
fn written(text: &[u8]) -> Option<f64> {
    let text = str::from_utf8(text).ok()?.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) if text.starts_with('-') => (-1.0, digits),
        Some(digits) => (1.0, digits),
        None => (1.0, text),
    };
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => {
            u64::from_str_radix(hex, 16).ok().map(|whole| sign * whole as f64)
        }
        _ if digits.starts_with(['-', '+']) => None,
        _ => digits.parse::<f64>().ok().map(|number| sign * number),
    }
}

/// The numbers of a `LongStorage`.
pub(super) fn storage_sizes(value: &Value) -> Option<Vec<i64>> {
    let data = value.as_userdata()?.borrow::<LuaStorage>().ok()?;
    if data.0.tensor_type().element != Element::Long {
        return None;
    }
    let values = data.0.values().ok()?;
    Some(values.into_iter().map(whole).collect())
}

/// Sizes as one `LongStorage` or as one or more numbers.
pub(super) fn sizes(values: &[Value]) -> Option<Vec<i64>> {
    match values {
        [] => None,
        [one] if one.is_userdata() => storage_sizes(one),
        _ => values.iter().map(|value| number(value).map(whole)).collect(),
    }
}

/// The word for a value in `invalid arguments: …`.
pub(super) fn word(value: &Value) -> String {
    if let Some(data) = value.as_userdata() {
        if let Ok(tensor) = data.borrow::<LuaTensor>() {
            return tensor.0.tensor_type().tensor_name().replace("torch.", "");
        }
        if let Ok(storage) = data.borrow::<LuaStorage>() {
            return storage.0.tensor_type().storage_name().replace("torch.", "");
        }
    }
    if value.is_number() || value.is_integer() { "number".to_string() } else { value.type_name().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_that_is_a_number_is_one() {
        let lua = mlua::Lua::new();
        for text in [
            "1", " -2.5e3 ", ".5", "5.", "+7", "0x1F", "-0X10", "1e-2\t", "\x0b3", "", " ", "x", "1x", "0x", "--1",
            "1 2", "0xg", "+-1", "1e",
        ] {
            let value = Value::String(lua.create_string(text).unwrap());
            // Lua's own `tonumber` decides.
            let wanted: Option<f64> = lua.globals().get::<mlua::Function>("tonumber").unwrap().call(text).unwrap();
            assert_eq!(number(&value), wanted, "{text:?}");
        }
        let inf = Value::String(lua.create_string("-inf").unwrap());
        assert_eq!(number(&inf), Some(f64::NEG_INFINITY));
    }
}
