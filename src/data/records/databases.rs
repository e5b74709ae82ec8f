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
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    count: usize,
    /// The first key's length.
    length: usize,
    /// Where each key ends; empty while all have one length, as in every set that DIGITS or Caffe made.
    ends: Vec<usize>,
}

impl Keys {
    fn push(&mut self, key: &[u8]) {
        if self.count == 0 {
            self.length = key.len();
        }
        if self.ends.is_empty() && key.len() != self.length {
            self.ends = (1..=self.count).map(|count| count * self.length).collect();
        }
        self.bytes.extend_from_slice(key);
        self.count += 1;
        if !self.ends.is_empty() {
            self.ends.push(self.bytes.len());
        }
    }

    fn get(&self, at: usize) -> Option<&[u8]> {
        let end = |at: usize| if self.ends.is_empty() { (at + 1) * self.length } else { self.ends[at] };
        (at < self.count).then(|| &self.bytes[if at == 0 { 0 } else { end(at - 1) }..end(at)])
    }
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
        let mut keys = Keys::default();
        self.images.scan(|key, _| {
            keys.push(key);
            Ok(true)
        })?;
        keys.bytes.shrink_to_fit();
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
        let Some(key) = keys.get(index as usize) else {
            return Err(Error::new(Kind::Usage, format!("record {index} is not in {}", self.place().display()))
                .with_fact("it has", format!("{} records, numbered from 0", self.len())));
        };
        Ok(Cow::Borrowed(key))
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

    fn rest(&self) {
        self.images.give_back_pages();
        if let Some(labels) = &self.labels {
            labels.give_back_pages();
        }
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
            // By the cursor, not by number: the table of all keys takes as long as a hundred steps.
            database.scan(|key, value| {
                hash.update(key).update(value);
                Ok(false)
            })?;
            if let Some((key, value)) = database.last()? {
                hash.update(&key).update(&value);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_length_and_of_several_are_found() {
        for words in [vec!["a1", "b2", "c3"], vec!["a", "bb", "c", "dddd"], vec!["same", "same", "x"], vec![]] {
            let mut keys = Keys::default();
            words.iter().for_each(|word| keys.push(word.as_bytes()));
            let found: Vec<_> = (0..words.len()).filter_map(|at| keys.get(at)).collect();
            assert_eq!(found, words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
            assert_eq!(keys.get(words.len()), None);
        }
    }
}
