//! What can be said about a folder and its `data.mdb` before LMDB maps it.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::error::{Error, Kind, Result};

/// What to say when `path`, which should be the folder's `data.mdb`, cannot be looked at.
pub(super) fn not_a_folder(folder: &Path, path: &Path, error: &io::Error) -> Error {
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
        return page.with_fact("it is", "not there").with_help("check the path");
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

const MAGIC: u32 = 0xBEEF_C0DE;
/// Bytes of a page's header before its contents; the meta page's contents follow.
const HEADER: usize = 16;

/// Checks that `data.mdb` is LMDB and as long as its newest meta page says; answers its length.
pub(super) fn check_file(path: &Path) -> Result<u64> {
    let read = |e: io::Error| Error::io("read", path, &e);
    let mut file = fs::File::open(path).map_err(read)?;
    let length = file.metadata().map_err(read)?.len();
    let again = "make the database again, or copy it again completely";
    if length == 0 {
        return Err(Error::new(Kind::Data, format!("{} is empty", path.display())).with_help(again));
    }
    let mut head = [0; HEADER + 136];
    let first = match file.read_exact(&mut head) {
        Ok(()) => Meta::parse(&head),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => None,
        Err(e) => return Err(read(e)),
    };
    let Some(first) = first else {
        return Err(Error::new(Kind::Data, format!("{} is not an LMDB file", path.display()))
            .with_fact("it wants", "LMDB's mark in the first page, 64-bit, lowest byte first")
            .with_help("give a database made by digits-rs, DIGITS or Caffe"));
    };
    let cut = |wanted: u64| {
        Error::new(Kind::Data, format!("{} is cut short", path.display()))
            .with_fact("its length", format!("{length} bytes"))
            .with_fact("it should have", format!("{wanted} bytes"))
            .with_help(again)
    };
    file.seek(SeekFrom::Start(first.page_size)).map_err(read)?;
    let second = match file.read_exact(&mut head) {
        Ok(()) => Meta::parse(&head),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(cut(2 * first.page_size)),
        Err(e) => return Err(read(e)),
    };
    let newest = match second {
        Some(second) if second.transaction > first.transaction => second,
        _ => first,
    };
    let wanted = newest.last_page.checked_add(1).and_then(|pages| pages.checked_mul(first.page_size));
    match wanted {
        Some(wanted) if wanted <= length => Ok(length),
        _ => Err(cut(wanted.unwrap_or(u64::MAX))),
    }
}

/// What one of the two meta pages says (`MDB_meta` in lmdb's mdb.c, 64-bit little-endian).
#[derive(Clone, Copy)]
struct Meta {
    page_size: u64,
    last_page: u64,
    transaction: u64,
}

impl Meta {
    fn parse(page: &[u8; HEADER + 136]) -> Option<Meta> {
        let meta = &page[HEADER..];
        let word = |at: usize| u32::from_le_bytes(meta[at..at + 4].try_into().expect("four bytes"));
        let long = |at: usize| u64::from_le_bytes(meta[at..at + 8].try_into().expect("eight bytes"));
        let page_size = u64::from(word(24));
        let known = word(0) == MAGIC && page_size.is_power_of_two() && (256..=65536).contains(&page_size);
        known.then(|| Meta { page_size, last_page: long(120), transaction: long(128) })
    }
}
