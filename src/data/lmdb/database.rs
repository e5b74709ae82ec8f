//! `Database`: a folder that is open for reading, and the registry of those that are open.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    cursor::Cursor,
    file::DataFile,
    format::HEADER,
    places::{Place, Places},
    tree::{end, large_value, room},
    walk::walk,
};
use crate::error::Result;

/// A database that is open for reading; `Send + Sync`, any number of readers.
pub struct Database {
    file: DataFile,
    places: OnceLock<Result<Places>>,
    read: AtomicU64,
}

/// Values that are read between two looks at whether the file changed: a look takes as long as half a value.
const READS: u64 = 64;
/// Values beyond this are asked of the disk ahead: a smaller one is one page, and asking takes as long as decoding it.
const SMALL: u32 = 4096;

/// Open databases by device and inode of their file, which tell folders apart even when one replaced another.
type Registry = HashMap<(u64, u64), Weak<Database>>;

/// The places of a database's values are found once, however often it is opened.
static OPEN: Mutex<Option<Registry>> = Mutex::new(None);

impl Database {
    /// Opens a folder with a `data.mdb`.
    ///
    /// # Errors
    /// When it is missing, empty, cut short, no LMDB, or may not be read.
    pub fn open(folder: &Path) -> Result<Arc<Database>> {
        let is_file = folder.ends_with("data.mdb") && folder.is_file();
        let folder = if is_file { folder.parent().unwrap_or(folder) } else { folder };
        let file = DataFile::open(folder)?;
        let stamp = file.stamp();
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_default();
        let is_same = |database: &Arc<Database>| database.file.stamp() == stamp;
        if let Some(database) = open.get(&stamp.identity).and_then(Weak::upgrade).filter(is_same) {
            return Ok(database);
        }
        open.retain(|_, database| database.strong_count() > 0);
        let database = Arc::new(Database { file, places: OnceLock::new(), read: AtomicU64::new(0) });
        open.insert(stamp.identity, Arc::downgrade(&database));
        Ok(database)
    }

    /// The folder it was opened from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.file.folder()
    }

    /// How many records.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.file.meta().entries
    }

    /// Whether it holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of `data.mdb`.
    #[must_use]
    pub fn file_length(&self) -> u64 {
        self.file.stamp().length
    }

    /// Value `index` (from 0, in key order), read into `buffer`, which grows when it must; none beyond the last. The
    /// first call goes through all pages with keys, checks them, and notes where all values lie.
    ///
    /// # Errors
    /// When the database is damaged, or changed since it was opened.
    pub fn value<'b>(&self, index: u64, buffer: &'b mut Vec<u8>) -> Result<Option<&'b [u8]>> {
        let Some(place) = self.places()?.get(index) else { return Ok(None) };
        if self.read.fetch_add(1, Ordering::Relaxed).is_multiple_of(READS) {
            self.file.check_unchanged()?;
        }
        if let Some(first) = self.large(place) {
            return large_value(&self.file, first, place.length, buffer).map(Some);
        }
        let bytes = room(buffer, place.length as usize)?;
        self.file.read(bytes, place.offset)?;
        Ok(Some(bytes))
    }

    /// The first page of a value that has pages of its own: it begins right after the header, where no other value can.
    fn large(&self, place: Place) -> Option<u64> {
        let size = self.file.meta().page_size;
        (place.offset % size == HEADER as u64).then_some(place.offset / size)
    }

    /// Says that value `index` is going to be read, so that a disk can read many large values at a time.
    pub fn read_ahead(&self, index: u64) {
        // Errors are for whoever reads it.
        if let Some(place) = self.places().ok().and_then(|places| places.get(index)).filter(|p| p.length > SMALL) {
            self.file.read_ahead(place.offset - HEADER as u64, u64::from(place.length) + HEADER as u64);
        }
    }

    fn places(&self) -> Result<&Places> {
        self.places.get_or_init(|| walk(&self.file)).as_ref().map_err(Clone::clone)
    }

    /// Where value `index` lies, for a page that says what is wrong with it: `page 17, byte 69701 of data.mdb`; none
    /// beyond the last.
    ///
    /// # Errors
    /// When the database is damaged, or changed since it was opened: that is then what is wrong.
    pub fn place_of(&self, index: u64) -> Result<Option<String>> {
        self.file.check_unchanged()?;
        let page_size = self.file.meta().page_size;
        let text = |place: Place| format!("page {}, byte {} of data.mdb", place.offset / page_size, place.offset);
        Ok(self.places()?.get(index).map(text))
    }

    /// The key of value `index` (from 0); none beyond the last. It goes through all keys before it.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn key(&self, index: u64) -> Result<Option<Vec<u8>>> {
        let mut cursor = self.cursor()?;
        for _ in 0..index {
            if cursor.next()?.is_none() {
                return Ok(None);
            }
        }
        Ok(cursor.next()?.map(|entry| entry.key().to_vec()))
    }

    /// The first key in key order and its value; none when the database is empty. No other page is looked at.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn first(&self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        end(&self.file, false)
    }

    /// The last key in key order and its value; none when the database is empty. No other page is looked at.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn last(&self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        end(&self.file, true)
    }

    /// All records, in key order.
    ///
    /// # Errors
    /// When a page above the records is damaged.
    pub fn cursor(&self) -> Result<Cursor<'_>> {
        Cursor::new(&self.file)
    }
}
