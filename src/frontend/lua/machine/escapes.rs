//! `decimal`: text in which the escapes of strings that LuaJIT reads and Lua 5.1 does not are written as Lua 5.1 reads them.
//!
//! `\x41` is `\065`, and `\z`, which skips the white space behind it, goes with that space. Lua 5.1 takes both for plain letters and
//! says nothing, so that a script's coloured output would be garbage.

use super::tokens::{Kind, tokens};

/// The text with such escapes rewritten; `None` where it has none. What follows a string stays on its line.
pub(super) fn decimal(text: &[u8]) -> Option<Vec<u8>> {
    if !text.windows(2).any(|pair| matches!(pair, [b'\\', b'x' | b'z'])) {
        return None;
    }
    let mut result = Vec::with_capacity(text.len());
    let mut copied = 0;
    for token in tokens(text).into_iter().filter(|token| token.kind == Kind::Text && text[token.place.start] != b'[') {
        result.extend_from_slice(&text[copied..token.place.start]);
        copied = token.place.end;
        rewrite(&text[token.place], &mut result);
    }
    result.extend_from_slice(&text[copied..]);
    (result != text).then_some(result)
}

/// One string in quotes.
fn rewrite(string: &[u8], result: &mut Vec<u8>) {
    let (mut at, mut lines) = (0, 0);
    while at < string.len() {
        match &string[at..] {
            [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0);
                result.extend_from_slice(format!("\\{:03}", digit(*high) * 16 + digit(*low)).as_bytes());
                at += 4;
            }
            [b'\\', b'z', rest @ ..] => {
                let skipped = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
                lines += rest[..skipped].iter().filter(|byte| **byte == b'\n').count();
                at += 2 + skipped;
            }
            [b'\\', next, ..] => {
                result.extend_from_slice(&[b'\\', *next]);
                at += 2;
            }
            rest => {
                result.push(rest[0]);
                at += 1;
            }
        }
    }
    result.extend(std::iter::repeat_n(b'\n', lines));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luajit_s_escapes_are_written_as_lua_5_1_reads_them() {
        let written = |text: &str| decimal(text.as_bytes()).map(|text| String::from_utf8(text).unwrap());
        assert_eq!(written(r#"print("\x1b[0m", '\x4A\n')"#).unwrap(), r#"print("\027[0m", '\074\n')"#);
        assert_eq!(written("x = 'a\\z  \n  b' + 1").unwrap(), "x = 'ab'\n + 1");
        assert_eq!(written(r#""\xg1" [[\x41]] -- "\x41""#), None);
        assert_eq!(written(r#""\\x41""#), None);
        assert_eq!(written("'a\\nb'"), None);
    }
}
