//! `Records`: one split of a dataset: a database of images with an optional second one of labels, or HDF5 files.
//!
//! Source: `digits/tools/torch/data.lua`. Records are numbered from 0 in the byte order of their keys.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use super::record::Sample;
use crate::error::{Error, Kind, Result};

mod databases;
mod hdf5;
mod store;

use databases::Databases;
use hdf5::Hdf5;
use store::Store;

/// The files and folders of the split at `path`, links followed; none when no database and no HDF5 file is there.
pub(super) fn files(path: &Path) -> Vec<PathBuf> {
    let data = path.join("data.mdb");
    let inside = if Hdf5::is_at(path) {
        hdf5::paths(path).unwrap_or_default()
    } else if data.is_file() {
        vec![data]
    } else {
        return Vec::new();
    };
    [path.to_path_buf()].into_iter().chain(inside).collect()
}

/// A split, open for reading from any thread.
pub struct Records {
    store: Box<dyn Store>,
}

impl Records {
    /// Opens a database of images and, for targets that are not integers, one of labels with the same keys; or HDF5: a
    /// file, a list of files, or a folder of them. The first record gives the shape.
    ///
    /// # Errors
    /// When a database is missing, damaged or empty, the first record is no `Datum`, or the counts differ.
    pub fn open(images: &Path, labels: Option<&Path>) -> Result<Records> {
        let store: Box<dyn Store> = match labels {
            None if Hdf5::is_at(images) => Box::new(Hdf5::open(images)?),
            Some(labels) if Hdf5::is_at(images) || Hdf5::is_at(labels) => {
                return Err(Error::new(Kind::Usage, "HDF5 files hold their labels themselves")
                    .with_fact("images", images.display().to_string())
                    .with_fact("labels", labels.display().to_string())
                    .with_help("leave the label database out, or give two LMDB folders"));
            }
            _ => Box::new(Databases::open(images, labels)?),
        };
        if store.len() > u64::from(u32::MAX) {
            return Err(Error::new(Kind::Data, format!("{} records are more than 4,294,967,295", store.len())));
        }
        Ok(Records { store })
    }

    /// How many records; at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty database does not open")]
    pub fn len(&self) -> u64 {
        self.store.len()
    }

    /// The shape `[c, h, w]` of the first record, which all others share.
    #[must_use]
    pub fn shape(&self) -> [i64; 3] {
        self.store.shape()
    }

    /// The folder of the image database, or the HDF5 file, list or folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.store.place()
    }

    /// The folder of the label database.
    #[must_use]
    pub fn label_folder(&self) -> Option<&Path> {
        self.store.label_place()
    }

    /// Bytes of all files.
    #[must_use]
    pub fn disk_size(&self) -> u64 {
        self.store.disk_size()
    }

    /// The key of record `index` (from 0).
    ///
    /// # Errors
    /// When the database is damaged or has no such record.
    pub fn key(&self, index: u64) -> Result<Cow<'_, [u8]>> {
        self.store.key(index)
    }

    /// All keys in order: one pass, where [`Records::key`] goes through those before it.
    ///
    /// # Errors
    /// When the storage is damaged.
    pub fn keys(&self) -> Result<Vec<Vec<u8>>> {
        self.store.keys()
    }

    /// Record `index` (from 0), decoded.
    ///
    /// # Errors
    /// When it is missing, no `Datum`, not decodable, or of another shape than the first.
    pub fn get(&self, index: u64) -> Result<Sample> {
        self.store.get(index)
    }

    /// Says that record `index` is going to be wanted: a disk reads many at a time faster than one after another.
    pub(super) fn read_ahead(&self, index: u64) {
        self.store.read_ahead(index);
    }

    /// The integer labels of all records, in order.
    ///
    /// # Errors
    /// When a record is no `Datum`.
    pub fn labels(&self) -> Result<Vec<i32>> {
        self.store.labels()
    }

    /// Feeds what tells this split from another one: counts, file sizes, the first and the last record.
    pub(super) fn fingerprint(&self, all: &mut blake3::Hasher, ends: &mut blake3::Hasher) -> Result<()> {
        self.store.fingerprint(all, ends)
    }
}
