//! `replace`: a file written whole or not at all.

use std::{fs::File, io::Write, path::Path};

use serde::Serialize;

use crate::error::{Error, Result};

/// The end of the name of a file that is being written.
pub(super) const TEMPORARY: &str = ".partial";

/// Writes `path`: a temporary file beside it, fsync, rename. Readers see the old file or the new one, never a part.
///
/// # Errors
/// When the disk refuses; the old file is then intact.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!("{name}{TEMPORARY}"));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        // The rename itself is on the disk only when the folder is.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|source| {
        let _ = std::fs::remove_file(&temporary);
        Error::io("write", path, &source)
    })
}

/// As [`replace`], the value as JSON.
pub(super) fn replace_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).expect("job records have string keys only");
    text.push('\n');
    replace(path, text.as_bytes())
}
