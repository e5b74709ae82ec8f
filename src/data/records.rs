//! `Records`: one split of a dataset, a database of images with an optional second one of labels.
//!
//! Source: `digits/tools/torch/data.lua`. Records are numbered from 0 in the byte order of their keys.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use super::{
    Planes,
    datum::{self, shape_text},
    lmdb::Database,
};
use crate::error::{Error, Kind, Result};

/// What a record should be turned into.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The record's own integer.
    Label(i32),
    /// The record of the same key in the label database.
    Planes(Planes),
}

/// One record, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The image `[c, h, w]`.
    pub image: Planes,
    /// The label.
    pub target: Target,
}

/// A split's databases, open for reading from any thread.
pub struct Records {
    images: Arc<Database>,
    labels: Option<Arc<Database>>,
    shape: [i64; 3],
    keys: OnceLock<Keys>,
}

/// All keys in one piece of memory.
struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// Opens a database of images and, for targets that are not integers, one of labels with the same keys.
    /// The first record gives the shape.
    ///
    /// # Errors
    /// When a database is missing, damaged or empty, the first record is no `Datum`, or the counts differ.
    pub fn open(images: &Path, labels: Option<&Path>) -> Result<Records> {
        let images = Database::open(images)?;
        if images.is_empty() {
            return Err(Error::new(Kind::Data, format!("{} holds no records", images.folder().display()))
                .with_help("make the dataset again from a folder that has images"));
        }
        let labels = labels.map(Database::open).transpose()?;
        if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != images.len()) {
            return Err(Error::new(Kind::Data, "the label database has another number of records than the images")
                .with_fact("images", format!("{} in {}", images.len(), images.folder().display()))
                .with_fact("labels", format!("{} in {}", labels.len(), labels.folder().display()))
                .with_help("give the two databases that were made together"));
        }
        if images.len() > u64::from(u32::MAX) {
            return Err(Error::new(Kind::Data, format!("{} records are more than 4,294,967,295", images.len())));
        }
        let mut records = Records { images, labels, shape: [0; 3], keys: OnceLock::new() };
        let mut first = None;
        records.images.scan(|key, value| {
            first = Some(datum::decode(value).map_err(|e| in_record(e, key, &records.images))?.0.shape);
            Ok(false)
        })?;
        records.shape = first.unwrap_or_default();
        Ok(records)
    }

    /// How many records; at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty database does not open")]
    pub fn len(&self) -> u64 {
        self.images.len()
    }

    /// The shape `[c, h, w]` of the first record, which all others share.
    #[must_use]
    pub fn shape(&self) -> [i64; 3] {
        self.shape
    }

    /// The folder of the image database.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.images.folder()
    }

    /// The folder of the label database.
    #[must_use]
    pub fn label_folder(&self) -> Option<&Path> {
        self.labels.as_ref().map(|labels| labels.folder())
    }

    /// Bytes of both database files.
    #[must_use]
    pub fn disk_size(&self) -> u64 {
        self.images.file_length() + self.labels.as_ref().map_or(0, |labels| labels.file_length())
    }

    /// The key of record `index` (from 0).
    ///
    /// # Errors
    /// When the database is damaged or has no such record.
    pub fn key(&self, index: u64) -> Result<&[u8]> {
        let keys = self.keys()?;
        let at = index as usize;
        let Some(&end) = keys.ends.get(at) else {
            return Err(Error::new(Kind::Usage, format!("record {index} is not in {}", self.folder().display()))
                .with_fact("it has", format!("{} records, numbered from 0", self.len())));
        };
        let start = if at == 0 { 0 } else { keys.ends[at - 1] };
        Ok(&keys.bytes[start..end])
    }

    /// Record `index` (from 0), decoded.
    ///
    /// # Errors
    /// When it is missing, no `Datum`, not decodable, or of another shape than the first.
    pub fn get(&self, index: u64) -> Result<Sample> {
        let key = self.key(index)?;
        let read = |database: &Database| {
            database
                .get(key, datum::decode)
                .and_then(|found| found.ok_or_else(|| Error::new(Kind::Data, "the record is not there")))
                .map_err(|e| in_record(e, key, database))
        };
        let (image, label) = read(&self.images)?;
        if image.shape != self.shape {
            return Err(in_record(
                Error::new(Kind::Data, "the record has another shape than the first one")
                    .with_fact("this record", format!("{} (channels x height x width)", shape_text(image.shape)))
                    .with_fact("the first record", shape_text(self.shape))
                    .with_help("make the dataset with one size for all images"),
                key,
                &self.images,
            ));
        }
        let target = match &self.labels {
            Some(labels) => Target::Planes(read(labels)?.0),
            None => Target::Label(label),
        };
        Ok(Sample { image, target })
    }

    /// The integer labels of all records, in order.
    ///
    /// # Errors
    /// When a record is no `Datum`.
    pub fn labels(&self) -> Result<Vec<i32>> {
        let mut labels = Vec::with_capacity(self.len() as usize);
        self.images.scan(|key, value| {
            labels.push(datum::label(value).map_err(|e| in_record(e, key, &self.images))?);
            Ok(true)
        })?;
        Ok(labels)
    }

    /// Feeds what tells this split from another one: counts, file sizes, the first and the last record.
    pub(super) fn fingerprint(&self, hash: &mut blake3::Hasher) -> Result<()> {
        for database in [Some(&self.images), self.labels.as_ref()].into_iter().flatten() {
            hash.update(&database.len().to_le_bytes()).update(&database.file_length().to_le_bytes());
            for index in [0, self.len() - 1] {
                let key = self.key(index)?;
                hash.update(key);
                database.get(key, |value| {
                    hash.update(value);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn keys(&self) -> Result<&Keys> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let mut keys = Keys { bytes: Vec::new(), ends: Vec::with_capacity(self.len() as usize) };
        self.images.scan(|key, _| {
            keys.bytes.extend_from_slice(key);
            keys.ends.push(keys.bytes.len());
            Ok(true)
        })?;
        Ok(self.keys.get_or_init(|| keys))
    }
}

fn in_record(error: Error, key: &[u8], database: &Database) -> Error {
    error
        .with_fact("the record", String::from_utf8_lossy(key).escape_debug().to_string())
        .with_fact("in", database.folder().display().to_string())
}
