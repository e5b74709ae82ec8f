//! `Place`: where a dataset lies, before it is opened.

use std::path::PathBuf;

use super::dataset::{Dataset, Parts};
use crate::error::Result;

/// Where a dataset lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A dataset folder.
    Folder(PathBuf),
    /// Databases anywhere.
    Parts(Parts),
}

impl Place {
    /// Opens it.
    ///
    /// # Errors
    /// Those of [`Dataset::open`] and [`Dataset::from_parts`].
    pub fn open(&self) -> Result<Dataset> {
        match self {
            Place::Folder(folder) => Dataset::open(folder),
            Place::Parts(parts) => Dataset::from_parts(parts),
        }
    }
}
