//! `About`: what a person says about a job or a dataset: its name, its group, notes.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    input::{self, Form},
    job,
};

/// Its file in the folder.
pub(crate) const FILE: &str = "about.json";

/// What a person says about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct About {
    /// Its name.
    pub(crate) name: Option<String>,
    /// Jobs of one group stand together.
    pub(crate) group: Option<String>,
    /// Free text.
    pub(crate) notes: String,
}

impl About {
    /// What stands in the folder; nothing where nothing does.
    #[must_use]
    pub(crate) fn read(folder: &Path) -> About {
        let bytes = input::read(&folder.join(FILE), Form::Record).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes it into the folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("strings only");
        job::replace(&folder.join(FILE), &text)
    }
}
