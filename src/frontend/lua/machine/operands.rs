//! `Reader`: where the operands and the expressions of a Lua text end.

use std::ops::Range;

use super::tokens::{Kind, Token, tokens};

/// Put before a name that is a field's.
pub(super) const FIELD: u8 = b'.';

/// What Lua 5.1 calls a field whose key is computed.
const UNKNOWN_FIELD: &[u8] = b"?";

/// Finds ends by the grammar of Lua 5.1's `subexpr` and `primaryexp`; a place is a token's number.
pub(super) struct Reader<'t> {
    pub(super) text: &'t [u8],
    pub(super) tokens: Vec<Token>,
    /// For each opening bracket the token after its closing one.
    after: Vec<usize>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t [u8]) -> Reader<'t> {
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

    /// The bytes of a token, none behind the last one.
    pub(super) fn bytes(&self, at: usize) -> &'t [u8] {
        self.tokens.get(at).map_or(&[], |token| &self.text[token.place.clone()])
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    pub(super) fn is_sign(&self, at: usize, sign: u8) -> bool {
        self.kind(at) == Some(Kind::Sign) && self.bytes(at) == [sign]
    }

    /// The token after the bracket that closes the one at `at`.
    pub(super) fn after_bracket(&self, at: usize) -> Option<usize> {
        self.after.get(at).copied().filter(|after| *after > 0)
    }

    /// The end of a literal, or of a name or a bracketed expression with what follows it, and its name.
    pub(super) fn simple(&self, at: usize) -> Option<(usize, Vec<u8>)> {
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
                (Some(Kind::Sign), b":") if self.kind(at + 1) == Some(Kind::Word) => (at + 2, Vec::new()),
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

    /// The token after the expression that begins at `at`; `None` where no expression is.
    pub(super) fn expression_end(&self, mut at: usize) -> Option<usize> {
        loop {
            while self.is_sign(at, b'#') || self.is_sign(at, b'-') || self.bytes(at) == b"not" {
                at += 1;
            }
            at = if self.bytes(at) == b"function" { self.function_end(at)? } else { self.simple(at)?.0 };
            at += match (self.bytes(at), self.bytes(at + 1)) {
                (b"<" | b">" | b"=" | b"~", b"=") => 2,
                (b"and" | b"or" | b".." | b"+" | b"-" | b"*" | b"/" | b"%" | b"^" | b"<" | b">", _) => 1,
                _ => return Some(at),
            };
        }
    }

    /// The token after the `end` of the function that begins at `at`.
    fn function_end(&self, mut at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        while at < self.tokens.len() {
            if self.kind(at) == Some(Kind::Word) {
                match self.bytes(at) {
                    b"function" | b"do" | b"if" | b"repeat" => depth += 1,
                    b"end" | b"until" => depth = depth.checked_sub(1)?,
                    _ => {}
                }
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
        None
    }
}

fn field(name: &[u8]) -> Vec<u8> {
    [&[FIELD], name].concat()
}
