//! `wrapped`: text in which `#x` is the call `(false)(x, "\0#x")` of [`length`](super::length), which asks `__len` of tables too.
//!
//! Lua 5.1 asks a userdata's `__len` and never a table's; LuaJIT as Torch7 built it, and Lua 5.2, ask both. A false value is called
//! since no function environment, no local and no assignment can get between a text and the metatable of all booleans. The
//! second argument says that the call is ours, and what to name in an error.

use std::ops::Range;

use super::tokens::{Kind, Token, tokens};

/// What the second argument begins with: bytes that a call of a boolean by mistake does not pass.
pub(super) const MARK: &[u8] = b"\0#";

/// Put before the field's name in the second argument where the operand is one.
pub(super) const FIELD: u8 = b'.';

/// What Lua 5.1 calls a field whose key is computed.
const UNKNOWN_FIELD: &[u8] = b"?";

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
        let Some((end, name)) = reader.operand(at + 1) else { continue };
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

/// Finds the ends of operands, by the grammar of Lua 5.1's `subexpr` and `primaryexp`.
struct Reader<'t> {
    text: &'t [u8],
    tokens: Vec<Token>,
    /// For each opening bracket the token after its closing one.
    after: Vec<usize>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t [u8]) -> Reader<'t> {
        let tokens = tokens(text);
        let mut after = vec![0; tokens.len()];
        let mut open = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            match (token.kind, text[token.place.start]) {
                (Kind::Sign, b'(' | b'[' | b'{') => open.push(at),
                (Kind::Sign, b')' | b']' | b'}') => {
                    if let Some(opening) = open.pop() {
                        after[opening] = at + 1;
                    }
                }
                _ => {}
            }
        }
        Reader { text, tokens, after }
    }

    fn bytes(&self, at: usize) -> &'t [u8] {
        self.tokens.get(at).map_or(&[], |token| &self.text[token.place.clone()])
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn is_sign(&self, at: usize, sign: u8) -> bool {
        self.kind(at) == Some(Kind::Sign) && self.bytes(at) == [sign]
    }

    fn after_bracket(&self, at: usize) -> Option<usize> {
        self.after.get(at).copied().filter(|after| *after > 0)
    }

    /// The token after the operand that begins at `first`, and what an error is to call it. `None` where `#` does what is
    /// wanted: a table or string written there has no `__len` of its own, and a function has no length.
    fn operand(&self, first: usize) -> Option<(usize, Vec<u8>)> {
        let (mut at, mut is_plain) = (first, true);
        loop {
            while self.is_sign(at, b'#') || self.is_sign(at, b'-') || self.bytes(at) == b"not" {
                (at, is_plain) = (at + 1, false);
            }
            let begin = at;
            let name;
            (at, name) = self.simple(at)?;
            if !self.is_sign(at, b'^') {
                let is_literal = is_plain && (self.is_sign(begin, b'{') || self.kind(begin) == Some(Kind::Text));
                return (!is_literal).then(|| (at, if is_plain { name } else { Vec::new() }));
            }
            (at, is_plain) = (at + 1, false);
        }
    }

    /// The end of a literal, or of a name or a bracketed expression with what follows it, and its name.
    fn simple(&self, at: usize) -> Option<(usize, Vec<u8>)> {
        let word = self.bytes(at);
        match self.kind(at)? {
            Kind::Number | Kind::Text => Some((at + 1, Vec::new())),
            Kind::Sign if word == b"..." => Some((at + 1, Vec::new())),
            Kind::Sign if word == b"{" => Some((self.after_bracket(at)?, Vec::new())),
            Kind::Sign if word == b"(" => self.suffixes(self.after_bracket(at)?, Vec::new()),
            Kind::Sign => None,
            Kind::Word => match word {
                b"nil" | b"true" | b"false" => Some((at + 1, Vec::new())),
                b"function" => None,
                _ => self.suffixes(at + 1, word.to_vec()),
            },
        }
    }

    fn suffixes(&self, mut at: usize, mut name: Vec<u8>) -> Option<(usize, Vec<u8>)> {
        loop {
            (at, name) = match (self.kind(at), self.bytes(at)) {
                (Some(Kind::Sign), b".") => (at + 2, field(self.bytes(at + 1))),
                (Some(Kind::Sign), b"[") => {
                    let after = self.after_bracket(at)?;
                    (after, field(self.constant(at + 1..after - 1).unwrap_or(UNKNOWN_FIELD)))
                }
                // The arguments after the name are the next suffix.
                (Some(Kind::Sign), b":") => (at + 2, Vec::new()),
                (Some(Kind::Sign), b"(" | b"{") => (self.after_bracket(at)?, Vec::new()),
                (Some(Kind::Text), _) => (at + 1, Vec::new()),
                _ => return (at <= self.tokens.len()).then_some((at, name)),
            };
        }
    }

    /// The letters of a key that is one plain string.
    fn constant(&self, key: Range<usize>) -> Option<&'t [u8]> {
        let quoted = self.bytes(key.start);
        let is_string =
            key.len() == 1 && self.kind(key.start) == Some(Kind::Text) && quoted.len() > 1 && quoted[0] != b'[';
        let letters = is_string.then(|| &quoted[1..quoted.len() - 1])?;
        letters
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' '))
            .then_some(letters)
    }
}

fn field(name: &[u8]) -> Vec<u8> {
    [&[FIELD], name].concat()
}

#[cfg(test)]
mod tests;
