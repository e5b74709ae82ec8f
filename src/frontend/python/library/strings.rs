//! The methods of strings.

use super::super::{
    kinds::Type,
    value::{Arguments, Given, Interpreter, NativeFunction, Outcome, Raised, Value},
};

type Run = fn(&Interpreter, &Given) -> Outcome;

pub(super) fn install(interpreter: &Interpreter) {
    let add = |signature: &'static str, run: Run| {
        let method = NativeFunction::new(signature, move |interpreter, given| {
            interpreter.ticks(given.str("self")?.len() / 64)?;
            run(interpreter, &given)
        });
        let name = method.signature().name.rsplit('.').next().unwrap_or_default().to_string();
        interpreter.type_class(Type::Str).attributes.set(&name, Value::NativeFunction(method));
    };
    let format = NativeFunction::value("str.format(self, /, *args, **kwargs)", |interpreter, given| {
        let template = given.str("self")?.to_string();
        let arguments = Arguments { positional: given.rest, named: given.keywords };
        interpreter.format_template(&template, &arguments).map(Value::from)
    });
    interpreter.type_class(Type::Str).attributes.set("format", format);
    letters(&add);
    kinds(&add);
    search(&add);
    pieces(&add);
    padding(&add);
}

fn letters(add: &dyn Fn(&'static str, Run)) {
    add("str.upper(self, /)", |_, given| Ok(Value::from(given.str("self")?.to_uppercase())));
    add("str.lower(self, /)", |_, given| Ok(Value::from(given.str("self")?.to_lowercase())));
    add("str.casefold(self, /)", |_, given| Ok(Value::from(given.str("self")?.to_lowercase())));
    add("str.capitalize(self, /)", |_, given| Ok(Value::from(capitalized(given.str("self")?))));
    add("str.title(self, /)", |_, given| {
        let mut text = String::new();
        let mut word = String::new();
        for letter in given.str("self")?.chars() {
            if letter.is_alphabetic() {
                word.push(letter);
            } else {
                text.push_str(&capitalized(&word));
                word.clear();
                text.push(letter);
            }
        }
        text.push_str(&capitalized(&word));
        Ok(Value::from(text))
    });
    add("str.swapcase(self, /)", |_, given| {
        let mut text = String::new();
        for letter in given.str("self")?.chars() {
            if letter.is_uppercase() { text.extend(letter.to_lowercase()) } else { text.extend(letter.to_uppercase()) }
        }
        Ok(Value::from(text))
    });
    add("str.strip(self, chars=None, /)", |_, given| strip(given, true, true));
    add("str.lstrip(self, chars=None, /)", |_, given| strip(given, true, false));
    add("str.rstrip(self, chars=None, /)", |_, given| strip(given, false, true));
    add("str.removeprefix(self, prefix, /)", |_, given| {
        let text = given.str("self")?;
        Ok(Value::str(text.strip_prefix(given.str("prefix")?).unwrap_or(text)))
    });
    add("str.removesuffix(self, suffix, /)", |_, given| {
        let text = given.str("self")?;
        Ok(Value::str(text.strip_suffix(given.str("suffix")?).unwrap_or(text)))
    });
    add("str.replace(self, old, new, count=-1, /)", |interpreter, given| {
        let (text, old, new) = (given.str("self")?, given.str("old")?, given.str("new")?);
        let most = usize::try_from(interpreter.index(given.value("count"))?).unwrap_or(usize::MAX);
        let found = text.matches(old).take(most).count();
        interpreter.room_for(found, new.len())?;
        interpreter.room(text.len())?;
        Ok(Value::from(text.replacen(old, new, found)))
    });
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

fn strip(given: &Given, start: bool, end: bool) -> Outcome {
    let text = given.str("self")?;
    let chars = match given.some("chars") {
        Some(_) => Some(given.str("chars")?),
        None => None,
    };
    let is_stripped = |letter: char| match chars {
        Some(chars) => chars.contains(letter),
        None => letter.is_whitespace() || ('\x1c'..='\x1f').contains(&letter),
    };
    let text = if start { text.trim_start_matches(is_stripped) } else { text };
    let text = if end { text.trim_end_matches(is_stripped) } else { text };
    Ok(Value::str(text))
}

fn kinds(add: &dyn Fn(&'static str, Run)) {
    fn all(given: &Given, is: impl Fn(char) -> bool) -> Outcome {
        let text = given.str("self")?;
        Ok(Value::Bool(!text.is_empty() && text.chars().all(is)))
    }
    fn cased(given: &Given, wrong: impl Fn(char) -> bool, right: impl Fn(char) -> bool) -> Outcome {
        let text = given.str("self")?;
        Ok(Value::Bool(text.chars().any(right) && !text.chars().any(wrong)))
    }
    add("str.isdigit(self, /)", |_, given| all(given, |letter| letter.is_ascii_digit()));
    add("str.isdecimal(self, /)", |_, given| all(given, |letter| letter.is_ascii_digit()));
    add("str.isnumeric(self, /)", |_, given| all(given, char::is_numeric));
    add("str.isalpha(self, /)", |_, given| all(given, char::is_alphabetic));
    add("str.isalnum(self, /)", |_, given| all(given, char::is_alphanumeric));
    add("str.isspace(self, /)", |_, given| all(given, char::is_whitespace));
    add("str.isupper(self, /)", |_, given| cased(given, char::is_lowercase, char::is_uppercase));
    add("str.islower(self, /)", |_, given| cased(given, char::is_uppercase, char::is_lowercase));
    add("str.isidentifier(self, /)", |_, given| {
        let text = given.str("self")?;
        let starts = text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
        Ok(Value::Bool(starts && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')))
    });
}

fn search(add: &dyn Fn(&'static str, Run)) {
    add("str.find(self, sub, start=None, end=None, /)", |interpreter, given| {
        Ok(found(interpreter, given, false)?.map_or(Value::Int(-1), Value::size))
    });
    add("str.rfind(self, sub, start=None, end=None, /)", |interpreter, given| {
        Ok(found(interpreter, given, true)?.map_or(Value::Int(-1), Value::size))
    });
    add("str.index(self, sub, start=None, end=None, /)", |interpreter, given| {
        found(interpreter, given, false)?.map(Value::size).ok_or_else(|| Raised::value_error("substring not found"))
    });
    add("str.rindex(self, sub, start=None, end=None, /)", |interpreter, given| {
        found(interpreter, given, true)?.map(Value::size).ok_or_else(|| Raised::value_error("substring not found"))
    });
    add("str.count(self, sub, start=None, end=None, /)", |interpreter, given| {
        let (part, _) = part(interpreter, given)?;
        let sub = given.str("sub")?;
        let count = if sub.is_empty() { part.chars().count() + 1 } else { part.matches(sub).count() };
        Ok(Value::size(count))
    });
    add("str.startswith(self, prefix, start=None, end=None, /)", |interpreter, given| {
        let (part, _) = part(interpreter, given)?;
        ends(given, "prefix", |affix| part.starts_with(affix))
    });
    add("str.endswith(self, suffix, start=None, end=None, /)", |interpreter, given| {
        let (part, _) = part(interpreter, given)?;
        ends(given, "suffix", |affix| part.ends_with(affix))
    });
}

/// The part of the string between `start` and `end`, and where it starts in code points.
fn part(interpreter: &Interpreter, given: &Given) -> Outcome<(String, usize)> {
    let text = given.str("self")?;
    if given.some("start").is_none() && given.some("end").is_none() {
        return Ok((text.to_string(), 0));
    }
    let length = text.chars().count();
    let bound = |name: &str, default: usize| -> Outcome<usize> {
        let Some(value) = given.some(name) else { return Ok(default) };
        let at = interpreter.index(value)?;
        let size = i64::try_from(length).unwrap_or(i64::MAX);
        let at = if at < 0 { at.saturating_add(size).max(0) } else { at };
        Ok(usize::try_from(at).unwrap_or(usize::MAX))
    };
    let (start, end) = (bound("start", 0)?, bound("end", length)?.min(length));
    Ok((text.chars().skip(start).take(end.saturating_sub(start)).collect(), start))
}

fn found(interpreter: &Interpreter, given: &Given, last: bool) -> Outcome<Option<usize>> {
    let (part, start) = part(interpreter, given)?;
    if start > given.str("self")?.chars().count() {
        return Ok(None);
    }
    let sub = given.str("sub")?;
    let at = if last { part.rfind(sub) } else { part.find(sub) };
    Ok(at.map(|at| start + part[..at].chars().count()))
}

fn ends(given: &Given, name: &str, is: impl Fn(&str) -> bool) -> Outcome {
    match given.value(name) {
        Value::Str(affix) => Ok(Value::Bool(is(&affix.text))),
        Value::Tuple(tuple) => Ok(Value::Bool(tuple.items.iter().filter_map(Value::as_str).any(is))),
        _ => Err(given.wrong(name, "a str or a tuple of str")),
    }
}

fn pieces(add: &dyn Fn(&'static str, Run)) {
    add("str.split(self, sep=None, maxsplit=-1)", |interpreter, given| split(interpreter, given, false));
    add("str.rsplit(self, sep=None, maxsplit=-1)", |interpreter, given| split(interpreter, given, true));
    add("str.splitlines(self, keepends=False)", |interpreter, given| {
        let keep = interpreter.truth(given.value("keepends"))?;
        let text = given.str("self")?;
        let mut lines: Vec<String> = Vec::new();
        for line in text.split_inclusive(['\n', '\r']) {
            // A line that ends in "\r\n" comes in two pieces, the second of which is the "\n" alone.
            match lines.last_mut() {
                Some(last) if line == "\n" && last.ends_with('\r') => last.push('\n'),
                _ => lines.push(line.to_string()),
            }
        }
        interpreter.room_for(lines.len(), 128)?;
        let shown = |line: String| if keep { line } else { line.trim_end_matches(['\n', '\r']).to_string() };
        Ok(Value::list(lines.into_iter().map(|line| Value::from(shown(line))).collect()))
    });
    add("str.join(self, iterable, /)", |interpreter, given| {
        let separator = given.str("self")?;
        let mut text = String::new();
        for (at, item) in interpreter.list_of(given.value("iterable"))?.iter().enumerate() {
            interpreter.tick()?;
            let Some(part) = item.as_str() else {
                let message = format!("sequence item {at}: expected str instance, {} found", item.type_name());
                return Err(
                    Raised::type_error(message).with_help("turn each item into text: ''.join(str(x) for x in items)")
                );
            };
            interpreter.room(text.len() + separator.len() + part.len())?;
            text.push_str(if at > 0 { separator } else { "" });
            text.push_str(part);
        }
        Ok(Value::from(text))
    });
    add("str.partition(self, sep, /)", |_, given| {
        let (text, separator) = (given.str("self")?, non_empty(given)?);
        let (before, middle, after) = match text.split_once(separator) {
            Some((before, after)) => (before, separator, after),
            None => (text, "", ""),
        };
        Ok(Value::tuple([before, middle, after].map(Value::from).to_vec()))
    });
    add("str.rpartition(self, sep, /)", |_, given| {
        let (text, separator) = (given.str("self")?, non_empty(given)?);
        let (before, middle, after) = match text.rsplit_once(separator) {
            Some((before, after)) => (before, separator, after),
            None => ("", "", text),
        };
        Ok(Value::tuple([before, middle, after].map(Value::from).to_vec()))
    });
}

fn non_empty(given: &Given) -> Outcome<&str> {
    let separator = given.str("sep")?;
    if separator.is_empty() { Err(Raised::value_error("empty separator")) } else { Ok(separator) }
}

fn split(interpreter: &Interpreter, given: &Given, from_right: bool) -> Outcome {
    let text = given.str("self")?;
    let most = usize::try_from(interpreter.index(given.value("maxsplit"))?).unwrap_or(usize::MAX);
    let limit = most.saturating_add(1);
    let parts: Vec<String> = match given.some("sep") {
        Some(_) => {
            let separator = non_empty(given)?;
            interpreter.room_for(text.matches(separator).count().min(most), 128)?;
            if from_right {
                let mut parts: Vec<String> = text.rsplitn(limit, separator).map(str::to_string).collect();
                parts.reverse();
                parts
            } else {
                text.splitn(limit, separator).map(str::to_string).collect()
            }
        }
        None => {
            interpreter.room_for(text.len() / 2, 128.min(text.len()))?;
            words(text, most, from_right)
        }
    };
    Ok(Value::list(parts.into_iter().map(Value::from).collect()))
}

/// Words between white space, the rest in one piece once enough were split off.
fn words(text: &str, most: usize, from_right: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let cut = if parts.len() >= most {
            None
        } else if from_right {
            rest.rfind(char::is_whitespace).map(|at| {
                let width = rest[at..].chars().next().map_or(1, char::len_utf8);
                (&rest[at + width..], rest[..at].trim_end())
            })
        } else {
            rest.find(char::is_whitespace).map(|at| (&rest[..at], rest[at..].trim_start()))
        };
        let (word, after) = cut.unwrap_or((rest, ""));
        parts.push(word.to_string());
        rest = after;
    }
    if from_right {
        parts.reverse();
    }
    parts
}

fn padding(add: &dyn Fn(&'static str, Run)) {
    add("str.ljust(self, width, fillchar=' ', /)", |interpreter, given| {
        padded(interpreter, given, |missing| (0, missing))
    });
    add("str.rjust(self, width, fillchar=' ', /)", |interpreter, given| {
        padded(interpreter, given, |missing| (missing, 0))
    });
    add("str.center(self, width, fillchar=' ', /)", |interpreter, given| {
        let width = interpreter.index(given.value("width"))?;
        let odd = usize::try_from(width & 1).unwrap_or(0);
        let left = move |missing: usize| missing / 2 + (missing & odd & 1);
        padded(interpreter, given, |missing| (left(missing), missing - left(missing)))
    });
    add("str.zfill(self, width, /)", |interpreter, given| {
        let text = given.str("self")?;
        let missing = missing(interpreter, given)?;
        let (sign, digits) = match text.strip_prefix(['+', '-']) {
            Some(digits) => text.split_at(text.len() - digits.len()),
            None => ("", text),
        };
        Ok(Value::from(format!("{sign}{}{digits}", "0".repeat(missing))))
    });
}

fn missing(interpreter: &Interpreter, given: &Given) -> Outcome<usize> {
    let width = usize::try_from(interpreter.index(given.value("width"))?).unwrap_or(0);
    interpreter.room_for(width, 4)?;
    Ok(width.saturating_sub(given.str("self")?.chars().count()))
}

fn padded(interpreter: &Interpreter, given: &Given, sides: impl Fn(usize) -> (usize, usize)) -> Outcome {
    let fill = given.str("fillchar")?;
    if fill.chars().count() != 1 {
        return Err(Raised::type_error("The fill character must be exactly one character long"));
    }
    let (left, right) = sides(missing(interpreter, given)?);
    Ok(Value::from(format!("{}{}{}", fill.repeat(left), given.str("self")?, fill.repeat(right))))
}
