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

/// In a folder of results: the absolute path of what was tested.
const SUBJECT: &str = "subject.txt";
/// So many subjects of one name have folders of their own.
const NAMESAKES: u32 = 1000;

/// Where results about `subject` go: `out`, or `test-NAME` inside the job; `test-NAME-2` and so on where that holds results
/// about another file of the name.
#[must_use]
pub fn place(out: Option<&Path>, job: &Path, subject: &Path) -> PathBuf {
    if let Some(out) = out {
        return out.to_path_buf();
    }
    let first = job.join(format!("test-{}", name(subject.file_stem())));
    let own = absolute(subject);
    let is_free =
        |folder: &PathBuf| std::fs::read_to_string(folder.join(SUBJECT)).map_or(true, |of| of.trim_end() == own);
    let further = (2..NAMESAKES).map(|n| job.join(format!("test-{}-{n}", name(subject.file_stem()))));
    [first.clone()].into_iter().chain(further).find(is_free).unwrap_or(first)
}

/// Notes what the results in `folder` are about.
///
/// # Errors
/// When the disk refuses.
pub(super) fn note_subject(folder: &Path, subject: &Path) -> Result<()> {
    job::replace(&folder.join(SUBJECT), (absolute(subject) + "\n").as_bytes())
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).to_string_lossy().into_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_images_of_one_name_have_two_folders_and_each_its_own_again() {
        let job = tempfile::tempdir().unwrap();
        let at = |subject: &str| place(None, job.path(), Path::new(subject));
        let first = at("a/7.png");
        assert_eq!(first, job.path().join("test-7"));
        make(&first).unwrap();
        note_subject(&first, Path::new("a/7.png")).unwrap();
        let second = at("b/7.png");
        assert_eq!(second, job.path().join("test-7-2"));
        make(&second).unwrap();
        note_subject(&second, Path::new("b/7.png")).unwrap();
        assert_eq!((at("a/7.png"), at("b/7.png"), at("7.jpg")), (first, second, job.path().join("test-7-3")));
    }
}
