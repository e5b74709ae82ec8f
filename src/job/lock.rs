//! `Lock`: at most one process writes a job directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::file;
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// The folders whose lock this process has.
static HELD_HERE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The advisory lock (`flock`) on a job directory; the system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    folder: PathBuf,
    /// Closing it gives the lock back.
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        held_here(|folders| folders.retain(|folder| *folder != self.folder));
    }
}

impl Lock {
    /// Takes the lock of the job in `folder` and notes the process id in it.
    ///
    /// # Errors
    /// `Kind::Job` when another process holds it (the page names that process), `Kind::Io` when it cannot be made.
    pub(super) fn take(folder: &Path) -> Result<Lock> {
        // A reader that asks `is_held` owns the lock for an instant: wait that long.
        const PATIENCE: Duration = Duration::from_millis(200);
        let path = folder.join(file::LOCK);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| Error::io("write", &path, &source))?;
        let start = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut lock)),
                Err(TryLockError::Error(source)) => return Err(Error::io("lock", &path, &source)),
            }
        }
        let mut note = || -> std::io::Result<()> {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        note().map_err(|source| Error::io("write", &path, &source))?;
        held_here(|folders| folders.push(folder.to_path_buf()));
        Ok(Lock { folder: folder.to_path_buf(), _file: lock })
    }

    /// The folders of the jobs that this process writes at this moment.
    pub(super) fn all_held_here() -> Vec<PathBuf> {
        held_here(|folders| folders.clone())
    }

    /// Whether a process writes the job in `folder` at this moment.
    pub(super) fn is_held(folder: &Path) -> bool {
        let Ok(lock) = input::open(&folder.join(file::LOCK), Form::Record) else { return false };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

fn held_here<T>(f: impl FnOnce(&mut Vec<PathBuf>) -> T) -> T {
    f(&mut HELD_HERE.lock().unwrap_or_else(PoisonError::into_inner))
}

fn in_use(folder: &Path, lock: &mut File) -> Error {
    let mut owner = String::new();
    let _ = lock.read_to_string(&mut owner);
    let owner = owner.trim();
    let process = if owner.is_empty() { "another process".to_string() } else { format!("process {owner}") };
    Error::new(Kind::Job, format!("the job {} is in use by {process}", folder.display()))
        .with_help("wait until it has ended, stop it, or give the new run another folder with --job DIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_and_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Lock::is_held(folder.path()));
        let first = Lock::take(folder.path()).unwrap();
        assert!(Lock::is_held(folder.path()));
        let page = Lock::take(folder.path()).unwrap_err();
        assert_eq!(page.kind(), Kind::Job);
        assert!(page.message().contains(&format!("process {}", std::process::id())), "{page}");
        assert!(Lock::all_held_here().contains(&folder.path().to_path_buf()));
        drop(first);
        assert!(!Lock::is_held(folder.path()));
        assert!(!Lock::all_held_here().contains(&folder.path().to_path_buf()));
        Lock::take(folder.path()).unwrap();
    }
}
