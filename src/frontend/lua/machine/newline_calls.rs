//! `joined`: text in which no call's bracket begins a line.
//!
//! Lua 5.1 refuses `f` and, on the next line, `(x)` as ambiguous; LuaJIT as Torch7 built it, and Lua 5.2, take it as the call
//! `f(x)`. Lines mean nothing else in Lua, so a bracket that is moved up behind the word before it is all that is needed.

/// Lua 5.1's complaint.
pub(super) const COMPLAINT: &str = "ambiguous syntax (function call x new statement)";

/// The text with each `(` that begins a line moved to the end of the line before, in front of a comment there. All lines keep
/// their numbers.
pub(super) fn joined(text: &[u8]) -> Vec<u8> {
    // Where brackets go, and where they were; both ascend.
    let mut moved: Vec<(usize, usize)> = Vec::new();
    // The end of the last token, and whether its line is over.
    let (mut end, mut is_over, mut at) = (None, false, 0);
    while at < text.len() {
        let next = match text[at] {
            b'\n' => {
                is_over = true;
                at += 1;
                continue;
            }
            space if space.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if text[at..].starts_with(b"--") => {
                let after = long_bracket(text, at + 2).unwrap_or_else(|| line_end(text, at));
                is_over |= text[at..after].contains(&b'\n');
                at = after;
                continue;
            }
            quote @ (b'"' | b'\'') => string_end(text, at + 1, quote),
            b'[' => long_bracket(text, at).unwrap_or(at + 1),
            _ => at + 1,
        };
        if let (b'(', true, Some(end)) = (text[at], is_over, end) {
            moved.push((end, at));
        }
        (end, is_over, at) = (Some(next), false, next);
    }
    let mut result = Vec::with_capacity(text.len() + moved.len());
    let mut copied = 0;
    for (to, from) in moved {
        result.extend_from_slice(&text[copied..to]);
        result.push(b'(');
        result.extend_from_slice(&text[to..from]);
        result.push(b' ');
        copied = from + 1;
    }
    result.extend_from_slice(&text[copied..]);
    result
}

fn line_end(text: &[u8], from: usize) -> usize {
    text[from..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| from + length)
}

fn string_end(text: &[u8], mut at: usize, quote: u8) -> usize {
    while at < text.len() && text[at] != quote {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// The end of `[[…]]` or `[==[…]==]` that begins at `at`, the text's where it has none.
fn long_bracket(text: &[u8], at: usize) -> Option<usize> {
    let level = text.get(at + 1..)?.iter().take_while(|byte| **byte == b'=').count();
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
