//! `rewritten`: text of the Lua that LuaJIT with 5.2's additions compiles, as Lua 5.1 compiles it: `goto` and labels, `break` in the
//! middle of a block, statements that are a lone `;`, hexadecimal exponents.
//!
//! It is asked about texts only of which Lua 5.1 has complained. Every line keeps its number.

use super::{
    blocks::{Blocks, LABEL, blocks},
    gotos::{self, Change},
    numerals::{Numeral, numeral},
    operands::Reader,
};

/// Jumps that leave many loops are asked for behind each: a text may grow, but not to any size.
const MOST_GROWTH: usize = 16;

/// What a text is for Lua 5.1.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Newer {
    /// The same program.
    Text(Vec<u8>),
    /// No program: the line, and what is wrong with it.
    Wrong(usize, String),
}

/// What Lua 5.1 is to compile in place of the text; `None` where nothing in it is newer.
pub(super) fn rewritten(text: &[u8]) -> Option<Newer> {
    let reader = Reader::new(text);
    let found = blocks(&reader);
    let wrong = |at: usize, words: String| Some(Newer::Wrong(line(&text[..reader.tokens[at].place.start]), words));
    let mut changes = if found.is_whole {
        match gotos::changes(&reader, &found) {
            Ok(changes) => changes,
            Err(complaint) => return wrong(complaint.at, complaint.words),
        }
    } else {
        without_jumps(&found)
    };
    changes.extend(found.empty.iter().map(|at| Change::Instead(*at, 1, " ".into())));
    for at in 0..reader.tokens.len() {
        match numeral(&reader, at) {
            Some(Numeral::Decimal(tokens, number)) => changes.push(Change::Instead(at, tokens, number)),
            Some(Numeral::Foreign(words)) => return wrong(at, words),
            None => {}
        }
    }
    if changes.is_empty() {
        return None;
    }
    match changed(&reader, changes) {
        Some(text) => Some(Newer::Text(text)),
        None => wrong(0, "too many jumps out of nested loops".into()),
    }
}

/// Of a text whose blocks do not close, all but the jumps: Lua 5.1 complains of what is left.
fn without_jumps(found: &Blocks) -> Vec<Change> {
    let jumps = found.jumps.iter().filter(|jump| jump.label.is_some());
    let jumps = jumps.map(|jump| Change::Instead(jump.at, 2, "do end".into()));
    jumps.chain(found.labels.iter().map(|label| Change::Instead(label.at, LABEL, " ".into()))).collect()
}

/// The number of the line behind a text.
fn line(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// `None` when the text would grow too much.
fn changed(reader: &Reader<'_>, changes: Vec<Change>) -> Option<Vec<u8>> {
    let mut before = Vec::new();
    let mut instead = Vec::new();
    for change in changes {
        match change {
            Change::Before(at, order, text) => before.push((at, order, text)),
            Change::Instead(at, tokens, text) => instead.push((at, tokens, text)),
        }
    }
    before.sort();
    instead.sort();
    let text = reader.text;
    let (mut before, mut instead) = (before.into_iter().peekable(), instead.into_iter().peekable());
    let (mut result, mut copied, mut at) = (Vec::with_capacity(2 * text.len()), 0, 0);
    loop {
        while let Some((_, _, written)) = before.next_if(|(place, ..)| *place <= at) {
            result.extend_from_slice(written.as_bytes());
        }
        let Some(token) = reader.tokens.get(at) else { break };
        if let Some((_, tokens, written)) = instead.next_if(|(place, ..)| *place == at) {
            let end = reader.tokens[at + tokens - 1].place.end;
            result.extend_from_slice(&text[copied..token.place.start]);
            result.extend_from_slice(written.as_bytes());
            result.extend(text[token.place.start..end].iter().filter(|byte| **byte == b'\n'));
            (copied, at) = (end, at + tokens);
        } else {
            result.extend_from_slice(&text[copied..token.place.end]);
            (copied, at) = (token.place.end, at + 1);
        }
        if result.len() > MOST_GROWTH * text.len() + 4096 {
            return None;
        }
    }
    result.extend_from_slice(&text[copied..]);
    Some(result)
}

#[cfg(test)]
mod tests;
