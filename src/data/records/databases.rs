//! LMDB folders of `Datum` records: images, and labels of the same keys.

use std::{
    borrow::Cow,
    path::Path,
    sync::{Arc, OnceLock},
};

use super::{Sample, Store, Target};
use crate::{
    data::{
        datum::{self, shape_text},
        lmdb::Database,
    },
    error::{Error, Kind, Result},
};

/// A split's databases.
pub(super) struct Databases {
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

impl Databases {
    /// Opens a database of images and, for targets that are not integers, one of labels with the same keys.
    /// The first record gives the shape.
    ///
    /// # Errors
    /// When a database is missing, damaged or empty, the first record is no `Datum`, or the counts differ.
    pub(super) fn open(images: &Path, labels: Option<&Path>) -> Result<Databases> {
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
        let mut records = Databases { images, labels, shape: [0; 3], keys: OnceLock::new() };
        let mut first = None;
        records.images.scan(|key, value| {
            first = Some(datum::decode(value).map_err(|e| in_record(e, key, &records.images))?.0.shape);
            Ok(false)
        })?;
        records.shape = first.unwrap_or_default();
        Ok(records)
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

impl Store for Databases {
    fn len(&self) -> u64 {
        self.images.len()
    }

    fn shape(&self) -> [i64; 3] {
        self.shape
    }

    fn place(&self) -> &Path {
        self.images.folder()
    }

    fn label_place(&self) -> Option<&Path> {
        self.labels.as_ref().map(|labels| labels.folder())
    }

    fn disk_size(&self) -> u64 {
        self.images.file_length() + self.labels.as_ref().map_or(0, |labels| labels.file_length())
    }

    fn key(&self, index: u64) -> Result<Cow<'_, [u8]>> {
        let keys = self.keys()?;
        let at = index as usize;
        let Some(&end) = keys.ends.get(at) else {
            return Err(Error::new(Kind::Usage, format!("record {index} is not in {}", self.place().display()))
                .with_fact("it has", format!("{} records, numbered from 0", self.len())));
        };
        let start = if at == 0 { 0 } else { keys.ends[at - 1] };
        Ok(Cow::Borrowed(&keys.bytes[start..end]))
    }

    fn get(&self, index: u64) -> Result<Sample> {
        let key = self.key(index)?;
        let read = |database: &Database| {
            database
                .get(&key, datum::decode)
                .and_then(|found| found.ok_or_else(|| Error::new(Kind::Data, "the record is not there")))
                .map_err(|e| in_record(e, &key, database))
        };
        let (image, label) = read(&self.images)?;
        if image.shape != self.shape {
            return Err(in_record(
                Error::new(Kind::Data, "the record has another shape than the first one")
                    .with_fact("this record", format!("{} (channels x height x width)", shape_text(image.shape)))
                    .with_fact("the first record", shape_text(self.shape))
                    .with_help("make the dataset with one size for all images"),
                &key,
                &self.images,
            ));
        }
        let target = match &self.labels {
            Some(labels) => Target::Planes(read(labels)?.0),
            None => Target::Label(label),
        };
        Ok(Sample { image, target })
    }

    fn labels(&self) -> Result<Vec<i32>> {
        let mut labels = Vec::with_capacity(self.len() as usize);
        self.images.scan(|key, value| {
            labels.push(datum::label(value).map_err(|e| in_record(e, key, &self.images))?);
            Ok(true)
        })?;
        Ok(labels)
    }

    fn fingerprint(&self, hash: &mut blake3::Hasher) -> Result<()> {
        for database in [Some(&self.images), self.labels.as_ref()].into_iter().flatten() {
            hash.update(&database.len().to_le_bytes()).update(&database.file_length().to_le_bytes());
            for index in [0, self.len() - 1] {
                let key = self.key(index)?;
                hash.update(&key);
                database.get(&key, |value| {
                    hash.update(value);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

fn in_record(error: Error, key: &[u8], database: &Database) -> Error {
    error
        .with_fact("the record", String::from_utf8_lossy(key).escape_debug().to_string())
        .with_fact("in", database.folder().display().to_string())
}
