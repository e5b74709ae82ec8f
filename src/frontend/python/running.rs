//! A function that runs, and the note of it that an exception takes along.

use std::{cell::Cell, rc::Rc};

use super::tree::{Code, SourceText};

/// A function that runs: whose, and where it is.
pub(super) struct Running {
    pub(super) code: Rc<Code>,
    pub(super) line: Cell<u32>,
}

impl Running {
    /// What an exception notes of it.
    pub(super) fn passed(&self) -> Passed {
        let code = &self.code;
        Passed { function: Rc::clone(&code.qualified), line: self.line.get(), source: Rc::clone(&code.source) }
    }
}

/// One call that an exception left.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub(super) function: Rc<str>,
    pub(super) line: u32,
    pub(super) source: Rc<SourceText>,
}
