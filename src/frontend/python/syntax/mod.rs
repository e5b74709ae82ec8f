//! Source text to syntax tree: the parser crate stays in this folder, and so do the pages of what is not Python 3.

mod expressions;
mod lowering;
mod nesting;
mod remedy;
mod scopes;
mod statements;

use std::{path::Path, rc::Rc};

use rustpython_ruff_python_ast::PythonVersion;
use rustpython_ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use self::lowering::Lowering;
use super::tree::{Code, SourceText};
use crate::{
    error::Result,
    input::{self, Form},
};

/// Native stack for the parser and for making the tree: nesting is bounded before either starts.
const STACK: usize = 64 << 20;

/// Reads a file; `name` is what the user calls it.
///
/// # Errors
/// `Kind::Python` with file, line and the likely remedy when it is not Python 3 or uses what network files have no use
/// for; `Kind::Limit` when it is nested too deep; `Kind::Network` when it is larger than a file may be.
pub(super) fn parse(name: &str, text: &str) -> Result<Rc<Code>> {
    input::check_length(Path::new(name), text.len() as u64, Form::Python)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Rc::new(SourceText::new(name, text.replace("\r\n", "\n").replace('\r', "\n")));
    nesting::check(&source)?;
    stacker::grow(STACK, || {
        let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY313);
        let parsed = parse_unchecked(source.text(), options);
        let words = parsed.errors().first().map(|error| (error.location, error.error.to_string()));
        let too_new = || parsed.unsupported_syntax_errors().first().map(|error| (error.range, error.to_string()));
        if let Some((range, words)) = words.or_else(too_new) {
            return Err(remedy::page(&source, range, &words, parsed.tokens()));
        }
        let syntax = parsed.into_syntax();
        let module = syntax.as_module().expect("Mode::Module yields a module");
        Lowering::new(source).module(&module.body)
    })
}
