//! `Shown`: a picture with its file and its content in words.

use serde::Serialize;

use super::picture::Picture;

/// A picture and the file it goes into, below the report's folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Relative path, such as `layers/03-linear-weights.png`.
    pub file: String,
    /// Its content in words.
    pub alt: String,
    /// The pixels.
    #[serde(skip)]
    pub picture: Picture,
}
