//! HDF5 files as they come in, whatever is read from them.

use std::{fs::File, sync::Arc};

use hdf5_reader::{FileStorage, Hdf5File, OpenOptions};

use crate::error::{Error, Kind, Result};

/// Decoded chunks that a file may keep, bytes.
const CACHE: usize = 16 << 20;

/// A chunk beyond this, in bytes, is a damaged file's.
pub const LARGEST_CHUNK: usize = 1 << 30;

/// The groups and datasets of an open file.
///
/// # Errors
/// When it is no HDF5 file, or a damaged one.
pub fn parsed(opened: File) -> Result<Hdf5File> {
    let options = OpenOptions::default().with_chunk_cache_bytes(CACHE).with_max_chunk_bytes(LARGEST_CHUNK);
    let storage = FileStorage::from_file(opened).map_err(|e| unreadable(&e))?;
    Hdf5File::from_storage_with_options(Arc::new(storage), options).map_err(|e| unreadable(&e))
}

/// The page of what cannot be read from such a file.
#[must_use]
pub fn unreadable(cause: &hdf5_reader::error::Error) -> Error {
    Error::new(Kind::Data, "the HDF5 file cannot be read")
        .with_cause(cause.to_string())
        .with_help("if it was copied, copy it again; HDF5's own h5dump tells more")
}
