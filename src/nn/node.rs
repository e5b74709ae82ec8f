//! `Node`: a module at its place in the network: its path, its printed form, the line that built it.

use std::fmt;

use super::{Activity, Context, Module};
use crate::error::{Kind, Origin, Result};

/// A module and what is known about its place.
pub struct Node {
    /// Path from the root, 1-based as in Lua: `` for the root, `3` or `2.1` below it.
    pub path: String,
    /// The class, such as `nn.Linear`.
    pub class: String,
    /// The printed form of a leaf (`nn.Linear(784 -> 300)`); of a container, its class.
    pub label: String,
    /// The line of the network file that constructed the module, when known.
    pub origin: Option<Origin>,
    /// Indices into [`super::Parameters::list`] of the module's own parameters.
    pub parameters: Vec<usize>,
    /// The function itself.
    pub module: Box<dyn Module>,
}

impl Node {
    /// The output for `input`. Errors get the module's place; the observer sees the result.
    ///
    /// # Errors
    /// The module's own, with its path and origin.
    pub fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let output = self.module.forward(input, cx).map_err(|error| {
            let error = error.at(self.origin.as_ref()).in_module(self.title());
            match error.kind() {
                Kind::Torch => error.with_fact("it was given", input.shape()),
                _ => error,
            }
        })?;
        cx.observe(self, input, &output);
        Ok(output)
    }

    /// `(3) nn.Linear(784 -> 300)`, or `model: nn.Sequential` for the root: one step of the path in an error page.
    #[must_use]
    pub fn title(&self) -> String {
        match self.path.rsplit('.').next() {
            None | Some("") => format!("model: {}", self.label),
            Some(index) => format!("({index}) {}", self.label),
        }
    }

    /// This node and everything below it, a container before its children.
    #[must_use]
    pub fn walk(&self) -> Vec<&Node> {
        let mut nodes = vec![self];
        for child in self.module.children() {
            nodes.extend(child.walk());
        }
        nodes
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at '{}'", self.label, self.path)
    }
}
