//! `TestRequest`: what a person wants tested.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inspect::output_kind::OutputKind;

/// Which database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum DatabaseRef {
    /// A split of a dataset.
    Split {
        /// Its id.
        dataset: String,
        /// `train`, `val` or `test`.
        split: String,
    },
    /// Any LMDB.
    Path {
        /// Its folder.
        path: String,
    },
}

/// A record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RecordRef {
    /// Where.
    #[serde(flatten)]
    pub(crate) database: DatabaseRef,
    /// From 0.
    pub(crate) index: u64,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImageRef {
    /// One that was sent.
    Upload(String),
    /// A record.
    Record(RecordRef),
    /// A file below the allowed folders.
    Path(String),
}

/// `best`, `last`, or an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SnapshotRef {
    /// Of this epoch.
    Epoch(f64),
    /// `best` or `last`.
    Word(String),
}

/// What is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum What {
    /// One image.
    One {
        /// The image.
        image: ImageRef,
        /// Whether a file is fitted as the dataset's images were; otherwise it goes in as it is.
        #[serde(default = "yes")]
        resize: bool,
        /// What the output is shown as; what it is when not given.
        #[serde(default)]
        #[schema(value_type = Option<String>, example = "boxes")]
        view: Option<OutputKind>,
        /// How many of the likeliest classes are listed.
        #[serde(default = "five")]
        top: u64,
    },
    /// The images of a list.
    Many {
        /// A text file or a folder of images: a path, or `upload:<id>`.
        list: String,
        /// What a text file's relative paths start from; its own folder when not given.
        #[serde(default)]
        folder: Option<String>,
        /// The first so many of a text file, 1 at least.
        #[serde(default)]
        limit: Option<usize>,
        /// How many of the likeliest classes are listed.
        #[serde(default = "five")]
        top: u64,
    },
    /// A whole database.
    Database {
        /// The database.
        database: DatabaseRef,
        /// Its labels, when they are in another one.
        #[serde(default)]
        labels_path: Option<String>,
    },
    /// The best images of each class.
    Top {
        /// The database.
        database: DatabaseRef,
        /// Of each class.
        count: u64,
    },
}

fn yes() -> bool {
    true
}

fn five() -> u64 {
    5
}

/// What a person wants tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TestRequest {
    /// The job's id.
    pub(crate) job: String,
    /// Which snapshot.
    pub(crate) snapshot: SnapshotRef,
    /// What.
    #[serde(flatten)]
    pub(crate) what: What,
}
