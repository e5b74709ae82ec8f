//! `Tower`: what one stage of a network built in the graph.

use crate::frontend::tensorflow::state::{Summary, Symbol};

/// What becomes of a gradient.
#[derive(Debug, Clone, Copy)]
pub struct GradientChange {
    /// Of which variable.
    pub variable: Symbol,
    /// The gradient as the file gets it: a placeholder; `None` where the loss has none.
    pub gradient: Option<Symbol>,
    /// The gradient that the optimiser gets; without one it leaves the variable as it is.
    pub result: Option<Symbol>,
}

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
    /// What `gradientUpdate` makes of the gradients of each loss; empty where there is none.
    pub updates: Vec<Vec<GradientChange>>,
    /// Numbers that the stage wants to be logged, by tag.
    pub scalars: Vec<(String, Symbol)>,
    /// Images and histograms that it wants to be seen.
    pub views: Vec<Summary>,
}
