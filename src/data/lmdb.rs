//! LMDB folders as Caffe and DIGITS use them: read by number or in order, written in batches. The only place
//! that knows the LMDB library.
//!
//! LMDB maps its file into memory, so reading past the end of a cut file ends the process by a signal: both meta pages
//! are checked against the file's length before the file is mapped. A folder may be open only once in a process: a
//! registry hands out the open one.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use lmdb::{Cursor, Environment, EnvironmentFlags, Transaction};

use crate::error::{Error, Kind, Result};

mod file;
mod mapped;
mod notice;
mod places;
mod writer;

use file::{check_file, not_a_folder};
use mapped::{Advice, PAGE, advise};
use notice::Notice;
pub use notice::{Tell, tell_of_long_waits};
use places::Places;
pub use writer::Writer;

/// A database that is open for reading; `Send + Sync`, any number of readers.
pub struct Database {
    folder: PathBuf,
    environment: Environment,
    table: lmdb::Database,
    entries: u64,
    file_length: u64,
    /// Device and inode of `data.mdb`.
    file: (u64, u64),
    places: OnceLock<Result<Places>>,
    read: AtomicU64,
}

/// Records that are read before the file's pages are given back: each makes 64 KiB or less resident, so that no
/// database takes more than 1 GiB. Giving back more often costs a page fault, 1.5 µs, for every record.
const READS: u64 = 16_384;

/// A key and its value.
pub type Entry<'a> = (&'a [u8], &'a [u8]);

/// Open databases by device and inode of their file, which tell folders apart even when one replaced another.
type Registry = HashMap<(u64, u64), Weak<Database>>;

static OPEN: Mutex<Option<Registry>> = Mutex::new(None);

impl Database {
    /// Opens a folder with a `data.mdb`.
    ///
    /// # Errors
    /// When it is missing, empty, cut short, no LMDB, or may not be read.
    pub fn open(folder: &Path) -> Result<Arc<Database>> {
        let folder =
            if folder.is_file() && folder.ends_with("data.mdb") { folder.parent().unwrap_or(folder) } else { folder };
        let path = folder.join("data.mdb");
        let metadata = fs::metadata(&path).map_err(|e| not_a_folder(folder, &path, &e))?;
        let file_length = check_file(&path)?;
        let key = (metadata.dev(), metadata.ino());
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_default();
        if let Some(database) = open.get(&key).and_then(Weak::upgrade) {
            return Ok(database);
        }
        open.retain(|_, database| database.strong_count() > 0);
        let failed = |e| failed("open", folder, e);
        let environment = Environment::new()
            // Without locks: databases may lie on read-only media, and finished ones are never written again.
            .set_flags(EnvironmentFlags::READ_ONLY | EnvironmentFlags::NO_LOCK | EnvironmentFlags::NO_READAHEAD)
            .set_map_size((file_length as usize).next_multiple_of(1 << 20))
            .open(folder)
            .map_err(failed)?;
        let table = environment.open_db(None).map_err(failed)?;
        let entries = environment.stat().map_err(failed)?.entries() as u64;
        let database = Arc::new(Database {
            folder: folder.to_path_buf(),
            environment,
            table,
            entries,
            file_length,
            file: key,
            places: OnceLock::new(),
            read: AtomicU64::new(0),
        });
        open.insert(key, Arc::downgrade(&database));
        Ok(database)
    }

