//! A database's file: opened, its two meta pages, and whether it is still what it was.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::format::{Damage, HEADER, META_BYTES, Meta, NoMeta};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// What tells a file from another one and from itself after it was written to: device and inode, length, and time of
/// the last write in seconds and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Device and inode.
    pub(super) identity: (u64, u64),
    /// Bytes.
    pub(super) length: u64,
    written: (i64, i64),
}

/// An open `data.mdb`. It is read by offset and never mapped: a file that is cut or a disk that fails is then an error
/// and not a signal.
pub(super) struct DataFile {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    stamp: Stamp,
    meta: Meta,
}

const AGAIN: &str = "make the database again, or copy it again completely";

impl DataFile {
    /// Opens the `data.mdb` of a folder and reads which of its two states is the newer one.
    ///
    /// # Errors
    /// When it is missing, no regular file, empty, cut short, no LMDB, or holds several values a key.
    pub(super) fn open(folder: &Path) -> Result<DataFile> {
        let path = folder.join("data.mdb");
        if let Err(error) = fs::metadata(&path) {
            return Err(not_a_folder(folder, &path, &error));
        }
        let file = input::open(&path, Form::Stream)?;
        let stamp = Stamp::of(&file, &path)?;
        if stamp.length == 0 {
            return Err(Error::new(Kind::Data, format!("{} is empty", path.display())).with_help(AGAIN));
        }
        let meta = newest(&file, &path, stamp.length)?;
        let file = DataFile { folder: folder.to_path_buf(), path, file, stamp, meta };
        if file.meta.has_several_values_a_key() {
            return Err(Error::new(Kind::Data, format!("{} holds several values a key", file.path.display()))
                .with_fact("it wants", "one record a key, as Caffe, DIGITS and digits-rs write them")
                .with_help("make the database again without MDB_DUPSORT"));
        }
        Ok(file)
    }

    /// What the newer meta page says.
    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The folder it lies in.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Fills `buffer` from byte `offset` on.
    ///
    /// # Errors
    /// When the file ends before, or the disk fails.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.file.read_exact_at(buffer, offset).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => self.check_unchanged().err().unwrap_or_else(|| {
                let page = offset / self.meta.page_size;
                self.damaged(&Damage::new(page, 0, "the file's end", "a page within the file"))
            }),
            _ => Error::io("read", &self.path, &e).with_fact("at", format!("byte {offset}")),
        })
    }

    /// Starts to bring bytes from the disk that are going to be read, and does not wait for them.
    pub(super) fn read_ahead(&self, offset: u64, length: u64) {
        // Where it does not help, reading waits for the disk as it would have.
        let length = std::num::NonZeroU64::new(length);
        let _ = rustix::fs::fadvise(&self.file, offset, length, rustix::fs::Advice::WillNeed);
    }

    /// Refuses a file that somebody wrote to, or cut, since it was opened.
    ///
    /// # Errors
    /// When it did change, or cannot be looked at any more.
    pub(super) fn check_unchanged(&self) -> Result<()> {
        let now = Stamp::of(&self.file, &self.path)?;
        if now == self.stamp {
            return Ok(());
        }
        let page = Error::new(Kind::Data, format!("{} changed while it was in use", self.path.display()));
        let page = if now.length == self.stamp.length {
            page.with_fact("it was", "written to, its length kept")
        } else {
            page.with_fact("it had", format!("{} bytes", self.stamp.length))
                .with_fact("it has", format!("{} bytes", now.length))
        };
        Err(page.with_help("leave a database alone while it is read; copy a new one beside it and rename the folders"))
    }

    /// The page for a damaged page of the file; when the file changed meanwhile, that is the reason.
    pub(super) fn damaged(&self, damage: &Damage) -> Error {
        self.check_unchanged().err().unwrap_or_else(|| damaged(&self.path, self.meta.page_size, damage))
    }
}

impl Stamp {
    fn of(file: &File, path: &Path) -> Result<Stamp> {
        let metadata = file.metadata().map_err(|e| Error::io("read", path, &e))?;
        let written = (metadata.mtime(), metadata.mtime_nsec());
        Ok(Stamp { identity: (metadata.dev(), metadata.ino()), length: metadata.len(), written })
    }
}

