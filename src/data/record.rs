//! `Sample`: one record of a dataset, decoded.

use super::planes::Planes;

/// What a record should be turned into.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The record's own integer.
    Label(i32),
    /// The record of the same key in the label database.
    Planes(Planes),
}

/// One record, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The image `[c, h, w]`.
    pub image: Planes,
    /// The label.
    pub target: Target,
}
