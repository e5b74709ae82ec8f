//! `format(value, spec)`, `str.format` and f-strings: Python's format mini-language.

use super::{
    kinds::ExceptionKind,
    numbers::Number,
    show,
    value::{Arguments, Interpreter, Outcome, Raised, Value},
};

/// Widths and precisions beyond this are mistakes, or attacks.
const WIDEST: usize = 1 << 20;

/// `[[fill]align][sign][#][0][width][,][.precision][type]`
#[derive(Debug, Clone, Default)]
pub(super) struct Spec {
    pub(super) fill: Option<char>,
    pub(super) align: Option<char>,
    pub(super) sign: Option<char>,
    pub(super) alternate: bool,
    pub(super) width: usize,
    pub(super) grouping: Option<char>,
    pub(super) precision: Option<usize>,
    pub(super) kind: Option<char>,
}

impl Interpreter {
    /// `format(value, spec)`.
    ///
    /// # Errors
    /// `ValueError` for a specification that does not fit the value.
    pub fn format(&self, value: &Value, spec: &str) -> Outcome<String> {
        if let Some(answer) = self.call_special(value, "__format__", vec![Value::str(spec)])? {
            let text = answer.as_str().map(str::to_string);
            return text.ok_or_else(|| Raised::type_error("__format__ must return a str"));
        }
        if spec.is_empty() {
            return self.display(value);
        }
        let parsed = Spec::parse(spec)?;
        self.room_for(parsed.width.max(parsed.precision.unwrap_or(0)), 4)?;
        let number = match value {
            Value::Native(object) => object.integer().map(Number::Int),
            other => Number::of(other),
        };
        match (number, value) {
            (Some(number), _) => parsed.number(number),
            (None, Value::Str(text)) => parsed.text(&text.text),
            _ => {
                Err(Raised::type_error(format!("unsupported format string passed to {}.__format__", value.type_name()))
                    .with_help("show it as text first: {x!s:…} or str(x)"))
            }
        }
    }

    /// `template.format(*positional, **named)`.
    pub(super) fn format_template(&self, template: &str, arguments: &Arguments) -> Outcome<String> {
        let mut next = 0;
        self.template(template, arguments, &mut next, 0)
    }

    fn template(&self, template: &str, arguments: &Arguments, next: &mut usize, level: usize) -> Outcome<String> {
        if level > 2 {
            return Err(Raised::value_error("Max string recursion exceeded"));
        }
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let mark = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(mark) {
                text.push_str(mark);
                rest = after;
                continue;
            }
            if mark == "}" {
                return Err(Raised::value_error("Single '}' encountered in format string"));
            }
            let end = end_of_field(rest).ok_or_else(|| {
                Raised::value_error("Single '{' encountered in format string")
                    .with_help("a { of the text itself is written {{")
            })?;
            text.push_str(&self.field(&rest[..end], arguments, next, level)?);
            rest = &rest[end + 1..];
            self.tick()?;
            self.room(text.len())?;
        }
        text.push_str(rest);
        Ok(text)
    }

    fn field(&self, field: &str, arguments: &Arguments, next: &mut usize, level: usize) -> Outcome<String> {
        let split = field.find(['!', ':']).unwrap_or(field.len());
        let (name, rest) = field.split_at(split);
        let (conversion, spec) = match rest.strip_prefix('!') {
            Some(after) => {
                let (conversion, spec) = after.split_once(':').unwrap_or((after, ""));
                (conversion, spec)
            }
            None => ("", rest.strip_prefix(':').unwrap_or("")),
        };
        let value = self.field_value(name, arguments, next)?;
        let spec = if spec.contains('{') { self.template(spec, arguments, next, level + 1)? } else { spec.to_string() };
        let value = match conversion {
            "" => value,
            "s" => Value::from(self.display(&value)?),
            "r" => Value::from(self.repr(&value)?),
            "a" => Value::from(show::ascii(&self.repr(&value)?)),
            other => return Err(Raised::value_error(format!("Unknown conversion specifier '{other}'"))),
        };
        self.format(&value, &spec)
    }

    fn field_value(&self, name: &str, arguments: &Arguments, next: &mut usize) -> Outcome {
        let split = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut rest) = name.split_at(split);
        let position = if first.is_empty() {
            *next += 1;
            Some(*next - 1)
        } else {
            first.parse::<usize>().ok()
        };
        let mut value = match position {
            Some(at) => arguments.positional.get(at).cloned().ok_or_else(|| {
                let message = format!("Replacement index {at} out of range for positional args tuple");
                Raised::new(ExceptionKind::IndexError, message)
            })?,
            None => {
                let found = arguments.named.iter().find(|(known, _)| **known == *first);
                found.map(|(_, value)| value.clone()).ok_or_else(|| self.key_error(&Value::str(first)))?
            }
        };
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                value = self.attribute(&value, &after[..end])?;
                rest = &after[end..];
            } else if let Some((index, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
                let index = index.parse::<i64>().map_or_else(|_| Value::str(index), Value::Int);
                value = self.item(&value, &index)?;
                rest = after;
            } else {
                return Err(Raised::value_error("Only '.' or '[' may follow ']' in format field specifier"));
            }
        }
        Ok(value)
    }
}

