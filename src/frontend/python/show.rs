//! `repr` and `str`: how values are shown.

use std::{collections::HashSet, fmt::Write as _};

use super::{
    exceptions::is_exception,
    kinds::{ExceptionKind, Type},
    value::{Class, Descriptor, Interpreter, Outcome, Raised, Value},
};

impl Interpreter {
    /// `repr(value)`.
    ///
    /// # Errors
    /// What a method of the user's raises; the end of the run when the text does not fit.
    pub fn repr(&self, value: &Value) -> Outcome<String> {
        let mut text = String::new();
        self.write_repr(&mut text, value, &mut HashSet::new())?;
        Ok(text)
    }

    /// `str(value)`.
    ///
    /// # Errors
    /// As [`Interpreter::repr`].
    pub fn display(&self, value: &Value) -> Outcome<String> {
        match value {
            Value::Str(text) => Ok(text.text.to_string()),
            Value::Native(object) => match self.deeper(|| object.shown(self))? {
                Some(text) => Ok(text),
                None => Ok(object.display()),
            },
            Value::Instance(instance) => {
                if let Some(answer) = self.call_special(value, "__str__", Vec::new())? {
                    return text_of(&answer, "__str__");
                }
                if is_exception(&instance.class) && instance.class.find("__repr__").is_none() {
                    let arguments =
                        instance.attributes.get("args").and_then(|args| args.as_items()).unwrap_or_default();
                    return match &arguments[..] {
                        [] => Ok(String::new()),
                        [one] if instance.class.order().any(|class| is_key_error(class)) => self.repr(one),
                        [one] => self.deeper(|| self.display(one)),
                        several => self.repr(&Value::tuple(several.to_vec())),
                    };
                }
                self.repr(value)
            }
            other => self.repr(other),
        }
    }

    fn write_repr(&self, text: &mut String, value: &Value, inside: &mut HashSet<usize>) -> Outcome<()> {
        match value {
            Value::None => text.push_str("None"),
            Value::NotImplemented => text.push_str("NotImplemented"),
            Value::Ellipsis => text.push_str("Ellipsis"),
            Value::Bool(truth) => text.push_str(if *truth { "True" } else { "False" }),
            Value::Int(integer) => {
                let _ = write!(text, "{integer}");
            }
            Value::Float(number) => text.push_str(&float(*number)),
            Value::Str(inner) => quote(text, &inner.text),
            Value::Tuple(_) | Value::List(_) | Value::Dict(_) | Value::Set(_) => {
                self.deeper(|| self.write_container(text, value, inside))?;
            }
            Value::Range(range) => {
                let _ = match range.step {
                    1 => write!(text, "range({}, {})", range.start, range.stop),
                    step => write!(text, "range({}, {}, {step})", range.start, range.stop),
                };
            }
            Value::Slice(slice) => {
                text.push_str("slice(");
                for (at, part) in [&slice.start, &slice.stop, &slice.step].into_iter().enumerate() {
                    text.push_str(if at > 0 { ", " } else { "" });
                    self.write_repr(text, part, inside)?;
                }
                text.push(')');
            }
            Value::Iterator(iter) => {
                let _ = write!(text, "<{} object>", iter.kind);
            }
            Value::Function(function) => {
                let _ = write!(text, "<function {}>", function.code.qualified);
            }
            Value::NativeFunction(native) => {
                let _ = write!(text, "<built-in function {}>", native.signature.name);
            }
            Value::Method(method) => {
                let name = match &method.function {
                    Value::Function(function) => function.code.qualified.to_string(),
                    Value::NativeFunction(native) => native.signature.name.to_string(),
                    other => other.type_name(),
                };
                let _ = write!(text, "<bound method {name} of a {}>", method.receiver.type_name());
            }
            Value::Class(class) => text.push_str(&class_repr(class)),
            Value::Instance(instance) => {
                if let Some(answer) = self.call_special(value, "__repr__", Vec::new())? {
                    text.push_str(&text_of(&answer, "__repr__")?);
                } else if is_exception(&instance.class) {
                    let arguments = instance.attributes.get("args").unwrap_or(Value::None);
                    let arguments = self.repr(&arguments)?;
                    let arguments = arguments.strip_suffix(",)").map_or(arguments.clone(), |one| format!("{one})"));
                    let _ = write!(text, "{}{arguments}", instance.class.name);
                } else {
                    let _ = write!(text, "<__main__.{} object>", instance.class.name);
                }
            }
            Value::Descriptor(descriptor) => text.push_str(match &**descriptor {
                Descriptor::Property { .. } => "<property object>",
                Descriptor::StaticMethod(_) => "<staticmethod object>",
                Descriptor::ClassMethod(_) => "<classmethod object>",
            }),
            Value::Super(_) => text.push_str("<super object>"),
            Value::Module(module) => {
                let _ = write!(text, "<module '{}'>", module.name);
            }
            Value::Native(object) => match self.deeper(|| object.shown(self))? {
                Some(shown) => text.push_str(&shown),
                None => text.push_str(&object.repr()),
            },
        }
        self.room(text.len())
    }

