//! What the server leaves in a job's folder beside what the run writes there.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
    job::{self, file},
    tasks::train::{Resume, Train},
};

/// What is to be run, while it waits.
pub(crate) const REQUEST: &str = "request.json";
/// The same, once its process has taken it.
pub(crate) const STARTED: &str = file::STARTED;
/// What the process said on standard output and error.
pub(crate) const CONSOLE: &str = "console.txt";
/// The error that ended the process, in parts.
pub(crate) const ERROR_PAGE: &str = "error.json";

/// What is to be run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobRequest {
    /// A new training.
    Begin(Train),
    /// One to go on with.
    Resume(Resume),
}

impl JobRequest {
    /// What waits in the folder, or was taken from there.
    #[must_use]
    pub(crate) fn read(folder: &Path, name: &str) -> Option<JobRequest> {
        serde_json::from_slice(&input::read(&folder.join(name), Form::Record).ok()?).ok()
    }

    /// Puts it there to wait; the folder is made.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn put(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(|source| Error::io("make the job folder", folder, &source))?;
        let text = serde_json::to_vec_pretty(self)
            .map_err(|cause| Error::new(Kind::Usage, "a path is no text").with_cause(cause.to_string()))?;
        job::replace(&folder.join(REQUEST), &text)
    }

    /// Takes what waits: whoever comes second finds nothing.
    ///
    /// # Errors
    /// `Kind::Job` when nothing waits, or it is damaged.
    pub(crate) fn take(folder: &Path) -> Result<JobRequest> {
        let (from, to) = (folder.join(REQUEST), folder.join(STARTED));
        std::fs::rename(&from, &to).map_err(|source| Error::io("take", &from, &source))?;
        JobRequest::read(folder, STARTED).ok_or_else(|| {
            Error::new(Kind::Job, format!("{} is damaged", to.display())).with_help("start the job anew from its form")
        })
    }
}
