//! `joined`: text in which no call's bracket begins a line.
//!
//! Lua 5.1 refuses `f` and, on the next line, `(x)` as ambiguous; LuaJIT as Torch7 built it, and Lua 5.2, take it as the call
//! `f(x)`. Lines mean nothing else in Lua, so a bracket that is moved up behind the word before it is all that is needed.

use super::tokens::tokens;

/// Lua 5.1's complaint.
pub(super) const COMPLAINT: &str = "ambiguous syntax (function call x new statement)";

/// The text with each `(` that begins a line moved to the end of the line before, in front of a comment there. All lines keep
/// their numbers.
pub(super) fn joined(text: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len() + 16);
    let mut copied = 0;
    for pair in tokens(text).windows(2) {
        let (to, from) = (pair[0].place.end, pair[1].place.start);
        if text[from] == b'(' && text[to..from].contains(&b'\n') {
            result.extend_from_slice(&text[copied..to]);
            result.push(b'(');
            result.extend_from_slice(&text[to..from]);
            result.push(b' ');
            copied = from + 1;
        }
    }
    result.extend_from_slice(&text[copied..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        String::from_utf8(joined(text.as_bytes())).unwrap()
    }

    #[test]
    fn brackets_that_begin_a_line_move_up_and_nothing_else() {
        assert_eq!(text("f\n(x)"), "f(\n x)");
        assert_eq!(text("f() -- a (comment\n\n  (g)(1)"), "f()( -- a (comment\n\n   g)(1)");
        assert_eq!(text("f 'a\\'\\\n(' --[[ x\n(\n]] (y)"), "f 'a\\'\\\n('( --[[ x\n(\n]]  y)");
        assert_eq!(text("(f)()\nx = [=[\n(]] ]=] (1)"), "(f)()\nx = [=[\n(]] ]=] (1)");
        assert_eq!(text("f\n(\n(1))"), "f(\n (\n 1))");
        for same in ["", "(", "f(x)\ny = 1", "'open\n(", "[[open\n(", "a[\n1]"] {
            assert_eq!(text(same), same);
        }
    }
}
