//! `Settings`: what a network file says beside its network.

use serde::Serialize;

use super::{language::Language, source::Source};

/// The numbers of a file; `None` where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The file's language, which decides whose solvers are meant.
    pub language: Language,
    /// `trainBatchSize`
    pub train_batch_size: Option<i64>,
    /// `validationBatchSize`
    pub validation_batch_size: Option<i64>,
    /// `croplen`: side of the square that is cut from each image.
    pub croplen: Option<i64>,
}

impl Settings {
    /// What is known before the file has run.
    #[must_use]
    pub fn before(source: &Source) -> Settings {
        Settings { language: source.language(), ..Settings::default() }
    }
}
