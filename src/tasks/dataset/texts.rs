//! New datasets of texts: the number of a character at each place, for networks that read along them.

use std::{path::PathBuf, time::Instant};

use serde::{Deserialize, Serialize};

use super::{defaults, report::DatasetReport, watched::Watched};
use crate::{
    data::{
        characters,
        create::create_of_texts,
        folder::FolderOptions,
        texts::{self, Texts},
    },
    error::{Error, Kind, Result},
    inspect::numbers::grouped,
    tasks::{observer::Observer, panic},
    train::Stop,
};

/// Texts with a class each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRequest {
    /// To train on: a CSV file of a class and text fields a line, or a folder with a subfolder of text files a class.
    pub train: PathBuf,
    /// To validate on, of either kind.
    #[serde(default)]
    pub val: Option<PathBuf>,
    /// Percent of each class for validation, 0 to 100, without texts of their own.
    #[serde(default = "defaults::val_percent")]
    pub val_percent: f64,
    /// The classes' names, one on each line; without, the words in the files are the names.
    #[serde(default)]
    pub labels: Option<PathBuf>,
    /// Characters of a record: longer texts are cut, shorter ones filled up.
    #[serde(default = "defaults::characters")]
    pub length: usize,
    /// Write the records in another order than the files have.
    #[serde(default = "defaults::shuffle")]
    pub shuffle: bool,
    /// Seeds the division and the order of the records.
    #[serde(default)]
    pub seed: u64,
    /// The dataset folder to make.
    pub out: PathBuf,
}

impl TextRequest {
    /// The defaults, for these texts.
    #[must_use]
    pub fn new(train: PathBuf, out: PathBuf) -> TextRequest {
        let (val_percent, length, shuffle) = (defaults::val_percent(), defaults::characters(), defaults::shuffle());
        TextRequest { train, val: None, val_percent, labels: None, length, shuffle, seed: 0, out }
    }
}

/// Makes a dataset of texts.
///
/// # Errors
/// When a file cannot be read or holds no text, a class has no name, or the dataset is there already or cannot be written;
/// `Kind::Interrupted` when `stop` is asked for, nothing being left of it then.
pub fn text(request: &TextRequest, observer: &mut dyn Observer, stop: &Stop) -> Result<DatasetReport> {
    panic::guarded(|| {
        if !(1..=characters::LONGEST).contains(&request.length) {
            return Err(Error::new(Kind::Usage, format!("records of {} characters cannot be made", request.length))
                .with_help(format!("give a number from 1 to {}", characters::LONGEST)));
        }
        let started = Instant::now();
        let division =
            FolderOptions { val_percent: request.val_percent, seed: request.seed, ..FolderOptions::default() };
        let found = texts::read(&request.train, request.val.as_deref(), request.labels.as_deref(), &division)?;
        found.note.iter().for_each(|note| observer.line(note));
        observer.line(&counted(&found, request.length));
        let (shape, progress) = (characters::shape(request.length), Watched::by(observer, stop));
        let made = create_of_texts(&request.out, &found, shape, request.seed, request.shuffle, &progress)?;
        let mut report = DatasetReport::of(&request.out, made, started);
        report.notes.push("train on it with --subtract-mean none: its numbers are characters, no grey levels".into());
        Ok(report)
    })
}

/// How many there are, and how many are longer than a record.
fn counted(found: &Texts, length: usize) -> String {
    let count = |texts: usize| grouped(texts as i64);
    let longer = found.texts.iter().filter(|text| text.chars().nth(length).is_some()).count();
    let cut =
        if longer > 0 { format!("; {} are longer than {length} characters", count(longer)) } else { String::new() };
    let (train, val) = (found.lists.train.len(), found.lists.val.len());
    let (all, classes) = (count(found.texts.len()), found.lists.labels.len());
    format!("{all} texts in {classes} classes: {} to train on, {} to validate{cut}", count(train), count(val))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{Dataset, Target, Values},
        tasks::observer::Unobserved,
    };

    #[test]
    fn texts_become_records_of_characters_and_have_no_mean() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("a.csv"), "good,abc\nbad,xyz and more\n").unwrap();
        let request =
            TextRequest { val_percent: 0.0, length: 9, shuffle: false, ..TextRequest::new(at("a.csv"), at("set")) };
        let report = text(&request, &mut Unobserved, &Stop::default()).unwrap();
        assert!(report.notes[0].contains("--subtract-mean none"));
        let set = Dataset::open(&at("set")).unwrap();
        assert_eq!(
            (set.shape, set.mean.is_none(), set.labels.clone()),
            ([1, 3, 3], true, vec!["bad".into(), "good".into()])
        );
        assert!(set.manifest.as_ref().unwrap().texts);
        let records = set.train().unwrap();
        let of: Vec<_> = (0..2).map(|index| records.get(index).unwrap()).collect();
        let good = of.iter().find(|sample| sample.target == Target::Label(1)).unwrap();
        assert_eq!(good.image.values, Values::Bytes(vec![2, 3, 4, 1, 1, 1, 1, 1, 1]));
        let listed = std::fs::read_to_string(at("set/train.txt")).unwrap();
        assert!(listed.contains("a.csv:1 1") && listed.contains("a.csv:2 0"), "{listed}");
        let page = text(&TextRequest { length: 0, ..request }, &mut Unobserved, &Stop::default()).unwrap_err();
        assert_eq!(page.kind(), Kind::Usage);
    }
}
