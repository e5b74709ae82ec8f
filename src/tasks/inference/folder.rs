//! The folder that a test's results go into.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    error::{Error, Result},
    inspect::files::NamedBytes,
    job,
};

/// What a test wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The folder, as an absolute path where there is one.
    pub folder: PathBuf,
    /// Names below it, the page first.
    pub files: Vec<String>,
}

impl Written {
    /// The path of the page.
    #[must_use]
    pub fn page(&self) -> PathBuf {
        self.files.first().map_or_else(|| self.folder.clone(), |page| self.folder.join(page))
    }
}

/// Where results about `subject` go: `out`, or `test-NAME` inside the job.
#[must_use]
pub fn place(out: Option<&Path>, job: &Path, subject: &Path) -> PathBuf {
    out.map_or_else(|| job.join(format!("test-{}", name(subject.file_stem()))), Path::to_path_buf)
}

/// The name of a file or folder, for titles.
pub(super) fn title(subject: &Path) -> String {
    name(subject.file_name())
}

fn name(part: Option<&std::ffi::OsStr>) -> String {
    part.map_or_else(|| "image".into(), |name| name.to_string_lossy().into_owned())
}

/// Makes `folder`, with those above it.
pub(super) fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| Error::io("make the folder", folder, &source))
}

/// Writes the files, each whole or not at all.
pub(super) fn write(folder: &Path, files: Vec<NamedBytes>) -> Result<Written> {
    make(folder)?;
    let mut names = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(&name);
        if let Some(above) = path.parent().filter(|above| *above != folder) {
            make(above)?;
        }
        job::replace(&path, &bytes)?;
        names.push(name);
    }
    Ok(Written { folder: std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf()), files: names })
}
