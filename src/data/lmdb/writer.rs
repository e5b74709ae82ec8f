//! `Writer`: makes a database in batches.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lmdb::{DatabaseFlags, Environment, EnvironmentFlags, Transaction, WriteFlags};

use crate::error::{Error, Kind, Result};

/// Writes a new database into `<folder>.partial` and gives it its name when it is whole.
pub struct Writer {
    folder: PathBuf,
    partial: PathBuf,
    /// None only after `finish` took it.
    environment: Option<Environment>,
    table: lmdb::Database,
    map_size: usize,
    pending: Vec<(Vec<u8>, Vec<u8>)>,
    pending_bytes: usize,
    written: u64,
}

/// Records in one transaction, as in DIGITS; fewer when they are large.
const BATCH: usize = 100;
const BATCH_BYTES: usize = 32 << 20;
/// The map's first size; it doubles when it is full.
const FIRST_MAP: usize = 16 << 20;

impl Writer {
    /// Starts a database. A half-written one of the same name is removed.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn create(folder: &Path) -> Result<Writer> {
        let mut name = folder.as_os_str().to_os_string();
        name.push(".partial");
        let partial = PathBuf::from(name);
        match fs::remove_dir_all(&partial) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", &partial, &e)),
            _ => {}
        }
        fs::create_dir_all(&partial).map_err(|e| Error::io("make the folder", &partial, &e))?;
        let failed = |e| failed("make", folder, e);
        let environment = Environment::new()
            // Synced once at the end. Never WRITE_MAP: a full disk would then be a signal instead of an error.
            .set_flags(EnvironmentFlags::NO_SYNC)
            .set_map_size(FIRST_MAP)
            .open(&partial)
            .map_err(failed)?;
        let table = environment.create_db(None, DatabaseFlags::empty()).map_err(failed)?;
        Ok(Writer {
            folder: folder.to_path_buf(),
            partial,
            environment: Some(environment),
            table,
            map_size: FIRST_MAP,
            pending: Vec::new(),
            pending_bytes: 0,
            written: 0,
        })
    }

    /// Adds one record.
    ///
    /// # Errors
    /// When the disk is full or the key is longer than 511 bytes.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<()> {
        self.pending_bytes += key.len() + value.len();
        self.pending.push((key, value));
        if self.pending.len() >= BATCH || self.pending_bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let environment = self.environment.as_ref().expect("only finish takes it, and finish consumes self");
        loop {
            let result = write_batch(environment, self.table, &self.pending);
            match result {
                Ok(()) => break,
                Err(lmdb::Error::MapFull) => {
                    // No transaction is open here, as LMDB demands.
                    self.map_size *= 2;
                    environment.set_map_size(self.map_size).map_err(|e| failed("enlarge", &self.folder, e))?;
                }
                Err(e) => return Err(failed("write", &self.folder, e)),
            }
        }
        self.written += self.pending.len() as u64;
        self.pending.clear();
        self.pending_bytes = 0;
        Ok(())
    }

    /// Writes what is left, brings it to the disk and gives the folder its name; answers the number of records.
    ///
    /// # Errors
    /// When the disk is full or the folder of that name is in the way.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        if let Some(environment) = self.environment.take() {
            environment.sync(true).map_err(|e| failed("write", &self.folder, e))?;
        }
        fs::rename(&self.partial, &self.folder).map_err(|e| Error::io("name the database", &self.folder, &e))?;
        Ok(self.written)
    }
}

impl Drop for Writer {
    /// An unfinished database leaves nothing behind.
    fn drop(&mut self) {
        if self.environment.take().is_some() {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

fn write_batch(environment: &Environment, table: lmdb::Database, batch: &[(Vec<u8>, Vec<u8>)]) -> lmdb::Result<()> {
    let mut transaction = environment.begin_rw_txn()?;
    for (key, value) in batch {
        transaction.put(table, key, value, WriteFlags::empty())?;
    }
    transaction.commit()
}

/// LMDB's error as a page; a full disk keeps its own kind.
fn failed(doing: &str, folder: &Path, error: lmdb::Error) -> Error {
    match error {
        // A short write is reported as EIO by LMDB: its cause is a full disk far more often than a broken one.
        lmdb::Error::Other(libc::EIO) => Error::io(doing, folder, &io::Error::from_raw_os_error(libc::EIO))
            .with_help("look whether the disk is full or failing; what was written before is intact"),
        lmdb::Error::Other(code) => Error::io(doing, folder, &io::Error::from_raw_os_error(code)),
        _ => Error::new(Kind::Data, format!("cannot {doing} the database {}", folder.display()))
            .with_cause(error.to_string())
            .with_help("the database may be damaged: make it again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_writer_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(&folder.path().join("db")).unwrap();
        writer.put(b"a".to_vec(), b"b".to_vec()).unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_full_disk_is_an_io_error() {
        for code in [libc::ENOSPC, libc::EIO] {
            let error = failed("write", Path::new("db"), lmdb::Error::Other(code));
            assert_eq!(error.kind(), Kind::Io);
            assert!(error.to_string().contains("help:"), "{error}");
        }
    }
}
