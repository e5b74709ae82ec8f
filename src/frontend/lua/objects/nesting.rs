//! `Nesting`: how deep and how wide a table of the user's may be when Rust walks through it.
//!
//! A file can nest a table in itself, a hundred thousand deep, or so that a few tables stand for 2⁶⁰ entries. Rust's stack and
//! memory end before that, so every walk over nested tables counts its way.

use crate::error::{Error, Kind, Result};

/// Tables inside one another, at most.
const DEEPEST: usize = 100;
/// Entries of one walk, at most.
const MOST: usize = 1 << 17;

/// One walk over nested tables.
#[derive(Debug, Default)]
pub(in crate::frontend::lua) struct Nesting {
    depth: usize,
    entries: usize,
}

impl Nesting {
    /// Goes into a table of `len` entries; `what` names the whole.
    ///
    /// # Errors
    /// When it lies too deep, or too much has been walked over.
    pub(in crate::frontend::lua) fn enter(&mut self, len: usize, what: &str) -> Result<()> {
        self.entries = self.entries.saturating_add(len).saturating_add(1);
        if self.depth >= DEEPEST {
            return Err(Error::new(Kind::Argument, format!("{what} is nested more than {DEEPEST} tables deep"))
                .with_help("does a table contain itself?"));
        }
        if self.entries > MOST {
            return Err(Error::new(Kind::Argument, format!("{what} has more than {MOST} entries in its tables")));
        }
        self.depth += 1;
        Ok(())
    }

    /// Comes back out of it.
    pub(in crate::frontend::lua) fn leave(&mut self) {
        self.depth -= 1;
    }
}
