//! The page of text that is not Python 3: the line, what is wrong with it, and what was probably meant.

use std::rc::Rc;

use rustpython_ruff_python_ast::token::{TokenKind, Tokens};
use rustpython_ruff_text_size::{Ranged as _, TextRange};

use crate::{
    error::{Error, Kind},
    frontend::python::tree::SourceText,
};

/// Letters that look like ones of Python, as copying from web pages and word processors leaves them.
const LOOKALIKES: &[(char, &str, &str)] = &[
    ('\u{201c}', "a typographic quotation mark", "\""),
    ('\u{201d}', "a typographic quotation mark", "\""),
    ('\u{201e}', "a typographic quotation mark", "\""),
    ('\u{ab}', "a typographic quotation mark", "\""),
    ('\u{bb}', "a typographic quotation mark", "\""),
    ('\u{2018}', "a typographic apostrophe", "'"),
    ('\u{2019}', "a typographic apostrophe", "'"),
    ('\u{b4}', "an accent", "'"),
    ('\u{a0}', "a non-breaking space", "a plain space"),
    ('\u{2007}', "a space of another kind", "a plain space"),
    ('\u{2009}', "a thin space", "a plain space"),
    ('\u{202f}', "a non-breaking space", "a plain space"),
    ('\u{3000}', "a wide space", "a plain space"),
    ('\u{200b}', "an invisible space", "nothing"),
    ('\u{200c}', "an invisible letter", "nothing"),
    ('\u{200d}', "an invisible letter", "nothing"),
    ('\u{2060}', "an invisible letter", "nothing"),
    ('\u{ad}', "an invisible hyphen", "nothing"),
    ('\u{feff}', "a byte order mark", "nothing"),
    ('\u{2013}', "a dash", "-"),
    ('\u{2014}', "a dash", "-"),
    ('\u{2212}', "a minus sign of typography", "-"),
    ('\u{d7}', "a multiplication sign", "*"),
    ('\u{ff08}', "a wide bracket", "("),
    ('\u{ff09}', "a wide bracket", ")"),
    ('\u{ff0c}', "a wide comma", ","),
    ('\u{ff1a}', "a wide colon", ":"),
];

/// `range` is where the parser stopped, `words` what it said.
pub(super) fn page(source: &Rc<SourceText>, range: TextRange, words: &str, tokens: &Tokens) -> Error {
    let offset = range.start().to_usize().min(source.text().len());
    let mut line = source.line_at(offset);
    let mut message = capitals(words);
    let mut name = "SyntaxError";
    let unindented = words.contains("ndent");
    if let Some((open, letter)) =
        unclosed(tokens).filter(|(open, _)| source.line_at(*open) < line || words.contains("EOF"))
    {
        line = source.line_at(open);
        message = format!("'{letter}' was never closed");
    } else if offset == source.start_of(line) && line > 1 && !unindented && source.line(line).trim().is_empty() {
        // Just behind the end of a line means the end of that line.
        line -= 1;
    }
    let text = source.line(line);
    let mut help = None;
    if let Some((letter, what, plain)) = lookalike(text) {
        let code = u32::from(letter);
        message = format!("{what} (U+{code:04X}) stands where Python wants {plain}");
        help = Some("retype it: such letters come from web pages and word processors".to_string());
    } else if unindented {
        name = "IndentationError";
        help = Some(indentation_help(source, line));
        if text.starts_with([' ', '\t']) && mixes_tabs(source) {
            name = "TabError";
            message = "this file indents with tabs in some lines and with spaces in others".into();
        }
    } else if let Some((better, advice)) = python_2(text) {
        message = better.map_or(message, str::to_string);
        help = Some(advice);
    } else if let Some(advice) = habit(text, &message) {
        help = Some(advice);
    }
    let column = offset.saturating_sub(source.start_of(source.line_at(offset)));
    let origin = source.origin(line);
    let page = Error::new(Kind::Python, format!("{name}: {message}")).at(Some(&origin));
    let page = if source.line_at(offset) == line && column > 0 && column < text.len() {
        let before = text.get(..column).map_or(column, |before| before.chars().count());
        page.with_fact("at column", (before + 1).to_string())
    } else {
        page
    };
    match help {
        Some(help) => page.with_help(help),
        None => page,
    }
}

/// The first letter small, as pages have it.
fn capitals(message: &str) -> String {
    let mut letters = message.chars();
    match letters.next() {
        Some(first) if !message.starts_with("EOF") => first.to_lowercase().chain(letters).collect(),
        _ => message.to_string(),
    }
}

