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
        dataset::{FolderRequest, GenericRequest, ListsRequest, PairsRequest},
        export::ExportRequest,
        inference::{
            DatabaseRequest, ExamineRequest, ImageChoice, ImageRequest, ListRequest, StripRequest, TopRequest,
        },
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
        /// Image or label.
        side: Side,
    },
    /// What a folder would become.
    Scan(FolderRequest),
    /// What lists would become.
    ScanLists(ListsRequest),
    /// What pairs of folders would become.
    ScanPairs(PairsRequest),
    /// A new dataset.
    Make(MakeDataset),
    /// One image through a job's network.
    Examine(ExamineRequest),
    /// The same as one self-contained page.
    Page(ImageRequest),
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

/// The paths that a question names, for the process that answers it: it may open these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// The job whose network it runs.
    pub(crate) job: Option<PathBuf>,
    /// Read.
    pub(crate) reads: Vec<PathBuf>,
    /// A list of images, read with them.
    pub(crate) list: Option<PathBuf>,
    /// Written into.
    pub(crate) writes: Vec<PathBuf>,
}

impl Question {
    /// The paths of a question about one job.
    #[must_use]
    pub(crate) fn named(&self) -> Named {
        let of = |job: &PathBuf, reads: Vec<PathBuf>| Named { job: Some(job.clone()), reads, ..Named::default() };
        let out = |out: &Option<PathBuf>| out.iter().cloned().collect();
        match self {
            Question::Examine(request) => {
                let (ImageChoice::File(path) | ImageChoice::Record { database: path, .. }) = &request.image;
                Named { writes: vec![request.out.clone()], ..of(&request.job, vec![path.clone()]) }
            }
            Question::Page(request) => {
                Named { writes: out(&request.out), ..of(&request.job, vec![request.image.clone()]) }
            }
            Question::TestList(request) => Named {
                list: Some(request.list.clone()),
                writes: out(&request.out),
                ..of(&request.job, vec![request.list.clone()])
            },
            Question::TestDatabase(request) => {
                let reads = std::iter::once(&request.database).chain(&request.labels).cloned().collect();
                Named { writes: out(&request.out), ..of(&request.job, reads) }
            }
            Question::Top(request) => of(&request.job, vec![request.database.clone()]),
            Question::Strip(request) => {
                Named { writes: vec![request.out.clone()], ..of(&request.job, vec![request.database.clone()]) }
            }
            Question::Export(request) => {
                let folder = request.out.as_deref().and_then(std::path::Path::parent);
                Named { writes: folder.map(PathBuf::from).into_iter().collect(), ..of(&request.job, Vec::new()) }
            }
            _ => Named::default(),
        }
    }
}

/// How a dataset is made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MakeDataset {
    /// Of a folder of class folders.
    Folder(FolderRequest),
    /// Of text lists.
    Lists(ListsRequest),
    /// Of inputs and label images.
    Pairs(PairsRequest),
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
