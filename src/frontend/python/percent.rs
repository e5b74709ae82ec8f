//! `'%d of %s' % values`: the older way to format.

use super::{
    format::Spec,
    kinds::ExceptionKind,
    numbers::{Number, to_int},
    show,
    value::{Interpreter, Outcome, Raised, Value},
};

/// Widths and precisions beyond this are mistakes, or attacks.
const WIDEST: usize = 1 << 20;

impl Interpreter {
    /// `template % values`.
    pub(super) fn percent(&self, template: &str, values: &Value) -> Outcome<String> {
        let several = match values {
            Value::Tuple(tuple) => tuple.items.clone(),
            other => vec![other.clone()],
        };
        let mut given = several.into_iter();
        let mut letters = template.chars().peekable();
        let mut text = String::new();
        let mut named = false;
        while let Some(letter) = letters.next() {
            if letter != '%' {
                text.push(letter);
                continue;
            }
            if letters.next_if_eq(&'%').is_some() {
                text.push('%');
                continue;
            }
            let mut key = None;
            if letters.next_if_eq(&'(').is_some() {
                let name: String = letters.by_ref().take_while(|letter| *letter != ')').collect();
                named = true;
                key = Some(name);
            }
            let mut spec = Spec { align: Some('>'), ..Spec::default() };
            while let Some(flag) = letters.next_if(|letter| "-+ #0".contains(*letter)) {
                match flag {
                    '-' => (spec.align, spec.fill) = (Some('<'), None),
                    '0' if spec.align != Some('<') => (spec.align, spec.fill) = (Some('='), Some('0')),
                    '#' => spec.alternate = true,
                    '+' => spec.sign = Some('+'),
                    ' ' if spec.sign.is_none() => spec.sign = Some(' '),
                    _ => {}
                }
            }
            let mut take = || given.next().ok_or_else(|| Raised::type_error("not enough arguments for format string"));
            let mut number = |letters: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Outcome<Option<usize>> {
                if letters.next_if_eq(&'*').is_some() {
                    let width = take()?;
                    let width = width.as_int().ok_or_else(|| Raised::type_error("* wants int"))?;
                    return within(usize::try_from(width).ok()).map(Some);
                }
                let mut digits = String::new();
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                if digits.is_empty() { Ok(None) } else { within(digits.parse().ok()).map(Some) }
            };
            spec.width = number(&mut letters)?.unwrap_or(0);
            if letters.next_if_eq(&'.').is_some() {
                spec.precision = Some(number(&mut letters)?.unwrap_or(0));
            }
            while letters.next_if(|letter| "hlL".contains(*letter)).is_some() {}
            let kind = letters.next().ok_or_else(|| Raised::value_error("incomplete format"))?;
            let value = match &key {
                Some(key) => match values {
                    Value::Dict(dict) => {
                        let key = Value::str(key.as_str());
                        self.dict_get(dict, &key)?.ok_or_else(|| self.key_error(&key))?
                    }
                    _ => return Err(Raised::type_error("format requires a mapping")),
                },
                None => given.next().ok_or_else(|| Raised::type_error("not enough arguments for format string"))?,
            };
            self.room_for(spec.width.max(spec.precision.unwrap_or(0)), 4)?;
            text.push_str(&self.percent_value(kind, spec, &value)?);
            self.tick()?;
            self.room(text.len())?;
        }
        if given.next().is_some() && !named && !matches!(values, Value::Dict(_)) {
            return Err(Raised::type_error("not all arguments converted during string formatting")
                .with_help("each value wants a %s or %d of its own"));
        }
        Ok(text)
    }

    fn percent_value(&self, kind: char, mut spec: Spec, value: &Value) -> Outcome<String> {
        let number = || match value {
            Value::Native(object) => object.integer().map(Number::Int),
            other => Number::of(other),
        };
        match kind {
            's' | 'r' | 'a' => {
                let shown = match kind {
                    's' => self.display(value)?,
                    'r' => self.repr(value)?,
                    _ => show::ascii(&self.repr(value)?),
                };
                if spec.align == Some('=') {
                    (spec.align, spec.fill) = (Some('>'), None);
                }
                spec.sign = None;
                spec.text(&shown)
            }
            'd' | 'i' | 'u' => {
                let number = number().ok_or_else(|| wanted("a number", kind, value))?;
                let whole = match number {
                    Number::Int(integer) => Some(integer),
                    Number::Float(number) => to_int(number.trunc()),
                };
                let whole = whole
                    .ok_or_else(|| Raised::new(ExceptionKind::OverflowError, "the number has more than 64 bits"))?;
                self.digits(spec, 'd', whole)
            }
            'x' | 'X' | 'o' => match number() {
                Some(Number::Int(integer)) => self.digits(spec, kind, integer),
                _ => Err(wanted("an integer", kind, value)),
            },
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let number = value
                    .as_float()
                    .ok_or_else(|| Raised::type_error(format!("must be real number, not {}", value.type_name())))?;
                spec.kind = Some(kind);
                spec.number(Number::Float(number))
            }
            'c' => match value {
                Value::Str(text) if text.length == 1 => spec.text(&text.text),
                Value::Int(integer) => {
                    let letter = u32::try_from(*integer).ok().and_then(char::from_u32);
                    let letter = letter
                        .ok_or_else(|| Raised::new(ExceptionKind::OverflowError, "%c arg not in range(0x110000)"))?;
                    spec.text(&letter.to_string())
                }
                _ => Err(Raised::type_error("%c requires int or char")),
            },
            other => Err(Raised::value_error(format!("unsupported format character '{other}'"))),
        }
    }

    /// An integer: a precision means digits at least.
    fn digits(&self, mut spec: Spec, kind: char, integer: i64) -> Outcome<String> {
        spec.kind = Some(kind);
        let least = spec.precision.take();
        let text = Spec { width: 0, ..spec.clone() }.number(Number::Int(integer))?;
        let at = text.find(|letter: char| letter.is_ascii_hexdigit()).unwrap_or(0);
        let at = if spec.alternate && text[at..].len() > 1 && kind != 'd' { at + 2 } else { at };
        let (sign, digits) = text.split_at(at);
        let digits = format!("{}{digits}", "0".repeat(least.unwrap_or(0).saturating_sub(digits.len())));
        Ok(spec.pad(sign, &digits, '>'))
    }
}

fn within(count: Option<usize>) -> Outcome<usize> {
    count.filter(|count| *count <= WIDEST).ok_or_else(|| Raised::value_error("width too big"))
}

fn wanted(what: &str, kind: char, value: &Value) -> Raised {
    let name = value.type_name();
    let raised = Raised::type_error(format!("%{kind} format: {what} is required, not {name}"));
    if matches!(value, Value::Str(_)) { raised.with_help("write %s for text") } else { raised }
}