/// Where the field that starts here ends, nested ones passed over.
fn end_of_field(text: &str) -> Option<usize> {
    let mut level = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => level += 1,
            '}' if level == 0 => return Some(at),
            '}' => level -= 1,
            _ => {}
        }
    }
    None
}

impl Spec {
    pub(super) fn parse(text: &str) -> Outcome<Spec> {
        let mut spec = Spec::default();
        let mut letters = text.chars().peekable();
        let mut ahead = text.chars();
        let (first, second) = (ahead.next(), ahead.next());
        let is_align = |letter: Option<char>| letter.is_some_and(|letter| "<>=^".contains(letter));
        if is_align(second) {
            spec.fill = letters.next();
            spec.align = letters.next();
        } else if is_align(first) {
            spec.align = letters.next();
        }
        spec.sign = letters.next_if(|letter| "+- ".contains(*letter));
        spec.alternate = letters.next_if_eq(&'#').is_some();
        if letters.next_if_eq(&'0').is_some() && spec.align.is_none() {
            spec.fill = Some('0');
            spec.align = Some('=');
        }
        spec.width = count(&mut letters)?.unwrap_or(0);
        spec.grouping = letters.next_if(|letter| ",_".contains(*letter));
        if letters.next_if_eq(&'.').is_some() {
            let precision = count(&mut letters)?;
            spec.precision = Some(precision.ok_or_else(|| Raised::value_error("Format specifier missing precision"))?);
        }
        spec.kind = letters.next();
        if letters.next().is_some() {
            return Err(Raised::value_error(format!("Invalid format specifier '{text}'")));
        }
        Ok(spec)
    }

    /// Fills up to the width; `sign` stays in front of what `=` fills in.
    pub(super) fn pad(&self, sign: &str, body: &str, default: char) -> String {
        let length = sign.chars().count() + body.chars().count();
        let missing = self.width.saturating_sub(length);
        let fill = self.fill.unwrap_or(' ');
        let filled = |count: usize| fill.to_string().repeat(count);
        match self.align.unwrap_or(default) {
            '<' => format!("{sign}{body}{}", filled(missing)),
            '^' => format!("{}{sign}{body}{}", filled(missing / 2), filled(missing - missing / 2)),
            '=' => format!("{sign}{}{body}", filled(missing)),
            _ => format!("{}{sign}{body}", filled(missing)),
        }
    }

    pub(super) fn text(&self, text: &str) -> Outcome<String> {
        if !matches!(self.kind, None | Some('s')) {
            return Err(self.unknown("str"));
        }
        if self.sign.is_some() {
            return Err(Raised::value_error("Sign not allowed in string format specifier"));
        }
        if self.align == Some('=') {
            return Err(Raised::value_error("'=' alignment not allowed in string format specifier"));
        }
        let shown: String = match self.precision {
            Some(most) => text.chars().take(most).collect(),
            None => text.to_string(),
        };
        Ok(self.pad("", &shown, '<'))
    }

    pub(super) fn number(&self, number: Number) -> Outcome<String> {
        match (number, self.kind) {
            (Number::Int(integer), None | Some('d' | 'n' | 'b' | 'o' | 'x' | 'X' | 'c')) => self.integer(integer),
            #[expect(clippy::cast_precision_loss, reason = "an int shown as a float is rounded, as in Python")]
            (Number::Int(integer), Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) => self.float(integer as f64),
            (Number::Float(number), None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' | 'n')) => self.float(number),
            (Number::Int(_), _) => Err(self.unknown("int")),
            (Number::Float(_), _) => Err(self.unknown("float")),
        }
    }

    fn unknown(&self, what: &str) -> Raised {
        let kind = self.kind.map(String::from).unwrap_or_default();
        Raised::value_error(format!("Unknown format code '{kind}' for object of type '{what}'"))
    }

    fn sign_of(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            _ => "",
        }
    }

