//! `wrapped`: text in which `#x` is the call `(false)(x, "\0#x")` of [`length`](super::length), which asks `__len` of tables too.
//!
//! Lua 5.1 asks a userdata's `__len` and never a table's; LuaJIT as Torch7 built it, and Lua 5.2, ask both. A false value is called
//! since no function environment, no local and no assignment can get between a text and the metatable of all booleans. The
//! second argument says that the call is ours, and what to name in an error.

use super::{operands::Reader, tokens::Kind};

/// What the second argument begins with: bytes that a call of a boolean by mistake does not pass.
pub(super) const MARK: &[u8] = b"\0#";

/// The text, which must compile, with its lengths as calls; `None` where it has none. All lines keep their numbers.
pub(super) fn wrapped(text: &[u8]) -> Option<Vec<u8>> {
    if !text.contains(&b'#') {
        return None;
    }
    let reader = Reader::new(text);
    // What is written at which byte, and how many bytes it takes the place of.
    let mut changes: Vec<(usize, Vec<u8>, usize)> = Vec::new();
    for at in 0..reader.tokens.len() {
        if !reader.is_sign(at, b'#') {
            continue;
        }
        let Some((end, name)) = operand(&reader, at + 1) else { continue };
        changes.push((reader.tokens[at].place.start, b"(false)(".to_vec(), 1));
        changes.push((reader.tokens[end - 1].place.end, [b",\"\\0#", name.as_slice(), b"\")"].concat(), 0));
    }
    if changes.is_empty() {
        return None;
    }
    // Of the lengths that end at one place, the inner ends first: it begins later.
    changes.reverse();
    changes.sort_by_key(|(place, _, replaced)| (*place, *replaced));
    let mut result = Vec::with_capacity(text.len() + 8 * changes.len());
    let mut copied = 0;
    for (place, written, replaced) in changes {
        result.extend_from_slice(&text[copied..place]);
        result.extend_from_slice(&written);
        copied = place + replaced;
    }
    result.extend_from_slice(&text[copied..]);
    Some(result)
}

/// The token after the operand that begins at `first`, and what an error is to call it. `None` where `#` does what is
/// wanted: a table or string written there has no `__len` of its own, and a function has no length.
fn operand(reader: &Reader<'_>, first: usize) -> Option<(usize, Vec<u8>)> {
    let (mut at, mut is_plain) = (first, true);
    loop {
        while reader.is_sign(at, b'#') || reader.is_sign(at, b'-') || reader.bytes(at) == b"not" {
            (at, is_plain) = (at + 1, false);
        }
        let begin = at;
        let name;
        (at, name) = reader.simple(at)?;
        if !reader.is_sign(at, b'^') {
            let is_literal = is_plain && (reader.is_sign(begin, b'{') || reader.kind(begin) == Some(Kind::Text));
            return (!is_literal).then(|| (at, if is_plain { name } else { Vec::new() }));
        }
        (at, is_plain) = (at + 1, false);
    }
}

#[cfg(test)]
mod tests;
