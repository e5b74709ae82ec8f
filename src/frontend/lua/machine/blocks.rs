//! `Blocks`: the blocks of a Lua text, what jumps in them and to where, and the semicolons that are statements of their own.
//!
//! A place is a token's number. The text need not be Lua 5.1; where its blocks do not close there is nothing to read.

use std::ops::Range;

use super::{operands::Reader, tokens::Kind};

/// Nested deeper, Lua's own compiler gives up.
const DEEPEST: usize = 200;

/// Tokens of a function's name, `a.b.c:d`.
const LONGEST_NAME: usize = 200;

/// Words that no label can have.
const KEYWORDS: [&[u8]; 21] = [
    b"and",
    b"break",
    b"do",
    b"else",
    b"elseif",
    b"end",
    b"false",
    b"for",
    b"function",
    b"if",
    b"in",
    b"local",
    b"nil",
    b"not",
    b"or",
    b"repeat",
    b"return",
    b"then",
    b"true",
    b"until",
    b"while",
];

/// A list of statements: the text's, a function's, or one of a compound statement.
pub(super) struct Block {
    /// The statement that it is a part of; none for a text or a function.
    pub(super) compound: Option<usize>,
    /// Its tokens, without the words around them.
    pub(super) tokens: Range<usize>,
    /// The first name of each `local` that stands right in it.
    pub(super) locals: Vec<usize>,
}

/// What a compound statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    If,
    Do,
    /// `while` and `for`.
    Loop,
    Repeat,
}

/// `if`, `do`, `while`, `for` or `repeat`, from its first token to its last.
pub(super) struct Compound {
    pub(super) form: Form,
    pub(super) first: usize,
    pub(super) last: usize,
    /// The block that it stands in.
    pub(super) block: usize,
    /// The first token of its body.
    pub(super) body: usize,
}

impl Compound {
    /// Whether `break` ends it.
    pub(super) fn is_loop(&self) -> bool {
        matches!(self.form, Form::Loop | Form::Repeat)
    }
}

/// A `break`, or a `goto` with the place of its label's name behind it.
pub(super) struct Jump {
    pub(super) at: usize,
    pub(super) block: usize,
    pub(super) label: Option<usize>,
}

/// `::name::`, five tokens.
pub(super) struct Label {
    pub(super) at: usize,
    pub(super) block: usize,
}

/// How many tokens a label has.
pub(super) const LABEL: usize = 5;

/// What [`blocks`] found.
#[derive(Default)]
pub(super) struct Blocks {
    pub(super) blocks: Vec<Block>,
    pub(super) compounds: Vec<Compound>,
    pub(super) jumps: Vec<Jump>,
    pub(super) labels: Vec<Label>,
    /// Semicolons that end no statement.
    pub(super) empty: Vec<usize>,
    /// Whether every block is closed.
    pub(super) is_whole: bool,
}

/// What is open at a token.
#[derive(Clone, Copy)]
enum Open {
    Block(usize),
    /// Between `if`, `while`, `for` and the word that begins the body.
    Header(usize),
    Bracket,
}

/// The blocks of a text; what was found up to there where they do not close.
pub(super) fn blocks(reader: &Reader<'_>) -> Blocks {
    let mut found = Parser { reader, open: Vec::new(), blocks: Blocks::default() };
    found.begin(None, 0);
    found.blocks.is_whole = found.run().is_some();
    found.blocks
}

struct Parser<'r> {
    reader: &'r Reader<'r>,
    open: Vec<Open>,
    blocks: Blocks,
}