    fn integer(&self, integer: i64) -> Outcome<String> {
        if self.precision.is_some() {
            return Err(Raised::value_error("Precision not allowed in integer format specifier"));
        }
        let size = integer.unsigned_abs();
        let (prefix, digits, group) = match self.kind {
            Some('b') => ("0b", format!("{size:b}"), 4),
            Some('o') => ("0o", format!("{size:o}"), 4),
            Some('x') => ("0x", format!("{size:x}"), 4),
            Some('X') => ("0X", format!("{size:X}"), 4),
            Some('c') => {
                let letter = u32::try_from(integer).ok().and_then(char::from_u32);
                let letter =
                    letter.ok_or_else(|| Raised::new(ExceptionKind::OverflowError, "%c arg not in range(0x110000)"))?;
                return Ok(self.pad("", &letter.to_string(), '<'));
            }
            _ => ("", size.to_string(), 3),
        };
        let prefix = if self.alternate { prefix } else { "" };
        let sign = format!("{}{prefix}", self.sign_of(integer < 0));
        Ok(self.grouped(&sign, &digits, "", group))
    }

    fn float(&self, number: f64) -> Outcome<String> {
        let size = number.abs();
        let upper = self.kind.is_some_and(|kind| kind.is_ascii_uppercase());
        let (body, percent) = if number.is_nan() {
            ("nan".to_string(), "")
        } else if number.is_infinite() {
            ("inf".to_string(), "")
        } else {
            match self.kind {
                Some('f' | 'F') => (fixed(size, self.precision.unwrap_or(6)), ""),
                Some('%') => (fixed(size * 100.0, self.precision.unwrap_or(6)), "%"),
                Some('e' | 'E') => (exponential(size, self.precision.unwrap_or(6)), ""),
                Some(_) => (general(size, self.precision.unwrap_or(6), self.alternate), ""),
                None => match self.precision {
                    None => (show::float(size), ""),
                    Some(precision) => {
                        let body = general(size, precision, false);
                        let whole = !body.contains(['.', 'e']);
                        (if whole { format!("{body}.0") } else { body }, "")
                    }
                },
            }
        };
        let body = if upper { body.to_uppercase() } else { body };
        let (whole, rest) = match body.find(|letter: char| !letter.is_ascii_digit()) {
            Some(at) => body.split_at(at),
            _ => (body.as_str(), ""),
        };
        let sign = self.sign_of(number.is_sign_negative() && !number.is_nan());
        Ok(self.grouped(sign, whole, &format!("{rest}{percent}"), 3))
    }

    /// Digits in groups where asked for, filled up.
    fn grouped(&self, sign: &str, digits: &str, rest: &str, group: usize) -> String {
        let Some(separator) = self.grouping.filter(|_| !digits.is_empty()) else {
            return self.pad(sign, &format!("{digits}{rest}"), '>');
        };
        let mut digits = digits.to_string();
        let shown = |digits: &str| {
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(group) {
                    text.push(separator);
                }
                text.push(digit);
            }
            text
        };
        if self.align == Some('=') && self.fill == Some('0') {
            // Zeros that fill are grouped as well.
            let mut count = digits.len();
            while sign.len() + count + count.saturating_sub(1) / group + rest.len() < self.width {
                count += 1;
            }
            digits.insert_str(0, &"0".repeat(count - digits.len()));
        }
        self.pad(sign, &format!("{}{rest}", shown(&digits)), '>')
    }
}

fn count(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Outcome<Option<usize>> {
    let mut digits = String::new();
    while let Some(digit) = letters.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    let count = digits.parse().ok().filter(|count| *count <= WIDEST);
    count.map(Some).ok_or_else(|| Raised::value_error("Too many decimal digits in format string"))
}

/// No float has more digits than these; Rust's own formatting takes 65,535 at most.
const DIGITS: usize = 1100;

/// A number that is not negative with so many digits behind the point.
pub(super) fn fixed(number: f64, precision: usize) -> String {
    let shown = precision.min(DIGITS);
    format!("{number:.shown$}{}", "0".repeat(precision - shown))
}

/// `1.5e+03`
fn exponential(number: f64, precision: usize) -> String {
    let shown = precision.min(DIGITS);
    let text = format!("{number:.shown$e}");
    let (digits, exponent) = text.split_once('e').expect("the format writes an exponent");
    let exponent: i32 = exponent.parse().expect("the format writes a whole exponent");
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{}e{sign}{:02}", "0".repeat(precision - shown), exponent.abs())
}

/// The shorter of both, `precision` digits in all.
fn general(number: f64, precision: usize, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    let scientific = exponential(number, precision - 1);
    let exponent: i64 = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let trim = |text: &str| {
        if keep_zeros || !text.contains('.') {
            text.to_string()
        } else {
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
    };
    let digits = i64::try_from(precision).unwrap_or(i64::MAX);
    if (-4..digits).contains(&exponent) {
        let behind = usize::try_from(digits - 1 - exponent).unwrap_or(0);
        trim(&fixed(number, behind))
    } else {
        let (mantissa, exponent) = scientific.split_once('e').expect("exponential writes an exponent");
        format!("{}e{exponent}", trim(mantissa))
    }
}
