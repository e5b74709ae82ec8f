//! `Place`: where a dataset lies, before it is opened.

use std::path::{Path, PathBuf};

use super::{
    dataset::{Dataset, Parts},
    manifest, records,
};
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

    /// The files and folders that opening and reading it opens, links followed. A folder that is no dataset, and a place
    /// that is no database, are not among them, whatever they are called.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let (parts, mut files) = match self {
            Place::Parts(parts) => (parts.clone(), Vec::new()),
            Place::Folder(folder) => match Parts::of_folder(folder) {
                Ok((parts, _)) => (parts, vec![folder.clone()]),
                // A damaged record is opened, and its page says what is wrong with it.
                Err(_) => {
                    let record = folder.join(manifest::FILE);
                    let is_there = record.symlink_metadata().is_ok_and(|it| it.is_file());
                    return if is_there { vec![folder.clone(), record] } else { Vec::new() };
                }
            },
        };
        let Parts { train, train_labels, val, val_labels, mean, labels } = parts;
        let databases = [train, train_labels, val, val_labels].into_iter().flatten();
        files.extend(databases.flat_map(|path| records::files(&path)));
        files.extend([mean, labels].into_iter().flatten().filter(|path| path.is_file()));
        files
    }

    /// The paths that it is named by.
    #[must_use]
    pub fn named(&self) -> Vec<&Path> {
        match self {
            Place::Folder(folder) => vec![folder],
            Place::Parts(Parts { train, train_labels, val, val_labels, mean, labels }) => {
                [train, train_labels, val, val_labels, mean, labels]
                    .into_iter()
                    .flatten()
                    .map(PathBuf::as_path)
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::data::sample;

    #[test]
    fn what_is_read_is_the_dataset_and_no_folder_that_only_bears_the_name_of_one() {
        let root = tempfile::tempdir().unwrap();
        let set = sample::ensure(&root.path().join("sample")).unwrap();
        let files = Place::Folder(set.clone()).files();
        assert!(files.contains(&set) && files.contains(&set.join("train_db/data.mdb")), "{files:?}");
        let foreign = root.path().join("foreign");
        fs::create_dir(&foreign).unwrap();
        symlink("/etc", foreign.join("train_db")).unwrap();
        assert_eq!(Place::Folder(foreign.clone()).files(), [foreign]);
        assert!(Place::Folder("/etc".into()).files().is_empty());
        fs::write(set.join(manifest::FILE), "{").unwrap();
        assert_eq!(Place::Folder(set.clone()).files(), [set.clone(), set.join(manifest::FILE)]);
    }
}