impl Parser<'_> {
    /// `None` where the blocks do not close.
    fn run(&mut self) -> Option<()> {
        let mut at = 0;
        while let Some(kind) = self.reader.kind(at) {
            if self.open.len() > DEEPEST {
                return None;
            }
            at = match kind {
                Kind::Word => self.word(at)?,
                Kind::Sign => self.sign(at)?,
                Kind::Number | Kind::Text => at + 1,
            };
        }
        self.end(at)?;
        self.open.is_empty().then_some(())
    }

    /// The block that a statement may begin in.
    fn block(&self) -> Option<usize> {
        match self.open.last() {
            Some(Open::Block(block)) => Some(*block),
            _ => None,
        }
    }

    fn begin(&mut self, compound: Option<usize>, first: usize) {
        self.open.push(Open::Block(self.blocks.blocks.len()));
        self.blocks.blocks.push(Block { compound, tokens: first..first, locals: Vec::new() });
    }

    /// Ends the innermost block before a token; the statement that it is a part of.
    fn end(&mut self, at: usize) -> Option<Option<usize>> {
        let Some(Open::Block(block)) = self.open.pop() else { return None };
        self.blocks.blocks[block].tokens.end = at;
        Some(self.blocks.blocks[block].compound)
    }

    fn compound(&mut self, form: Form, at: usize) -> Option<usize> {
        let block = self.block()?;
        self.blocks.compounds.push(Compound { form, first: at, last: at, block, body: at + 1 });
        Some(self.blocks.compounds.len() - 1)
    }

    fn word(&mut self, at: usize) -> Option<usize> {
        match self.reader.bytes(at) {
            b"if" => {
                let compound = self.compound(Form::If, at)?;
                self.open.push(Open::Header(compound));
            }
            b"while" | b"for" => {
                let compound = self.compound(Form::Loop, at)?;
                self.open.push(Open::Header(compound));
            }
            b"repeat" => {
                let compound = self.compound(Form::Repeat, at)?;
                self.begin(Some(compound), at + 1);
            }
            b"do" => match self.open.last() {
                Some(Open::Header(compound)) => {
                    let compound = *compound;
                    self.open.pop();
                    self.blocks.compounds[compound].body = at + 1;
                    self.begin(Some(compound), at + 1);
                }
                _ => {
                    let compound = self.compound(Form::Do, at)?;
                    self.begin(Some(compound), at + 1);
                }
            },
            b"then" => {
                let Some(Open::Header(compound)) = self.open.pop() else { return None };
                self.begin(Some(compound), at + 1);
            }
            b"elseif" => {
                let compound = self.end(at)??;
                self.open.push(Open::Header(compound));
            }
            b"else" => {
                let compound = self.end(at)??;
                self.begin(Some(compound), at + 1);
            }
            b"end" => {
                if let Some(compound) = self.end(at)? {
                    self.blocks.compounds[compound].last = at;
                }
            }
            b"until" => {
                let compound = self.end(at)??;
                self.blocks.compounds[compound].last = self.reader.expression_end(at + 1)? - 1;
            }
            b"function" => {
                let bracket = (at + 1..at + LONGEST_NAME).find(|at| self.reader.is_sign(*at, b'('))?;
                let body = self.reader.after_bracket(bracket)?;
                self.begin(None, body);
                return Some(body);
            }
            b"local" => {
                let name = if self.reader.bytes(at + 1) == b"function" { at + 2 } else { at + 1 };
                let block = self.block()?;
                self.blocks.blocks[block].locals.push(name);
            }
            b"break" => {
                let block = self.block()?;
                self.blocks.jumps.push(Jump { at, block, label: None });
            }
            b"goto" if self.is_goto(at) => {
                let block = self.block()?;
                self.blocks.jumps.push(Jump { at, block, label: Some(at + 1) });
                return Some(at + 2);
            }
            _ => {}
        }
        Some(at + 1)
    }

    /// `goto` is a name, too, in texts of Lua 5.1: it is none before another name.
    fn is_goto(&self, at: usize) -> bool {
        let is_field = at > 0
            && (self.reader.is_sign(at - 1, b'.')
                || self.reader.is_sign(at - 1, b':') && !(at > 1 && self.reader.is_sign(at - 2, b':')));
        !is_field && self.block().is_some() && self.is_name(at + 1)
    }

    fn is_name(&self, at: usize) -> bool {
        self.reader.kind(at) == Some(Kind::Word) && !KEYWORDS.contains(&self.reader.bytes(at))
    }

    fn sign(&mut self, at: usize) -> Option<usize> {
        match self.reader.bytes(at) {
            b"(" | b"[" | b"{" => self.open.push(Open::Bracket),
            b")" | b"]" | b"}" => {
                let Some(Open::Bracket) = self.open.pop() else { return None };
            }
            b";" => {
                if let Some(block) = self.block() {
                    let is_first = self.blocks.blocks[block].tokens.start == at;
                    let is_after_label = self.blocks.labels.last().is_some_and(|label| label.at + LABEL == at);
                    if is_first || is_after_label || self.reader.is_sign(at - 1, b';') {
                        self.blocks.empty.push(at);
                    }
                }
            }
            b":" if self.is_label(at) => {
                if let Some(block) = self.block() {
                    self.blocks.labels.push(Label { at, block });
                    return Some(at + LABEL);
                }
            }
            _ => {}
        }
        Some(at + 1)
    }

    fn is_label(&self, at: usize) -> bool {
        let pair = |at| {
            self.reader.is_sign(at, b':')
                && self.reader.is_sign(at + 1, b':')
                && self.reader.tokens[at].place.end == self.reader.tokens[at + 1].place.start
        };
        pair(at) && self.is_name(at + 2) && pair(at + 3)
    }
}