    /// The folder it was opened from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many records.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.entries
    }

    /// Whether it holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Bytes of `data.mdb`.
    #[must_use]
    pub fn file_length(&self) -> u64 {
        self.file_length
    }

    /// Value `index` (from 0, in key order); none beyond the last. The first call reads where all values lie: asking
    /// LMDB by key takes 2 µs in a database of a million records, for each of its levels is far from the others in
    /// memory.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn value(&self, index: u64) -> Result<Option<&[u8]>> {
        let Some((address, length)) = self.places()?.get(index as usize) else { return Ok(None) };
        if self.read.fetch_add(1, Ordering::Relaxed) % READS == READS - 1 && self.is_large() {
            self.give_back_pages();
        }
        #[expect(unsafe_code, reason = "LMDB has no way to ask by number")]
        // SAFETY: LMDB gave out this slice of its mapping, which stays in place as long as `self.environment`, and
        // `self` is borrowed. Nobody writes a finished database, as LMDB without locks assumes too.
        Ok(Some(unsafe { std::slice::from_raw_parts(address as *const u8, length) }))
    }

    /// Says that value `index` is going to be read, so that a disk can read many large values at a time.
    pub fn read_ahead(&self, index: u64) {
        // A small one is one page, and asking takes as long as decoding it. Errors are for whoever reads it.
        if let Some(place) = self.places().ok().and_then(|places| places.get(index as usize))
            && place.1 > PAGE
        {
            mapped::read_ahead(place);
        }
    }

    fn places(&self) -> Result<&Places> {
        self.places.get_or_init(|| self.find_places()).as_ref().map_err(Error::clone)
    }

    fn find_places(&self) -> Result<Places> {
        let places = self.entries(|entries| {
            let mut places = Places::with_capacity(self.entries as usize);
            let mut notice = Notice::begin();
            for (seen, entry) in entries.enumerate() {
                places.push(entry?.1);
                if seen % 1024 == 0 {
                    notice.look(&self.folder, seen as u64, self.entries);
                }
            }
            Ok(places)
        })?;
        if self.is_large() {
            self.give_back_pages();
        }
        Ok(places)
    }

    /// Whether reading could make more than 1 GiB resident.
    fn is_large(&self) -> bool {
        self.file_length > READS * 65_536
    }

    /// The key of value `index` (from 0); none beyond the last. It goes through all keys before it.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn key(&self, index: u64) -> Result<Option<Vec<u8>>> {
        self.entries(|entries| entries.nth(index as usize).map(|entry| Ok(entry?.0.to_vec())).transpose())
    }

    /// The first key in key order and its value; none when the database is empty.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn first(&self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        self.end(FIRST)
    }

    /// The last key in key order and its value; none when the database is empty.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn last(&self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        self.end(LAST)
    }

    fn end(&self, which: u32) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let failed = |e| failed("read", &self.folder, e);
        let transaction = self.environment.begin_ro_txn().map_err(failed)?;
        let cursor = transaction.open_ro_cursor(self.table).map_err(failed)?;
        match cursor.get(None, None, which) {
            Ok((key, value)) => Ok(Some((key.unwrap_or_default().to_vec(), value.to_vec()))),
            Err(lmdb::Error::NotFound) => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }

    /// Lets go of the pages of the file that were read: they stay in the system's cache, but no longer count as
    /// memory of this process. Records can be read afterwards as before.
    pub fn give_back_pages(&self) {
        advise(self.file, Advice::NotNow);
    }

    /// Calls `visit` with all keys and values, in key order.
    ///
    /// # Errors
    /// Those of `visit`; an entry is an error when the database is damaged.
    pub fn entries<T>(
        &self,
        visit: impl FnOnce(&mut dyn Iterator<Item = Result<Entry<'_>>>) -> Result<T>,
    ) -> Result<T> {
        let failed = |e| failed("read", &self.folder, e);
        let transaction = self.environment.begin_ro_txn().map_err(failed)?;
        let mut cursor = transaction.open_ro_cursor(self.table).map_err(failed)?;
        // Small values lie among the keys, the pages one after another: reading ahead, a disk takes a tenth of the time.
        // Large ones have pages of their own, which would be read for nothing.
        let in_order = self.file_length / self.entries.max(1) < SMALL;
        if in_order {
            advise(self.file, Advice::InOrder);
        }
        let visited = visit(&mut cursor.iter().map(|entry| entry.map_err(failed)));
        if in_order {
            advise(self.file, Advice::Anywhere);
        }
        visited
    }
}

