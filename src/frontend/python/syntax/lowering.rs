//! `Lowering`: the state while a tree is made of the parser's: the source, and the blocks that are open.

use std::{collections::HashSet, rc::Rc};

use rustpython_ruff_text_size::{Ranged, TextSize};

use crate::{
    error::{Error, Kind},
    frontend::python::tree::{Block, SourceText},
};

/// One open block of code.
pub(super) struct Scope {
    pub(super) block: Block,
    /// `UserModel.inference.` in front of what is defined here.
    pub(super) prefix: String,
    /// The class whose `__private` names these are.
    pub(super) class: Option<Rc<str>>,
    /// Names of the slots: parameters and variables, then what is captured.
    pub(super) slots: Vec<Rc<str>>,
    /// How many of them are its own.
    pub(super) own: usize,
    pub(super) shared: HashSet<usize>,
    pub(super) captures: Vec<usize>,
    /// In a class body: the names that it binds.
    pub(super) class_names: HashSet<Rc<str>>,
    pub(super) globals: HashSet<Rc<str>>,
    /// Loops around the statement that is being read.
    pub(super) loops: usize,
}

/// The state while a tree is made.
pub(super) struct Lowering {
    pub(super) source: Rc<SourceText>,
    pub(super) scopes: Vec<Scope>,
}

impl Lowering {
    pub(super) fn new(source: Rc<SourceText>) -> Lowering {
        Lowering { source, scopes: Vec::new() }
    }

    /// The line on which a node starts.
    pub(super) fn line(&self, node: &impl Ranged) -> u32 {
        self.line_at(node.range().start())
    }

    /// The line on which a node ends.
    pub(super) fn last_line(&self, node: &impl Ranged) -> u32 {
        self.line_at(node.range().end())
    }

    pub(super) fn line_at(&self, offset: TextSize) -> u32 {
        self.source.line_at(offset.to_usize())
    }

    /// A page about a construct that is Python, but not of the part that runs here.
    pub(super) fn unsupported(&self, node: &impl Ranged, what: &str, help: &str) -> Error {
        Error::new(Kind::Python, format!("{what} is not among what runs in a network file"))
            .at(Some(&self.source.origin(self.line(node))))
            .with_help(help)
    }

    /// A page about what no Python accepts.
    pub(super) fn syntax_error(&self, node: &impl Ranged, message: &str) -> Error {
        Error::new(Kind::Python, format!("SyntaxError: {message}")).at(Some(&self.source.origin(self.line(node))))
    }
}
