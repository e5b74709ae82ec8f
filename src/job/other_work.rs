//! A folder that is somebody's, and no job's: a run does not move in.

use std::path::Path;

use super::file;
use crate::error::{Error, Kind, Result};

/// Refuses a folder that holds something, and nothing of a job: what is removed with a job later is only the job's.
pub(super) fn refuse_other_work(folder: &Path) -> Result<()> {
    let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten().peekable();
    let Some(first) = entries.peek().map(std::fs::DirEntry::path) else { return Ok(()) };
    let ours = [
        file::LOCK,
        file::RECORD,
        file::NETWORK,
        file::NETWORK_PYTHON,
        file::METRICS,
        file::SNAPSHOTS,
        file::STARTED,
        file::SWEEP,
    ];
    if ours.into_iter().any(|name| folder.join(name).exists()) {
        return Ok(());
    }
    Err(Error::new(Kind::Job, format!("{} is not empty, and no job", folder.display()))
        .with_fact("there is", first.display().to_string())
        .with_help("give the run a folder of its own with --job DIR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_photos_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        refuse_other_work(folder.path()).unwrap();
        refuse_other_work(&folder.path().join("none")).unwrap();
        std::fs::write(folder.path().join("cat.jpg"), "").unwrap();
        let page = refuse_other_work(folder.path()).unwrap_err();
        assert!(page.message().ends_with("is not empty, and no job"), "{page}");
        std::fs::write(folder.path().join(file::LOCK), "").unwrap();
        refuse_other_work(folder.path()).unwrap();
    }
}
