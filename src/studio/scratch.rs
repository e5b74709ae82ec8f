//! `Scratch`: a folder that lives as long as the server; what servers that were killed have left is removed.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use tempfile::TempDir;

use crate::error::{Error, Result};

/// How such folders begin.
const PREFIX: &str = "digits-rs-";
/// Locked as long as the server lives: the kernel lets go of it however the server ends.
const LOCK: &str = "lock";

/// A folder that lives as long as the server.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// A new one in `place`, and an end of those there that nobody holds.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(place: &Path) -> Result<Scratch> {
        let unmade = |source: std::io::Error| Error::io("make a folder in", place, &source);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place).map_err(unmade)?;
        // Locked before it has its name: a server that starts now must not find it free.
        let unnamed = folder.path().join("lock.new");
        let lock = File::create(&unnamed).map_err(unmade)?;
        lock.lock().map_err(unmade)?;
        fs::rename(&unnamed, folder.path().join(LOCK)).map_err(unmade)?;
        remove_the_dead(place, folder.path());
        Ok(Scratch { folder, _lock: lock })
    }

    /// Where it lies.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of this user that no server holds. One without a lock was made a moment ago, or is another's.
fn remove_the_dead(place: &Path, own: &Path) {
    let Ok(user) = fs::metadata(own).map(|meta| meta.uid()) else { return };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for path in named.map(|entry| entry.path()).filter(|path| path != own) {
        // What a link leads to is not looked at.
        let is_ours = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir() && meta.uid() == user);
        let Some(lock) = Some(path.join(LOCK)).filter(|_| is_ours).and_then(|lock| File::open(lock).ok()) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(&path); // only lost space
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_server_holds_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["digits-rs-dead/tests", "digits-rs-foreign", "other", "elsewhere/x"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for name in ["digits-rs-dead", "other", "elsewhere"] {
            fs::write(at(name).join(LOCK), "").unwrap();
        }
        std::os::unix::fs::symlink(at("elsewhere"), at("digits-rs-link")).unwrap();
        let living = Scratch::new(place.path()).unwrap();
        assert!(!at("digits-rs-dead").exists(), "a dead server's folder stays");
        for name in ["digits-rs-foreign", "digits-rs-link", "other", "elsewhere/x"] {
            assert!(at(name).exists(), "{name} is gone");
        }
        let second = Scratch::new(place.path()).unwrap();
        assert!(living.path().exists() && second.path().exists());
        let gone = second.path().to_path_buf();
        drop(second);
        assert!(!gone.exists() && living.path().exists());
    }
}
