//! `Signature`: what a function takes, written as Python writes it, and how a call's arguments are matched with it.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::heap::Heap;
use super::kinds::ParameterKind;
use super::value::{Arguments, Given, Outcome, Parameter, Raised, Signature, Value};

thread_local! {
    static KNOWN: RefCell<HashMap<&'static str, Rc<Signature>>> = RefCell::default();
}

impl Signature {
    /// Reads `slim.conv2d(inputs, num_outputs, stride=1, padding='SAME', *, scope=None, **extra)`; read once a thread.
    ///
    /// # Panics
    /// When the text is no such signature: it is part of our own program, and a test reads each.
    #[must_use]
    pub fn of(text: &'static str) -> Rc<Signature> {
        if let Some(known) = KNOWN.with_borrow(|known| known.get(text).cloned()) {
            return known;
        }
        // Kept for the thread's other interpreters as well: on nobody's account.
        let _neutral = Heap::new(usize::MAX).enter();
        let signature = Rc::new(read(text).unwrap_or_else(|| panic!("`{text}` is not a signature")));
        KNOWN.with_borrow_mut(|known| known.insert(text, Rc::clone(&signature)));
        signature
    }

    /// Matches the arguments of a call with the parameters.
    ///
    /// # Errors
    /// `TypeError` in Python's words for one that is missing, unknown, given twice, or too many.
    pub fn bind(self: &Rc<Self>, arguments: Arguments) -> Outcome<Given> {
        let count = self.parameters.len();
        let mut values: Vec<Option<Value>> = vec![None; count];
        let mut rest = Vec::new();
        let by_position = self.parameters.iter().take_while(|one| one.kind != ParameterKind::Named).count();
        let given = arguments.positional.len();
        for (at, value) in arguments.positional.into_iter().enumerate() {
            if at < by_position {
                values[at] = Some(value);
            } else if self.rest.is_some() {
                rest.push(value);
            } else {
                return Err(self.too_many(by_position, given));
            }
        }
        let mut keywords = Vec::new();
        for (name, value) in arguments.named {
            let at = self.parameters.iter().position(|one| one.kind != ParameterKind::Positional && *one.name == *name);
            match at {
                Some(at) if values[at].is_some() => {
                    return Err(self.error(format!("got multiple values for argument '{name}'")));
                }
                Some(at) => values[at] = Some(value),
                None if self.keywords.is_some() => keywords.push((name, value)),
                None => return Err(self.unknown(&name)),
            }
        }
        self.require(&values, by_position)?;
        let written = values.iter().map(Option::is_some).collect();
        let values = values
            .into_iter()
            .zip(&self.parameters)
            .map(|(value, parameter)| value.or_else(|| parameter.default.clone()).unwrap_or(Value::None))
            .collect();
        Ok(Given { signature: Rc::clone(self), values, written, rest, keywords })
    }

    fn require(&self, values: &[Option<Value>], by_position: usize) -> Outcome<()> {
        let missing = |range: std::ops::Range<usize>| -> Vec<String> {
            range
                .filter(|at| values[*at].is_none() && self.parameters[*at].default.is_none())
                .map(|at| format!("'{}'", self.parameters[at].name))
                .collect()
        };
        for (kind, names) in
            [("positional", missing(0..by_position)), ("keyword-only", missing(by_position..values.len()))]
        {
            if let Some((last, before)) = names.split_last() {
                let list = match before {
                    [] => last.clone(),
                    [one] => format!("{one} and {last}"),
                    several => format!("{}, and {last}", several.join(", ")),
                };
                let plural = if before.is_empty() { "" } else { "s" };
                return Err(self.error(format!("missing {} required {kind} argument{plural}: {list}", names.len())));
            }
        }
        Ok(())
    }

    fn too_many(&self, by_position: usize, given: usize) -> Raised {
        let required = self.parameters[..by_position].iter().filter(|parameter| parameter.default.is_none()).count();
        let takes = if required == by_position {
            format!("{by_position}")
        } else {
            format!("from {required} to {by_position}")
        };
        let plural = if by_position == 1 && required == 1 { "" } else { "s" };
        let were = if given == 1 { "was" } else { "were" };
        self.error(format!("takes {takes} positional argument{plural} but {given} {were} given"))
    }

    fn unknown(&self, name: &str) -> Raised {
        let known = self.parameters.iter().filter(|one| one.kind != ParameterKind::Positional).map(|one| &*one.name);
        let raised = self.error(format!("got an unexpected keyword argument '{name}'"));
        match crate::frontend::lua::suggest::closest(name, known) {
            Some(near) => raised.with_help(format!("did you mean `{near}`?")),
            None => raised,
        }
    }

