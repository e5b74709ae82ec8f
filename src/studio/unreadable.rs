//! What the framework and serde say of a request that they cannot read, as a page in the house's words.

use axum::Json;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::BODY;
use crate::{
    error::{Error, Kind},
    frontend::lua::suggest::closest,
};

/// Fields that a page names at most.
const NAMED: usize = 12;
/// Letters of a value that a page repeats.
const SHOWN: usize = 60;

/// What the framework says before serde's words.
const FRONTS: [&str; 2] =
    ["Failed to deserialize the JSON body into the target type: ", "Failed to deserialize query string: "];

/// Serde's words alone, of those that the framework refused a request with.
fn cause(words: &str) -> &str {
    without_place(FRONTS.iter().find_map(|front| words.strip_prefix(front)).unwrap_or(words))
}

/// A part of a form whose other fields other parts read. What is wrong names its field, which serde's flattened and tagged
/// types forget.
///
/// # Errors
/// Serde's words for the first field that cannot be read, behind the field's name.
pub(crate) fn part<T: DeserializeOwned, E: serde::de::Error>(fields: &Value) -> Result<T, E> {
    let read = Json::<T>::from_bytes(fields.to_string().as_bytes());
    read.map(|Json(part)| part).map_err(|refused| E::custom(cause(&refused.body_text())))
}

/// The page of a request that the framework refused with these words.
pub(crate) fn page(words: &str) -> Error {
    if FRONTS.iter().any(|front| words.starts_with(front)) {
        return field(cause(words));
    }
    let usage = |message: &str| Error::new(Kind::Usage, message);
    if let Some(cause) = words.strip_prefix("Failed to parse the request body as JSON: ") {
        return match without_place(cause).rsplit_once("number out of range") {
            Some((path, _)) => usage(&format!("{} is too large", named(path.trim_end_matches([':', ' ']))))
                .with_fact("it must be", "a number that 64 bits hold"),
            None => usage("the body is no JSON").with_cause(cause),
        };
    }
    if words.starts_with("Expected request with `Content-Type: application/json`") {
        return usage("the body is not said to be JSON").with_help("send it with Content-Type: application/json");
    }
    if words.contains("length limit exceeded") {
        return usage("the body is too large").with_fact("at most", format!("{} MiB", BODY >> 20));
    }
    if let Some(cause) = words.strip_prefix("Invalid URL: ") {
        return usage("the address has a part that this route cannot read").with_cause(cause);
    }
    usage(words)
}

/// The page of a field that serde could not read: its words begin with the way to the field, where that is known.
pub(crate) fn field(words: &str) -> Error {
    // A part that was read by itself has a way of its own, behind that to the part.
    let (mut ways, mut cause) = (Vec::new(), without_place(words));
    while let Some((way, rest)) = cause.split_once(": ").filter(|(way, _)| !way.contains(' ')) {
        ways.extend(Some(way).filter(|way| *way != "."));
        cause = rest;
    }
    let path = ways.join(".");
    let path = path.as_str();
    let page = |message: String| Error::new(Kind::Usage, message);
    if let Some(rest) = cause.strip_prefix("unknown field ") {
        let (name, known) = rest.split_once(", expected ").unwrap_or((rest, ""));
        let (name, known) = (unquoted(name), list(known));
        // The way to an unknown field ends with it.
        let page = page(format!("{} is no field of this request", short(if path.is_empty() { name } else { path })));
        return match closest(name, known.iter().copied()) {
            Some(near) => page.with_help(format!("did you mean {near}?")),
            None if known.is_empty() => page,
            None if known.len() <= NAMED => page.with_fact("it has", known.join(", ")),
            None => page.with_help("GET /api/openapi.json names all fields"),
        };
    }
    if let Some(name) = cause.strip_prefix("missing field ") {
        let name = unquoted(name);
        let way = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        return page(format!("{way} is missing")).with_help(format!("send {name} too"));
    }
    if let Some(rest) = cause.strip_prefix("unknown variant ") {
        let (given, known) = rest.split_once(", expected ").unwrap_or((rest, ""));
        return page(format!("{} is '{}'", named(path), short(unquoted(given))))
            .with_fact("it must be", format!("one of {}", list(known).join(", ")));
    }
    let wrong =
        ["invalid type: ", "invalid value: ", "invalid length "].iter().find_map(|kind| cause.strip_prefix(kind));
    if let Some((given, wanted)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) {
        return page(format!("{} is {}", named(path), value(given))).with_fact("it must be", kind(wanted));
    }
    let said = match cause {
        "invalid digit found in string" | "cannot parse integer from empty string" => "a whole number of at least 0",
        "invalid float literal" | "cannot parse float from empty string" => "a number",
        "provided string was not `true` or `false`" => "true or false",
        cause if cause.starts_with("number too ") => "a number that 64 bits hold",
        _ if path.is_empty() => return page(short(cause)),
        _ => return page(format!("{} cannot be read", named(path))).with_cause(cause),
    };
    page(format!("{} cannot be read", named(path))).with_fact("it must be", said)
}

