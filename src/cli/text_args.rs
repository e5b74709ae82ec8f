//! The flags of `digits-rs dataset text`.

use std::path::PathBuf;

use clap::Args;

use crate::tasks::dataset::TextRequest;

fn default() -> TextRequest {
    TextRequest::new(PathBuf::new(), PathBuf::new())
}

/// Texts with a class each.
#[derive(Debug, Args)]
pub(super) struct TextArgs {
    /// The texts to train on: a CSV file of a class and text fields a line, or a folder with a subfolder of .txt files a class
    #[arg(long, value_name = "FILE|DIR")]
    train: PathBuf,
    /// The texts to validate on
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "val_percent")]
    val: Option<PathBuf>,
    /// Percent of each class for validation
    #[arg(long, default_value_t = default().val_percent, value_name = "PERCENT")]
    val_percent: f64,
    /// The classes' names, one on each line [default: the words in the files]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Characters of a record: longer texts are cut, shorter ones filled up; 1024 make records of 1x32x32
    #[arg(long, default_value_t = default().length, value_name = "N")]
    length: usize,
    /// Write the records in another order than the files have
    #[arg(long, default_value_t = default().shuffle, action = clap::ArgAction::Set, value_name = "true|false")]
    shuffle: bool,
    /// Seeds the division and the order of the records
    #[arg(long, default_value_t = default().seed)]
    seed: u64,
    /// The dataset folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl TextArgs {
    /// As the task takes them.
    pub(super) fn request(self) -> TextRequest {
        let TextArgs { train, val, val_percent, labels, length, shuffle, seed, out } = self;
        TextRequest { train, val, val_percent, labels, length, shuffle, seed, out }
    }
}