/// `MDB_FIRST` and `MDB_LAST` of lmdb.h.
const FIRST: u32 = 0;
const LAST: u32 = 6;
/// Bytes a record may take, on average, to lie among the keys; LMDB's own bound is half a page, less its header.
const SMALL: u64 = 2048;

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
    use std::{
        os::fd::AsRawFd,
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    fn write(folder: &Path, count: u32, size: usize) {
        let mut writer = Writer::create(folder).unwrap();
        for i in 0..count {
            writer.put(format!("{i:08}").into_bytes(), vec![i as u8; size]).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), u64::from(count));
    }

    /// A database of `count` values of `size` bytes, open, and the folders around it.
    fn made(count: u32, size: usize) -> (tempfile::TempDir, PathBuf, Arc<Database>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        write(&path, count, size);
        let db = Database::open(&path).unwrap();
        (folder, path, db)
    }

    #[test]
    fn what_is_written_is_read_and_the_map_grows() {
        // 40 MB: the map doubles twice.
        let (folder, path, db) = made(4000, 10_000);
        assert_eq!(db.len(), 4000);
        assert_eq!(db.value(257).unwrap().unwrap(), [1; 10_000]);
        assert_eq!(db.key(257).unwrap().unwrap(), b"00000257");
        assert!(db.value(4000).unwrap().is_none() && db.key(4000).unwrap().is_none());
        let keys: Result<Vec<_>> = db.entries(|all| all.map(|entry| Ok(entry?.0.to_vec())).collect());
        let made: Vec<_> = (0..4000).map(|i| format!("{i:08}").into_bytes()).collect();
        assert_eq!(keys.unwrap(), made);
        assert_eq!(
            (db.first().unwrap().unwrap().0, db.last().unwrap().unwrap().0),
            (made[0].clone(), made[3999].clone())
        );
        assert!(Arc::ptr_eq(&db, &Database::open(&path).unwrap()), "one environment a folder");
        assert!(!folder.path().join("db.partial").exists());
    }

    #[test]
    fn pages_that_are_given_back_do_not_count_and_come_again() {
        let (_folder, path, db) = made(40, 100_000);
        let read =
            || (0..40).map(|i| db.value(i).unwrap().unwrap().iter().map(|&b| u64::from(b)).sum()).collect::<Vec<u64>>();
        let values = read();
        // KiB of the file's mapping that count as this process' memory.
        let resident = || {
            let maps = fs::read_to_string("/proc/self/smaps").unwrap();
            let of_file = maps.split_once(path.to_str().unwrap()).expect("the file is mapped").1;
            let rss = of_file.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
            rss.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        assert!(resident() >= 3900, "{} KiB", resident());
        db.give_back_pages();
        assert_eq!(resident(), 0);
        assert_eq!(read(), values);
    }

    #[test]
    fn a_large_value_is_brought_from_the_disk_without_being_read() {
        let (_folder, path, db) = made(4, 1 << 20);
        let value = db.value(2).unwrap().unwrap();
        // Whole pages of it.
        let start = (value.as_ptr() as usize).next_multiple_of(PAGE);
        let pages = (value.as_ptr() as usize + value.len() - start) / PAGE;
        let file = fs::File::open(path.join("data.mdb")).unwrap();
        let mut present = vec![0; pages];
        #[expect(unsafe_code, reason = "a plain system call")]
        // SAFETY: the pages are mapped while `db` lives, and `present` has a byte for each.
        let mut count = || unsafe {
            libc::mincore(start as *mut libc::c_void, pages * PAGE, present.as_mut_ptr());
            present.iter().filter(|&byte| byte & 1 == 1).count()
        };
        db.give_back_pages();
        #[expect(unsafe_code, reason = "a plain system call")]
        // SAFETY: the file is open.
        unsafe {
            libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED);
        }
        // On a file system in memory they are never away.
        let before = count();
        db.read_ahead(2);
        let asked = Instant::now();
        while count() < pages {
            assert!(asked.elapsed() < Duration::from_secs(60), "{before} of {pages} were there, then {}", count());
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn an_abandoned_writer_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let mut writer = Writer::create(&path).unwrap();
        writer.put(b"a".to_vec(), b"b".to_vec()).unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn every_cut_is_an_error_and_no_signal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        write(&path, 300, 1000);
        let whole = fs::read(path.join("data.mdb")).unwrap();
        for length in [0, 1, 100, 4096, 4200, 8192, whole.len() / 2, whole.len() - 4096] {
            let cut = folder.path().join(format!("cut{length}"));
            fs::create_dir(&cut).unwrap();
            fs::write(cut.join("data.mdb"), &whole[..length]).unwrap();
            let Err(error) = Database::open(&cut) else { panic!("{length} bytes were accepted") };
            assert_eq!(error.kind(), Kind::Data, "{error}");
        }
    }

    #[test]
    fn foreign_folders_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let page = |path: &Path| Database::open(path).err().unwrap().to_string();
        assert!(page(&folder.path().join("none")).contains("not there"));
        assert!(page(folder.path()).contains("an empty folder"));
        fs::write(folder.path().join("000005.ldb"), "").unwrap();
        assert!(page(folder.path()).contains("LevelDB"));
        assert!(page(&folder.path().join("000005.ldb")).contains("a file"));
        fs::write(folder.path().join("data.mdb"), vec![7; 20_000]).unwrap();
        assert!(page(folder.path()).contains("not an LMDB file"));
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
