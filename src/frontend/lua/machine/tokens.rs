//! `tokens`: the words and signs of a Lua text with their places, for the changes that are made to a text before it is compiled.
//!
//! The lexer trusts the compiler: it gives right tokens for every text that compiles, and some tokens for every other.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    Number,
    /// A string in quotes or long brackets.
    Text,
    /// `...`, `..` or one character; `==` and its like come as two.
    Sign,
}

/// One token and the bytes that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) place: Range<usize>,
}

/// The tokens of a text in order, without space and comments.
pub(super) fn tokens(text: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (kind, end) = match text[at] {
            b'-' if rest.starts_with(b"--") => {
                at = long_bracket(text, at + 2).unwrap_or_else(|| line_end(text, at));
                continue;
            }
            space if is_space(space) => {
                at += 1;
                continue;
            }
            quote @ (b'"' | b'\'') => (Kind::Text, string_end(text, at + 1, quote)),
            b'[' => long_bracket(text, at).map_or((Kind::Sign, at + 1), |end| (Kind::Text, end)),
            letter if is_letter(letter) => {
                (Kind::Word, at + run(rest, |byte| is_letter(byte) || byte.is_ascii_digit()))
            }
            digit if digit.is_ascii_digit() || digit == b'.' && rest.get(1).is_some_and(u8::is_ascii_digit) => {
                (Kind::Number, number_end(text, at))
            }
            b'.' => (Kind::Sign, at + run(rest, |byte| byte == b'.').min(3)),
            _ => (Kind::Sign, at + 1),
        };
        tokens.push(Token { kind, place: at..end });
        at = end;
    }
    tokens
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// How many bytes from the start fit.
fn run(text: &[u8], fits: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| fits(**byte)).count()
}

/// Digits and points, an exponent with its sign, and whatever letters follow: as Lua 5.1 reads a number.
fn number_end(text: &[u8], at: usize) -> usize {
    let mut end = at + run(&text[at..], |byte| byte.is_ascii_digit() || byte == b'.');
    if let [b'e' | b'E', rest @ ..] = &text[end..] {
        end += 1 + usize::from(matches!(rest, [b'+' | b'-', ..]));
    }
    end + run(&text[end..], |byte| is_letter(byte) || byte.is_ascii_digit())
}

fn line_end(text: &[u8], from: usize) -> usize {
    from + run(&text[from..], |byte| !matches!(byte, b'\n' | b'\r'))
}

fn string_end(text: &[u8], mut at: usize, quote: u8) -> usize {
    while at < text.len() && text[at] != quote {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// The end of `[[…]]` or `[==[…]==]` that begins at `at`, the text's where it has none.
fn long_bracket(text: &[u8], at: usize) -> Option<usize> {
    let level = run(text.get(at + 1..)?, |byte| byte == b'=');
    if text.get(at) != Some(&b'[') || text.get(at + 1 + level) != Some(&b'[') {
        return None;
    }
    let closing = [&b"]"[..], &vec![b'='; level], b"]"].concat();
    let body = at + level + 2;
    let length = text[body..].windows(closing.len()).position(|window| window == closing);
    Some(length.map_or(text.len(), |length| body + length + closing.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        tokens(text.as_bytes()).into_iter().map(|token| &text[token.place]).collect()
    }

    #[test]
    fn a_text_is_split_as_lua_splits_it() {
        assert_eq!(split("a.b1 = 0x1F..'x'"), ["a", ".", "b1", "=", "0x1F", "..", "'x'"]);
        assert_eq!(split("1e-5-.5 ..#t ...,_x"), ["1e-5", "-", ".5", "..", "#", "t", "...", ",", "_x"]);
        assert_eq!(
            split("t[[a]] t[ [==[\n]]]==] ] --[[ #\n]]x--[ #\r#"),
            ["t", "[[a]]", "t", "[", "[==[\n]]]==]", "]", "x", "#"]
        );
        assert_eq!(split(r#"'\'#' "\\"x"#), [r"'\'#'", r#""\\""#, "x"]);
        assert_eq!(split("'open"), ["'open"]);
        assert_eq!(split("[[open"), ["[[open"]);
        assert_eq!(split("a\u{b}\u{c}\0b"), ["a", "\0", "b"]);
    }
}
