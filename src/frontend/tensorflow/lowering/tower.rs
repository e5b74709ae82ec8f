//! `Tower`: what one stage of a network built in the graph.

use crate::frontend::tensorflow::state::Symbol;

/// What one stage of a network built in the graph.
#[derive(Debug, Clone)]
pub struct Tower {
    /// The images `[n, h, w, c]`.
    pub images: Symbol,
    /// The labels, where the stage has them.
    pub labels: Option<Symbol>,
    /// `inference`: one tensor, or a list.
    pub outputs: Vec<Symbol>,
    /// `loss`: each with the variables that it teaches, or `None` for all.
    pub losses: Vec<(Symbol, Option<Vec<Symbol>>)>,
    /// What is added to the reported loss besides regularisation, such as entries of `tf.losses`.
    pub reported: Vec<Symbol>,
    /// Numbers that the stage wants to be logged, by tag.
    pub scalars: Vec<(String, Symbol)>,
}
