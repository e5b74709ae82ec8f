//! `Pages`: the pages that a `pcall` handed to Lua as text, to be found again when that text comes back.

use std::collections::VecDeque;

use crate::error::Error;

/// Pages kept for text that a `pcall` handed to Lua.
const REMEMBERED: usize = 32;

/// Pages that went through a `pcall`, by the text that Lua saw.
#[derive(Debug, Default)]
pub(in crate::frontend::lua) struct Pages(VecDeque<(String, Error)>);

impl Pages {
    pub(in crate::frontend::lua) fn remember(&mut self, text: &str, page: &Error) {
        self.0.retain(|(known, _)| known != text);
        self.0.push_front((text.to_string(), page.clone()));
        self.0.truncate(REMEMBERED);
    }

    pub(in crate::frontend::lua) fn find(&self, text: &str) -> Option<Error> {
        self.0.iter().find(|(known, _)| known == text).map(|(_, page)| page.clone())
    }
}
