//! What the server asks its processes, and what they reply: JSON, one a line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    data::Resize,
    frontend::Source,
    studio::error_page::ErrorPage,
    tasks::{
        RunOptions,
        check::CheckRequest,
        dataset::{FolderRequest, GenericRequest, ListsRequest},
        export::ExportRequest,
        inference::{DatabaseRequest, ExamineRequest, ListRequest, StripRequest, TopRequest},
        records::{DatabaseChoice, RecordsRequest, Side},
    },
};

/// What is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// Whether the process is there.
    Ready,
    /// A network file, checked.
    Check {
        /// The file.
        source: Source,
        /// What is known about the data.
        request: CheckRequest,
        /// The square cut from each image.
        crop: Option<i64>,
    },
    /// What the loader makes of the first image.
    Augmentation {
        /// The run.
        options: Box<RunOptions>,
        /// So many epochs.
        count: u64,
    },
    /// What a dataset folder holds.
    Dataset(PathBuf),
    /// What the database in a folder is.
    Database(PathBuf),
    /// A page of records.
    Records(RecordsRequest),
    /// One record.
    Record {
        /// Where.
        database: DatabaseChoice,
        /// From 0.
        index: u64,
    },
    /// The picture of a record: base64.
    Picture {
        /// Where.
        database: DatabaseChoice,
        /// From 0.
        index: u64,
        /// Image or label.
        side: Side,
        /// Longest side.
        max: Option<usize>,
    },
    /// An image file as a dataset would hold it: base64.
    Resized {
        /// The file.
        file: PathBuf,
        /// `[c, h, w]`
        shape: [usize; 3],
        /// How it is fitted.
        resize: Resize,
    },
    /// What a folder would become.
    Scan(FolderRequest),
    /// A new dataset.
    Make(MakeDataset),
    /// One image through a job's network.
    Examine(ExamineRequest),
    /// Images of a list.
    TestList(ListRequest),
    /// A database.
    TestDatabase(DatabaseRequest),
    /// The surest images of each class.
    Top(TopRequest),
    /// The same images through several snapshots.
    Strip(StripRequest),
    /// A job's network as a file.
    Export(ExportRequest),
}

/// How a dataset is made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MakeDataset {
    /// Of a folder of class folders.
    Folder(FolderRequest),
    /// Of text lists.
    Lists(ListsRequest),
    /// Of databases that exist.
    Generic(GenericRequest),
    /// The built-in sample, in this folder.
    Sample(PathBuf),
}

/// What is replied; the last line to a question is `Done` or `Failed`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// How far it is.
    Progress {
        /// What is being done.
        stage: String,
        /// Steps finished.
        done: u64,
        /// Steps in all; 0 when that is not known.
        total: u64,
    },
    /// The answer.
    Done(serde_json::Value),
    /// The page of what is wrong.
    Failed(Box<ErrorPage>),
}