/// Without serde's place in the text, which a client that sends a struct cannot use.
fn without_place(words: &str) -> &str {
    words.rfind(" at line ").map_or(words, |at| &words[..at])
}

fn named(path: &str) -> String {
    if path.is_empty() { "a value of the request".into() } else { short(path) }
}

/// What serde calls a value: `floating point `1e99``, `string "x"`, `null`.
fn value(given: &str) -> String {
    match given {
        "map" => "an object".into(),
        "sequence" => "a list".into(),
        given => match given.split_once(['`', '"']) {
            Some((_, rest)) => short(rest.trim_end_matches(['`', '"'])),
            None => short(given),
        },
    }
}

/// What serde wants, in words.
fn kind(wanted: &str) -> String {
    match wanted {
        "u64" | "u32" | "u16" | "u8" | "usize" => "a whole number of at least 0".into(),
        "i64" | "i32" | "i16" | "isize" => "a whole number".into(),
        "f64" | "f32" => "a number".into(),
        "a string" | "string" | "a borrowed string" => "a text".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "an object".into(),
        wanted if wanted.starts_with("struct ") || wanted.contains("enum") => "an object".into(),
        wanted => wanted.into(),
    }
}

fn unquoted(word: &str) -> &str {
    word.trim_matches('`')
}

/// The words of ``one of `a`, `b` `` or `` `a` or `b` ``.
fn list(words: &str) -> Vec<&str> {
    words.split('`').skip(1).step_by(2).collect()
}

fn short(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect::<String>().escape_debug().to_string();
    if text.chars().nth(SHOWN).is_some() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::studio::jobs::create::NewJob;

    /// What a client is told of this form of a new job.
    fn told(form: &Value) -> String {
        match Json::<NewJob>::from_bytes(form.to_string().as_bytes()) {
            Ok(_) => "read".into(),
            Err(refused) => {
                let page = page(&refused.body_text()).to_string().replace("usage error: ", "");
                page.replace("must be      ", "must be  ")
            }
        }
    }

    #[test]
    fn no_word_of_serde_s_reaches_a_client() {
        let with = |options: Value| told(&json!({"text": "x", "options": options}));
        let number = "\n\n  it must be  a whole number of at least 0";
        assert_eq!(with(json!({"epochs": 1e99})), format!("options.epochs is 1e+99{number}"));
        assert_eq!(with(json!({"epochs": -1})), format!("options.epochs is -1{number}"));
        assert_eq!(with(json!({"epochs": "3"})), format!("options.epochs is 3{number}"));
        assert_eq!(with(json!({"epochs": [3]})), format!("options.epochs is a list{number}"));
        assert!(
            with(json!({"epoch": 3}))
                .contains("options.epoch is no field of this request\n\n  help: did you mean epochs?")
        );
        assert!(with(json!({"aug_flip": "no"})).starts_with("options.aug_flip is 'no'\n\n  it must be  one of none, "));
        assert_eq!(told(&json!({})), "text is missing\n\n  help: send text too");
        assert_eq!(told(&json!("x")), "a value of the request is x\n\n  it must be  an object");
        assert_eq!(told(&json!({"text": "x", "lr": [0.1, null]})), "lr[1] is null\n\n  it must be  a number");
        assert!(told(&json!({"text": "x", "name": 3})).contains("it must be  a text"));
        let huge = Json::<NewJob>::from_bytes(br#"{"text": "x", "lr": [1e999]}"#).unwrap_err().body_text();
        assert!(page(&huge).to_string().contains("too large"), "{huge}: {}", page(&huge));
        for words in ["count: invalid digit found in string", "count: number too large to fit in target type"] {
            let page = page(&format!("Failed to deserialize query string: {words}")).to_string();
            assert!(page.contains("count cannot be read") && page.contains("it must be"), "{page}");
        }
    }
}
