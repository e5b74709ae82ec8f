//! LMDB folders of `Datum` records: images, and labels of the same keys.

use std::{
    borrow::Cow,
    cell::RefCell,
    path::Path,
    sync::{Arc, OnceLock},
};

use super::store::Store;
use crate::{
    data::{
        datum,
        fingerprint::READ,
        lmdb::Database,
        planes::shape_text,
        record::{Sample, Target},
    },
    error::{Error, Kind, Result},
};

thread_local! {
    /// A value before it is decoded; as large as the largest one that this thread read.
    static VALUE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A split's databases.
pub(super) struct Databases {
    images: Arc<Database>,
    labels: Option<Arc<Database>>,
    shape: [i64; 3],
    /// Whether the keys of both databases are the same, once somebody has asked.
    matched: OnceLock<Result<()>>,
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
        let mut records = Databases { images, labels, shape: [0; 3], matched: OnceLock::new() };
        if let Some((_, value)) = records.images.first()? {
            records.shape = datum::decode(&value).map_err(|e| in_record(e, 0, &records.images))?.0.shape;
        }
        Ok(records)
    }

    /// Checks that record for record the label has the image's key.
    fn match_keys(&self, labels: &Database) -> Result<()> {
        let (mut of_images, mut of_labels) = (self.images.cursor()?, labels.cursor()?);
        let mut number = 0u64;
        while let (Some(image), Some(label)) = (of_images.next()?, of_labels.next()?) {
            let (image, label) = (image.key(), label.key());
            if image != label {
                let shown = |key, database: &Database| format!("{} in {}", shown(key), database.folder().display());
                return Err(Error::new(Kind::Data, "the label database has other keys than the images")
                    .with_fact("the record", number.to_string())
                    .with_fact("its image", shown(image, &self.images))
                    .with_fact("its label", shown(label, labels))
                    .with_help("give the two databases that were made together"));
            }
            number += 1;
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Database>> {
        [Some(&self.images), self.labels.as_ref()].into_iter().flatten()
    }

    fn no_record(&self, index: u64) -> Error {
        Error::new(Kind::Usage, format!("record {index} is not in {}", self.place().display()))
            .with_fact("it has", format!("{} records, numbered from 0", self.len()))
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
        self.all().map(|database| database.file_length()).sum()
    }

    fn key(&self, index: u64) -> Result<Cow<'_, [u8]>> {
        Ok(self.images.key(index)?.ok_or_else(|| self.no_record(index))?.into())
    }

    fn keys(&self) -> Result<Vec<Vec<u8>>> {
        let (mut cursor, mut keys) = (self.images.cursor()?, Vec::new());
        while let Some(entry) = cursor.next()? {
            keys.push(entry.key().to_vec());
        }
        Ok(keys)
    }

    fn get(&self, index: u64) -> Result<Sample> {
        let read = |database: &Database| {
            VALUE.with_borrow_mut(|buffer| {
                let value = database.value(index, buffer)?.ok_or_else(|| self.no_record(index))?;
                datum::decode(value).map_err(|e| in_record(e, index, database))
            })
        };
        let (image, label) = read(&self.images)?;
        if image.shape != self.shape {
            return Err(in_record(
                Error::new(Kind::Data, "the record has another shape than the first one")
                    .with_fact("this record", format!("{} (channels x height x width)", shape_text(image.shape)))
                    .with_fact("the first record", shape_text(self.shape))
                    .with_help("make the dataset with one size for all images"),
                index,
                &self.images,
            ));
        }
        let target = match &self.labels {
            Some(labels) => {
                self.matched.get_or_init(|| self.match_keys(labels)).clone()?;
                Target::Planes(read(labels)?.0)
            }
            None => Target::Label(label),
        };
        Ok(Sample { image, target })
    }

    fn read_ahead(&self, index: u64) {
        self.all().for_each(|database| database.read_ahead(index));
    }

    fn labels(&self) -> Result<Vec<i32>> {
        let (mut cursor, mut labels) = (self.images.cursor()?, Vec::new());
        while let Some(entry) = cursor.next()? {
            let label = datum::label(entry.value()?);
            labels.push(label.map_err(|e| in_record(e, labels.len() as u64, &self.images))?);
        }
        Ok(labels)
    }

    fn fingerprint(&self, all: &mut blake3::Hasher, ends: &mut blake3::Hasher) -> Result<()> {
        for database in self.all() {
            for hash in [&mut *all, &mut *ends] {
                hash.update(&database.len().to_le_bytes()).update(&database.file_length().to_le_bytes());
                for (key, value) in [database.first()?, database.last()?].into_iter().flatten() {
                    hash.update(&key).update(&value);
                }
            }
            // By the cursor, not by number: the table of all places takes as long as a hundred steps.
            let (mut cursor, mut read) = (database.cursor()?, 0);
            // A damaged record is told when it is wanted.
            while let Ok(Some(entry)) = cursor.next() {
                all.update(entry.key());
                let Ok(value) = entry.value() else { break };
                all.update(value);
                read += value.len() as u64;
                if read >= READ {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// With the record's key and place. Where the database itself is damaged or changed, that is the error.
fn in_record(error: Error, index: u64, database: &Database) -> Error {
    let place = match database.place_of(index) {
        Ok(place) => place,
        Err(damaged) => return damaged,
    };
    let key = database.key(index).ok().flatten().map_or_else(|| index.to_string(), |key| shown(&key));
    let page = error.with_fact("the record", key).with_fact("in", database.folder().display().to_string());
    place.into_iter().fold(page, |page, place| page.with_fact("at", place))
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).escape_debug().to_string()
}
