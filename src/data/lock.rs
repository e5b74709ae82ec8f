//! Making a folder whole or not at all, and by one process at a time.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::error::{Error, Kind, Result};

const LOCK: &str = "creating.lock";

/// The end of the name of a folder in the making.
const PARTIAL: &str = ".partial";

/// Whether a folder is a dataset in the making, or what a killed process left of one.
#[must_use]
pub fn is_in_the_making(folder: &Path) -> bool {
    folder.as_os_str().as_encoded_bytes().ends_with(PARTIAL.as_bytes())
}

/// A folder in the making: work goes into `<folder>.partial`, [`Creation::finish`] gives it its name.
pub(super) struct Creation {
    folder: PathBuf,
    partial: PathBuf,
    /// Held until the end; the kernel lets go of it when the process dies.
    lock: Option<File>,
}

impl Creation {
    /// Takes the lock and clears what a dead process left.
    ///
    /// # Errors
    /// When the folder exists and is not empty, another process is making it, or it may not be written.
    pub(super) fn begin(folder: &Path) -> Result<Creation> {
        refuse_existing(folder)?;
        let name = folder.file_name().ok_or_else(|| {
            Error::new(Kind::Usage, format!("{} cannot be the name of a new dataset", folder.display()))
                .with_help("give --out a folder name, such as datasets/mine")
        })?;
        let mut name = name.to_os_string();
        name.push(PARTIAL);
        let partial = folder.with_file_name(name);
        fs::create_dir_all(&partial).map_err(|e| Error::io("make the folder", &partial, &e))?;
        let path = partial.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| Error::io("write", &path, &e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(folder)),
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path, &e)),
        }
        // The process that held the lock may have finished and renamed the folder in between.
        let same = match (lock.metadata(), fs::metadata(&path)) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            _ => false,
        };
        if !same {
            return Err(locked(folder));
        }
        refuse_existing(folder)?;
        for entry in fs::read_dir(&partial).map_err(|e| Error::io("read", &partial, &e))?.flatten() {
            let path = entry.path();
            if entry.file_name() != LOCK {
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(|e| Error::io("remove", &path, &e))?;
            }
        }
        Ok(Creation { folder: folder.to_path_buf(), partial, lock: Some(lock) })
    }

    /// Where the work goes.
    pub(super) fn path(&self) -> &Path {
        &self.partial
    }

    /// Gives the folder its name.
    pub(super) fn finish(mut self) -> Result<()> {
        let lock = self.lock.take();
        let path = self.partial.join(LOCK);
        fs::remove_file(&path).map_err(|e| Error::io("remove", &path, &e))?;
        // An empty folder of that name is replaced.
        fs::rename(&self.partial, &self.folder).map_err(|e| Error::io("name the dataset", &self.folder, &e))?;
        drop(lock);
        Ok(())
    }
}

impl Drop for Creation {
    /// What was not finished is removed, the lock file last.
    fn drop(&mut self) {
        if self.lock.is_some() {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Whether this is the page of [`Creation::begin`] for a folder that another process is making.
pub(super) fn is_locked(error: &Error) -> bool {
    error.message().ends_with(LOCKED)
}

const LOCKED: &str = "is being made by another process";

fn locked(folder: &Path) -> Error {
    Error::new(Kind::Data, format!("{} {LOCKED}", folder.display()))
        .with_help("wait until it is finished, or choose another --out")
}

fn refuse_existing(folder: &Path) -> Result<()> {
    let in_the_way = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.exists(),
    };
    if in_the_way {
        return Err(Error::new(Kind::Usage, format!("{} exists already", folder.display()))
            .with_help("choose another --out, or remove it first; nothing was changed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_whole_or_nothing() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("set");
        let first = Creation::begin(&out).unwrap();
        fs::write(first.path().join("a"), "1").unwrap();
        let second = Creation::begin(&out).err().unwrap();
        assert!(is_locked(&second), "{second}");
        assert!(!out.exists());
        first.finish().unwrap();
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
        assert!(Creation::begin(&out).err().unwrap().message().contains("exists already"));
        assert!(!root.path().join("set.partial").exists());
    }

    #[test]
    fn what_a_dead_process_left_is_cleared() {
        let root = tempfile::tempdir().unwrap();
        let partial = root.path().join("set.partial");
        fs::create_dir_all(partial.join("train_db.partial")).unwrap();
        fs::write(partial.join(LOCK), "").unwrap();
        let creation = Creation::begin(&root.path().join("set")).unwrap();
        assert_eq!(fs::read_dir(&partial).unwrap().count(), 1);
        drop(creation);
        assert!(!partial.exists());
    }
}