    fn error(&self, words: String) -> Raised {
        Raised::type_error(format!("{}() {words}", self.name)).with_fact("it is called as", self.to_string())
    }
}

impl std::fmt::Display for Signature {
    /// As it was declared; defaults that are objects as `…`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        let mut starred = false;
        let last_positional = self.parameters.iter().rposition(|one| one.kind == ParameterKind::Positional);
        for (at, parameter) in self.parameters.iter().enumerate() {
            if parameter.kind == ParameterKind::Named && !starred {
                starred = true;
                parts.push(self.rest.as_ref().map_or("*".to_string(), |rest| format!("*{rest}")));
            }
            parts.push(match &parameter.default {
                Some(value) => format!("{}={}", parameter.name, literal(value)),
                None => parameter.name.to_string(),
            });
            if last_positional == Some(at) {
                parts.push("/".to_string());
            }
        }
        if let Some(rest) = self.rest.as_ref().filter(|_| !starred) {
            parts.push(format!("*{rest}"));
        }
        parts.extend(self.keywords.as_ref().map(|keywords| format!("**{keywords}")));
        write!(f, "{}({})", self.name, parts.join(", "))
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::None => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(integer) => integer.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => format!("'{}'", text.text.escape_default()),
        Value::Tuple(_) | Value::List(_) => {
            let items = value.as_items().unwrap_or_default().iter().map(literal).collect::<Vec<_>>().join(", ");
            if matches!(value, Value::List(_)) { format!("[{items}]") } else { format!("({items})") }
        }
        _ => "…".into(),
    }
}

fn read(text: &str) -> Option<Signature> {
    let (name, inside) = text.strip_suffix(')')?.split_once('(')?;
    let mut signature = Signature { name: name.into(), parameters: Vec::new(), rest: None, keywords: None };
    let mut kind = ParameterKind::Either;
    for part in split(inside) {
        if part == "*" {
            kind = ParameterKind::Named;
        } else if part == "/" {
            signature.parameters.iter_mut().for_each(|one| one.kind = ParameterKind::Positional);
        } else if let Some(name) = part.strip_prefix("**") {
            signature.keywords = Some(name.into());
        } else if let Some(name) = part.strip_prefix('*') {
            signature.rest = Some(name.into());
            kind = ParameterKind::Named;
        } else {
            let (name, default) = match part.split_once('=') {
                Some((name, default)) => (name, Some(constant(default)?)),
                None => (part, None),
            };
            signature.parameters.push(Parameter { name: name.into(), kind, default });
        }
    }
    Some(signature)
}

/// Splits at commas outside brackets and quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut level, mut quoted) = (Vec::new(), 0, 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => level += 1,
            ')' | ']' if !quoted => level -= 1,
            ',' if !quoted && level == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn constant(text: &str) -> Option<Value> {
    let inside = |open, close| text.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    Some(match text {
        "None" => Value::None,
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        _ => {
            if let Some(inside) = inside('\'', '\'') {
                Value::str(inside)
            } else if let Some(inside) = inside('(', ')') {
                Value::tuple(split(inside).into_iter().map(constant).collect::<Option<_>>()?)
            } else if let Some(inside) = inside('[', ']') {
                Value::list(split(inside).into_iter().map(constant).collect::<Option<_>>()?)
            } else if let Ok(integer) = text.parse() {
                Value::Int(integer)
            } else {
                Value::Float(text.parse().ok()?)
            }
        }
    })
}

impl Given {
    /// The name of the function that is called, as its signature has it.
    #[must_use]
    pub fn name(&self) -> &Rc<str> {
        &self.signature.name
    }