fn damaged(path: &Path, page_size: u64, damage: &Damage) -> Error {
    let at = damage.page.saturating_mul(page_size).saturating_add(damage.at as u64);
    let (is, help) = match damage.is_other_use {
        false => ("is damaged", AGAIN),
        true => ("holds named databases", "copy the named database into the unnamed one of a folder of its own"),
    };
    Error::new(Kind::Data, format!("{} {is}", path.display()))
        .with_fact("where", format!("page {}, byte {at} of the file", damage.page))
        .with_fact("it has", damage.has.clone())
        .with_fact("it wants", damage.wants.clone())
        .with_help(help)
}

/// Reads both meta pages and answers the newer one, when the file has all pages that it counts.
fn newest(file: &File, path: &Path, length: u64) -> Result<Meta> {
    let cut = |wanted: u64| {
        Error::new(Kind::Data, format!("{} is cut short", path.display()))
            .with_fact("its length", format!("{length} bytes"))
            .with_fact("it should have", format!("{wanted} bytes"))
            .with_help(AGAIN)
    };
    let read = |number: u64, page_size: u64| {
        let mut bytes = [0; META_BYTES];
        let parsed = match file.read_exact_at(&mut bytes, number * page_size) {
            Ok(()) => Meta::parse(&bytes, number),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(NoMeta::Foreign),
            Err(e) => return Err(Error::io("read", path, &e)),
        };
        parsed.map_err(|why| match why {
            NoMeta::Damaged(damage) => damaged(path, page_size, &damage),
            NoMeta::Version(version) => {
                Error::new(Kind::Data, format!("{} has version {version} of LMDB's format", path.display()))
                    .with_fact("it wants", "version 1, which LMDB 0.9 writes")
                    .with_help("make the database again with LMDB 0.9 or digits-rs")
            }
            NoMeta::Foreign if number == 0 => Error::new(Kind::Data, format!("{} is not an LMDB file", path.display()))
                .with_fact("it wants", "LMDB's mark in the first page, 64-bit, lowest byte first")
                .with_help("give a database made by digits-rs, DIGITS or Caffe"),
            NoMeta::Foreign => {
                let damage = Damage::new(number, HEADER, "other bytes than LMDB's mark", "the second meta page");
                damaged(path, page_size, &damage)
            }
        })
    };
    let first = read(0, 0)?;
    let page_size = first.page_size;
    if length < 2 * page_size {
        return Err(cut(2 * page_size));
    }
    let second = read(1, page_size)?;
    if second.page_size != page_size {
        let has = format!("a page size of {}", second.page_size);
        return Err(damaged(path, page_size, &Damage::new(1, 40, has, format!("{page_size}, as in page 0"))));
    }
    let newest = if second.transaction > first.transaction { second } else { first };
    match newest.last_page.checked_add(1).and_then(|pages| pages.checked_mul(page_size)) {
        Some(wanted) if wanted <= length => Ok(newest),
        wanted => Err(cut(wanted.unwrap_or(u64::MAX))),
    }
}

/// What to say when `path`, which should be the folder's `data.mdb`, cannot be looked at.
fn not_a_folder(folder: &Path, path: &Path, error: &io::Error) -> Error {
    if error.kind() != io::ErrorKind::NotFound && error.kind() != io::ErrorKind::NotADirectory {
        return Error::io("read", path, error);
    }
    let page = Error::new(Kind::Data, format!("{} is not an LMDB database", folder.display()));
    if folder.is_file() {
        return page
            .with_fact("it is", "a file")
            .with_fact("it wants", "a folder that holds data.mdb")
            .with_help("give the folder, such as train_db");
    }
    let Ok(entries) = fs::read_dir(folder) else {
        let is = if folder.exists() { "no folder" } else { "not there" };
        return page.with_fact("it is", is).with_help("check the path");
    };
    let names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    let has = |end: &str| names.iter().any(|name| name.ends_with(end));
    if has(".ldb") || (names.iter().any(|n| n == "CURRENT") && has(".log")) {
        return page
            .with_fact("it is", "a LevelDB folder")
            .with_help("convert it to LMDB: Caffe's convert_imageset takes --backend lmdb");
    }
    if has(".h5") {
        return page.with_fact("it is", "a folder of HDF5 files").with_help("make the dataset with the LMDB backend");
    }
    let page = page.with_fact("it wants", "a folder that holds data.mdb");
    if names.is_empty() {
        page.with_fact("it is", "an empty folder").with_help("make the dataset again, or check the path")
    } else {
        page.with_help("give the database folder itself, such as train_db inside the dataset")
    }
}