    fn write_container(&self, text: &mut String, value: &Value, inside: &mut HashSet<usize>) -> Outcome<()> {
        let address = value.address().unwrap_or(0);
        let (open, close) = match value {
            Value::Tuple(_) => ("(", ")"),
            Value::List(_) => ("[", "]"),
            Value::Set(set) if set.table.borrow().is_empty() => {
                text.push_str(if set.frozen { "frozenset()" } else { "set()" });
                return Ok(());
            }
            Value::Set(set) if set.frozen => ("frozenset({", "})"),
            _ => ("{", "}"),
        };
        text.push_str(open);
        if !inside.insert(address) {
            text.push_str("...");
            text.push_str(close);
            return Ok(());
        }
        let items = match value {
            Value::Dict(dict) => {
                let entries = self.dict_entries(dict);
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.tick()?;
                    text.push_str(if at > 0 { ", " } else { "" });
                    self.write_repr(text, key, inside)?;
                    text.push_str(": ");
                    self.write_repr(text, value, inside)?;
                }
                Vec::new()
            }
            Value::Set(set) => self.set_items(set),
            other => other.as_items().unwrap_or_default(),
        };
        for (at, item) in items.iter().enumerate() {
            self.tick()?;
            text.push_str(if at > 0 { ", " } else { "" });
            self.write_repr(text, item, inside)?;
        }
        if matches!(value, Value::Tuple(_)) && items.len() == 1 {
            text.push(',');
        }
        text.push_str(close);
        inside.remove(&address);
        Ok(())
    }
}

fn is_key_error(class: &Class) -> bool {
    class.built_in == Some(Type::Exception(ExceptionKind::KeyError))
}

fn text_of(answer: &Value, method: &str) -> Outcome<String> {
    let text = answer.as_str().map(str::to_string);
    text.ok_or_else(|| Raised::type_error(format!("{method} returned non-string (type {})", answer.type_name())))
}

fn class_repr(class: &Class) -> String {
    match class.built_in {
        Some(_) => format!("<class '{}'>", class.name),
        None => format!("<class '__main__.{}'>", class.name),
    }
}

/// A string as a literal, in the quotes that Python chooses.
pub(super) fn quote(text: &mut String, inner: &str) {
    let mark = if inner.contains('\'') && !inner.contains('"') { '"' } else { '\'' };
    text.push(mark);
    for letter in inner.chars() {
        match letter {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\\' => text.push_str("\\\\"),
            _ if letter == mark => {
                text.push('\\');
                text.push(letter);
            }
            _ if is_shown(letter) => text.push(letter),
            _ => escape(text, letter),
        }
    }
    text.push(mark);
}

/// Control letters and spaces other than the plain one are escaped.
fn is_shown(letter: char) -> bool {
    letter == ' '
        || !(letter.is_control()
            || letter.is_whitespace()
            || ('\u{200b}'..='\u{200f}').contains(&letter)
            || letter == '\u{feff}'
            || letter == '\u{ad}')
}

fn escape(text: &mut String, letter: char) {
    let code = u32::from(letter);
    let _ = match code {
        0..=0xff => write!(text, "\\x{code:02x}"),
        0x100..=0xffff => write!(text, "\\u{code:04x}"),
        _ => write!(text, "\\U{code:08x}"),
    };
}

/// `ascii()`: every other letter escaped.
pub(super) fn ascii(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        if letter.is_ascii() { plain.push(letter) } else { escape(&mut plain, letter) }
    }
    plain
}

/// A float in the fewest digits that give it back, as Python's `repr`.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("the format writes an exponent");
    let exponent: i32 = exponent.parse().expect("the format writes a whole exponent");
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        if plain.contains('.') { plain } else { format!("{plain}.0") }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_shown_as_python_shows_them() {
        for (number, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (1e15, "1000000000000000.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (-0.0, "-0.0"),
            (5e-324, "5e-324"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn strings_are_quoted_as_python_quotes_them() {
        for (inner, quoted) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("a'b\"c", "'a\\'b\"c'"),
            ("\n\t\\\u{7f}\u{a0}", "'\\n\\t\\\\\\x7f\\xa0'"),
            ("ä", "'ä'"),
        ] {
            let mut text = String::new();
            quote(&mut text, inner);
            assert_eq!(text, quoted);
        }
    }
}
