//! Refuses source whose nesting would exhaust the native stack: counted over tokens, before the parser recurses.

use std::rc::Rc;

use rustpython_ruff_python_ast::token::TokenKind;
use rustpython_ruff_python_parser::{Mode, lexer};

use crate::{
    error::{Error, Kind, Result},
    frontend::python::tree::SourceText,
};

/// Blocks within blocks, as in CPython.
const BLOCKS: usize = 100;

/// Operations within one another in one expression: brackets, and operators in a row.
const DEPTH: usize = 1000;

/// Brackets within brackets, as in CPython.
const BRACKETS: usize = 200;

/// What one pair of brackets holds so far.
#[derive(Default)]
struct Level {
    /// Operators since the last comma: each may nest in the one before.
    operators: usize,
    /// Commas separate a lambda's parameters as well: from the first one on they close nothing.
    has_lambda: bool,
}

pub(super) fn check(source: &Rc<SourceText>) -> Result<()> {
    let mut lexer = lexer::lex(source.text(), Mode::Module);
    let (mut levels, mut depth, mut blocks, mut line) = (vec![Level::default()], 0_usize, 0_usize, 0_usize);
    loop {
        let top = levels.len() - 1;
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Indent => blocks += 1,
            TokenKind::Dedent => blocks = blocks.saturating_sub(1),
            TokenKind::Newline | TokenKind::Semi => {
                line += 1;
                levels = vec![Level::default()];
                depth = 0;
            }
            TokenKind::Comma if !levels[top].has_lambda => {
                depth -= levels[top].operators;
                levels[top].operators = 0;
            }
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace | TokenKind::FStringStart => {
                levels.push(Level { operators: 1, has_lambda: false });
                depth += 1;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace | TokenKind::FStringEnd => {
                if top > 0 {
                    depth -= levels.pop().map_or(0, |level| level.operators);
                }
                // A call or an index: `f()()()` nests although its brackets do not.
                let top = levels.len() - 1;
                levels[top].operators += 1;
                depth += 1;
            }
            TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline => {}
            other => {
                levels[top].has_lambda |= other == TokenKind::Lambda;
                levels[top].operators += 1;
                depth += 1;
            }
        }
        let too_deep = [(blocks, BLOCKS, "blocks"), (levels.len(), BRACKETS, "brackets"), (depth, DEPTH, "operations")];
        if let Some((_, most, what)) = too_deep.into_iter().find(|(count, most, _)| count > most) {
            return Err(Error::new(Kind::Limit, format!("more than {most} {what} are nested in one another"))
                .at(Some(&source.origin(line_of_statement(source.text(), line))))
                .with_help("a network file nests a few levels: build long lists in a loop"));
        }
    }
}

/// Roughly the line on which the statement after `ended` others starts: the tokens that are counted carry no places.
fn line_of_statement(text: &str, ended: usize) -> u32 {
    let code = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let at = text.lines().enumerate().filter(|(_, line)| code(line)).nth(ended).map_or(0, |(at, _)| at);
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}