/// The innermost bracket that stays open at the end of the file.
fn unclosed(tokens: &Tokens) -> Option<(usize, char)> {
    let mut open = Vec::new();
    for token in tokens.iter() {
        match token.kind() {
            TokenKind::Lpar => open.push((token.range().start().to_usize(), '(')),
            TokenKind::Lsqb => open.push((token.range().start().to_usize(), '[')),
            TokenKind::Lbrace => open.push((token.range().start().to_usize(), '{')),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

fn lookalike(text: &str) -> Option<(char, &'static str, &'static str)> {
    // Within a comment such letters do no harm; within quotes the parser would not have stopped here.
    let code = text.split('#').next().unwrap_or_default();
    LOOKALIKES.iter().copied().find(|(letter, _, _)| code.contains(*letter))
}

fn mixes_tabs(source: &SourceText) -> bool {
    let starts = |letter| source.text().lines().any(|line| line.starts_with(letter));
    let both = source.text().lines().any(|line| {
        let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        indent.contains(' ') && indent.contains('\t')
    });
    both || (starts(' ') && starts('\t'))
}

fn indentation_help(source: &SourceText, line: u32) -> String {
    if mixes_tabs(source) {
        return "replace every tab at the start of a line by spaces: they look alike but count differently".into();
    }
    let before = (1..line).rev().map(|at| source.line(at)).find(|text| !text.trim().is_empty()).unwrap_or_default();
    if before.trim_end().ends_with(':') {
        format!("indent this line below `{}`", before.trim())
    } else {
        "align this line with the statement above it".into()
    }
}

/// What was right in Python 2: a better message, and what to write.
fn python_2(text: &str) -> Option<(Option<&'static str>, String)> {
    let code = text.trim();
    let after = |word: &str| code.strip_prefix(word).filter(|rest| rest.starts_with([' ', '"', '\''])).map(str::trim);
    if let Some(rest) = after("print").filter(|rest| !rest.starts_with('=')) {
        return Some((Some("`print` is a function in Python 3"), format!("write print({rest})")));
    }
    if after("exec").is_some() {
        return Some((
            Some("`exec` is a function in Python 3, and not one that runs here"),
            "take this line out".into(),
        ));
    }
    if let Some(rest) = code.strip_prefix("except ").and_then(|rest| rest.strip_suffix(':'))
        && let Some((class, name)) = rest.rsplit_once(',')
    {
        return Some((
            Some("Python 3 names the exception with `as`"),
            format!("write except {} as {}:", class.trim(), name.trim()),
        ));
    }
    if let Some((class, words)) = after("raise").and_then(|rest| rest.split_once(',')) {
        return Some((
            Some("Python 3 raises one exception, made with its message"),
            format!("write raise {}({})", class.trim(), words.trim()),
        ));
    }
    if code.contains("<>") {
        return Some((Some("`<>` was Python 2's way to write `!=`"), "write != in its place".into()));
    }
    if code.contains('`') {
        return Some((None, "a backquote has no meaning in Python 3: repr(x) shows a value".into()));
    }
    let bytes = code.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let word =
        |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.');
    for (at, byte) in bytes.iter().enumerate() {
        if (*byte == b'L' || *byte == b'l') && at > 0 && digit(at - 1) && !word(at + 1) {
            return Some((Some("integers have no L behind them in Python 3"), "take the L out".into()));
        }
        if *byte == b'0' && digit(at + 1) && (at == 0 || !word(at - 1)) {
            return Some((None, "a number does not start with 0 in Python 3: octal ones start with 0o".into()));
        }
    }
    None
}

/// What other languages, or a slip, would have written.
fn habit(text: &str, message: &str) -> Option<String> {
    let code = text.split('#').next().unwrap_or_default().trim();
    let first = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
    let opens = ["if", "elif", "else", "for", "while", "def", "class", "with", "try", "except", "finally"];
    Some(match first {
        "local" | "function" | "require" | "end" if !code.contains('=') || first == "local" => {
            "this looks like Lua: give a Lua network as a .lua file".into()
        }
        _ if code.starts_with("--") => "this looks like Lua: give a Lua network as a .lua file".into(),
        "else" if code.starts_with("else if") => "write elif".into(),
        "elseif" | "elsif" => "write elif".into(),
        _ if code.contains("&&") || code.contains("||") => "write `and`, `or` and `not`".into(),
        "if" | "elif" | "while" if message.contains("`=`") => "comparing is written ==".into(),
        word if opens.contains(&word) && message.contains("`:`") => {
            "a line that opens a block ends with a colon".into()
        }
        _ if code.contains("++") || code.ends_with("--") => "write x += 1".into(),
        _ if code.contains('!') && !code.contains("!=") => "write `not`".into(),
        _ if message.contains("missing closing quote") => "close the string on the line where it starts".into(),
        _ => return None,
    })
}
