//! `replace`: a file written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::error::{Error, Result};

/// The end of the name of a file that is being written.
pub(super) const TEMPORARY: &str = ".partial";

/// A file in the making: what is written goes into a temporary file beside it, which [`Replacement::finish`] gives its name.
/// Dropped before that, it leaves the old file as it was.
#[derive(Debug)]
pub struct Replacement<'a> {
    path: &'a Path,
    temporary: PathBuf,
    file: File,
}

impl<'a> Replacement<'a> {
    /// Opens the temporary file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn begin(path: &'a Path) -> io::Result<Replacement<'a>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!("{name}{TEMPORARY}"));
        let file = File::create(&temporary)?;
        Ok(Replacement { path, temporary, file })
    }

    /// Puts the new file into the old one's place: fsync, rename. Readers see the old file or the new one, never a part.
    ///
    /// # Errors
    /// When the disk refuses; the old file is then intact.
    pub fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, self.path)?;
        // The rename itself is on the disk only when the folder is.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

impl Write for Replacement<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Replacement<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary); // gone already when it has its name
    }
}

/// Writes `path`: a temporary file beside it, fsync, rename.
///
/// # Errors
/// When the disk refuses; the old file is then intact.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut replacement = Replacement::begin(path)?;
        replacement.write_all(bytes)?;
        replacement.finish()
    };
    write().map_err(|source| Error::io("write", path, &source))
}

/// As [`replace`], the value as JSON.
pub(super) fn replace_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).expect("job records have string keys only");
    text.push('\n');
    replace(path, text.as_bytes())
}