    /// The value of a parameter, by its name.
    ///
    /// # Panics
    /// When the signature has no such parameter.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        &self.values[self.position(name)]
    }

    /// Whether the call wrote this argument.
    ///
    /// # Panics
    /// When the signature has no such parameter.
    #[must_use]
    pub fn is_written(&self, name: &str) -> bool {
        self.written[self.position(name)]
    }

    /// An argument unless it is `None`.
    ///
    /// # Panics
    /// When the signature has no such parameter.
    #[must_use]
    pub fn some(&self, name: &str) -> Option<&Value> {
        Some(self.value(name)).filter(|value| !value.is_none())
    }

    /// An integer.
    ///
    /// # Errors
    /// `TypeError` for anything else.
    pub fn int(&self, name: &str) -> Outcome<i64> {
        self.value(name).as_int().ok_or_else(|| self.wrong(name, "an int"))
    }

    /// A number.
    ///
    /// # Errors
    /// `TypeError` for anything else.
    pub fn float(&self, name: &str) -> Outcome<f64> {
        self.value(name).as_float().ok_or_else(|| self.wrong(name, "a number"))
    }

    /// A bool.
    ///
    /// # Errors
    /// `TypeError` for anything else.
    pub fn bool(&self, name: &str) -> Outcome<bool> {
        match self.value(name) {
            Value::Bool(truth) => Ok(*truth),
            _ => Err(self.wrong(name, "True or False")),
        }
    }

    /// A string.
    ///
    /// # Errors
    /// `TypeError` for anything else.
    pub fn str(&self, name: &str) -> Outcome<&str> {
        self.value(name).as_str().ok_or_else(|| self.wrong(name, "a str"))
    }

    /// A list or tuple of integers.
    ///
    /// # Errors
    /// `TypeError` for anything else.
    pub fn ints(&self, name: &str) -> Outcome<Vec<i64>> {
        let items = self.value(name).as_items();
        let numbers = items.and_then(|items| items.iter().map(Value::as_int).collect::<Option<Vec<i64>>>());
        numbers.ok_or_else(|| self.wrong(name, "a list of ints"))
    }

    /// The `TypeError` of an argument that is not what `wanted` says ("an int").
    #[must_use]
    pub fn wrong(&self, name: &str, wanted: &str) -> Raised {
        let value = self.value(name);
        Raised::type_error(format!(
            "{}() argument '{name}' must be {wanted}, not {}",
            self.signature.name,
            value.type_name()
        ))
        .with_fact("it is called as", self.signature.to_string())
    }

    fn position(&self, name: &str) -> usize {
        let at = self.signature.parameters.iter().position(|parameter| &*parameter.name == name);
        at.unwrap_or_else(|| panic!("{} has no parameter {name}", self.signature.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(text: &'static str, positional: &[i64], named: &[(&str, i64)]) -> Result<Vec<Option<i64>>, String> {
        let arguments = Arguments {
            positional: positional.iter().map(|number| Value::Int(*number)).collect(),
            named: named.iter().map(|(name, number)| ((*name).into(), Value::Int(*number))).collect(),
        };
        match Signature::of(text).bind(arguments) {
            Ok(given) => Ok(given.values.iter().map(Value::as_int).collect()),
            Err(raised) => Err(match raised.0.what {
                super::super::value::What::New(_, words) => words,
                _ => unreachable!("bind raises TypeError only"),
            }),
        }
    }

    #[test]
    fn arguments_are_matched_as_in_python() {
        let text = "f(a, b=2, *, c=3)";
        assert_eq!(bind(text, &[1], &[]), Ok(vec![Some(1), Some(2), Some(3)]));
        assert_eq!(bind(text, &[1, 5], &[("c", 6)]), Ok(vec![Some(1), Some(5), Some(6)]));
        assert_eq!(bind(text, &[], &[]).unwrap_err(), "f() missing 1 required positional argument: 'a'");
        assert_eq!(
            bind(text, &[1, 2, 3], &[]).unwrap_err(),
            "f() takes from 1 to 2 positional arguments but 3 were given"
        );
        assert_eq!(bind(text, &[1], &[("a", 1)]).unwrap_err(), "f() got multiple values for argument 'a'");
        assert_eq!(bind(text, &[1], &[("d", 1)]).unwrap_err(), "f() got an unexpected keyword argument 'd'");
        assert_eq!(
            bind("g(a, b, c)", &[], &[]).unwrap_err(),
            "g() missing 3 required positional arguments: 'a', 'b', and 'c'"
        );
        assert_eq!(bind("h(a, /)", &[], &[("a", 1)]).unwrap_err(), "h() got an unexpected keyword argument 'a'");
        assert_eq!(bind("k(*, a)", &[], &[]).unwrap_err(), "k() missing 1 required keyword-only argument: 'a'");
    }

    #[test]
    fn a_signature_prints_as_it_was_written() {
        let text = "slim.conv2d(x, k=[3, 3], p='SAME', r=-0.5, *, scope=None, **extra)";
        assert_eq!(Signature::of(text).to_string(), text);
        assert_eq!(Signature::of("f(a, /, b, *rest)").to_string(), "f(a, /, b, *rest)");
    }
}
