//! `escaped`: text of users' files without characters that a terminal obeys.

use std::{borrow::Cow, fmt::Write};

/// Whether a terminal or a viewer obeys this character instead of showing it: control characters but line feed and tab, and
/// those that turn the direction of what follows.
fn is_obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// The text with such characters written out: `\x1b[2J`, `\u{202e}`. A carriage return before a line feed goes.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        let _ = match c {
            '\r' => write!(shown, "\\r"),
            c if is_obeyed(c) && u32::from(c) < 0x100 => write!(shown, "\\x{:02x}", u32::from(c)),
            c if is_obeyed(c) => write!(shown, "\\u{{{:x}}}", u32::from(c)),
            c => write!(shown, "{c}"),
        };
    }
    shown.into()
}

/// The same for a text in JSON, which stays the same JSON: such characters stand in strings only.
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_obeyed) {
        return json.into();
    }
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        let _ = if is_obeyed(c) { write!(shown, "\\u{:04x}", u32::from(c)) } else { write!(shown, "{c}") };
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out_and_nothing_else() {
        assert!(matches!(escaped("tab\tline\nümläut – ✓"), Cow::Borrowed(_)));
        assert_eq!(escaped("\x1b[2J\x07a\rb\r\nc\u{9b}1m\u{202e}\x7f"), "\\x1b[2J\\x07a\\rb\nc\\x9b1m\\u{202e}\\x7f");
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({"print": "\x1b[2J\u{9b}\u{202e} ü"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = escaped_json(&text);
        assert!(!shown.contains(is_obeyed) && shown.contains("\\u009b\\u202e ü"), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
