//! Answers to questions: each is one call of a task.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json};

use super::question::{MakeDataset, Question, Reply};
use crate::{
    data::sample,
    error::{Error, Kind, Result},
    studio::error_page::ErrorPage,
    tasks::{
        Observer, SnapshotChoice,
        dataset::{self, InfoRequest},
        export,
        inference::{self, OpenJob},
        look, preview,
        records::{self, DatabaseChoice, OpenDatabase},
    },
    train::Stop,
};

/// What stays open between questions.
#[derive(Default)]
pub(crate) struct Answerer {
    database: Option<(DatabaseChoice, OpenDatabase)>,
    job: Option<(PathBuf, String, OpenJob)>,
}

impl Answerer {
    /// Answers; `tell` gets what is to be known on the way.
    ///
    /// # Errors
    /// As the task.
    pub(crate) fn answer(&mut self, question: Question, tell: &mut (dyn FnMut(&Reply) + Send)) -> Result<Value> {
        match question {
            Question::Ready => Ok(Value::Null),
            Question::Check { source, request, crop } => {
                let found = look::look(source, &request, crop);
                let mut value = value(&found)?;
                value["error"] = serde_json::to_value(found.error.as_ref().map(ErrorPage::of)).unwrap_or_default();
                Ok(value)
            }
            Question::Augmentation { options, count } => {
                let made = preview::augmented(&options, count)?;
                let pictures: Vec<String> = made.iter().map(|png| STANDARD.encode(png)).collect();
                Ok(json!({"input": pictures.first(), "pictures": pictures.get(1..)}))
            }
            Question::Dataset(folder) => value(&dataset::info(&InfoRequest { dataset: folder })?),
            Question::Database(path) => value(&records::database(&path)?),
            Question::Records(request) => {
                let database = self.database(&request.database)?;
                value(&database.page(&request)?)
            }
            Question::Record { database, index } => value(&self.database(&database)?.facts(index)?),
            Question::Picture { database, index, side, max } => {
                Ok(STANDARD.encode(self.database(&database)?.picture(index, side, max)?).into())
            }
            Question::Resized { file, shape, resize, side } => {
                Ok(STANDARD.encode(records::resized(&file, shape, resize, side)?).into())
            }
            Question::Scan(request) => value(&dataset::scan(&request)?),
            Question::ScanLists(request) => value(&dataset::scan_lists(&request)?),
            Question::ScanPairs(request) => value(&dataset::scan_pairs(&request)?),
            Question::Make(how) => make(how, &mut Telling::to(tell)),
            Question::Examine(request) => {
                let job = self.job(&request.job, request.snapshot)?;
                value(&job.examine(&request)?)
            }
            Question::Page(request) => value(&inference::image(&request)?),
            Question::TestList(request) => value(&inference::list(&request, &mut Telling::to(tell), &Stop::default())?),
            Question::TestDatabase(request) => {
                value(&inference::database(&request, &mut Telling::to(tell), &Stop::default())?)
            }
            Question::Top(request) => value(&inference::top(&request, &mut Telling::to(tell))?),
            Question::Strip(request) => inference::strip(&request).map(|()| Value::Null),
            Question::Export(request) => value(&export::export(&request)?),
        }
    }

    fn database(&mut self, choice: &DatabaseChoice) -> Result<&mut OpenDatabase> {
        if self.database.as_ref().is_none_or(|(open, _)| open != choice) {
            self.database = None;
            self.database = Some((choice.clone(), OpenDatabase::open(choice)?));
        }
        let open = self.database.as_mut().map(|(_, database)| database);
        open.ok_or_else(|| Error::new(Kind::Data, "the database is closed"))
    }

    /// The best and the last snapshot of a running job change: only a named epoch is kept open.
    fn job(&mut self, folder: &PathBuf, snapshot: SnapshotChoice) -> Result<&OpenJob> {
        let name = snapshot.to_string();
        let stays = matches!(snapshot, SnapshotChoice::Epoch(_));
        let is_open = |open: &(PathBuf, String, OpenJob)| open.0 == *folder && open.1 == name;
        if !stays || !self.job.as_ref().is_some_and(is_open) {
            self.job = None;
            self.job = Some((folder.clone(), name, OpenJob::open(folder, snapshot)?));
        }
        let open = self.job.as_ref().map(|(_, _, job)| job);
        open.ok_or_else(|| Error::new(Kind::Job, "the job is closed"))
    }
}

fn make(how: MakeDataset, observer: &mut Telling<'_>) -> Result<Value> {
    match how {
        MakeDataset::Folder(request) => value(&dataset::folder(&request, observer, &Stop::default())?),
        MakeDataset::Lists(request) => value(&dataset::lists(&request, observer, &Stop::default())?),
        MakeDataset::Pairs(request) => value(&dataset::pairs(&request, observer, &Stop::default())?),
        MakeDataset::Generic(request) => value(&dataset::generic(&request, &Stop::default())?),
        MakeDataset::Sample(folder) => value(&sample::ensure(&folder)?),
    }
}

fn value(result: &impl Serialize) -> Result<Value> {
    serde_json::to_value(result)
        .map_err(|cause| Error::new(Kind::Io, "an answer has no form in JSON").with_cause(cause.to_string()))
}

/// Hands progress on.
struct Telling<'a> {
    tell: &'a mut (dyn FnMut(&Reply) + Send),
    stage: String,
    total: u64,
    told: std::time::Instant,
}

impl<'a> Telling<'a> {
    fn to(tell: &'a mut (dyn FnMut(&Reply) + Send)) -> Telling<'a> {
        Telling { tell, stage: String::new(), total: 0, told: std::time::Instant::now() }
    }

    fn say(&mut self, done: u64) {
        (self.tell)(&Reply::Progress { stage: self.stage.clone(), done, total: self.total });
        self.told = std::time::Instant::now();
    }
}

impl Observer for Telling<'_> {
    fn stage(&mut self, name: &str, total: u64) {
        (self.stage, self.total) = (name.to_string(), total);
        self.say(0);
    }

    fn done(&mut self, done: u64) {
        if done == self.total || self.told.elapsed().as_millis() >= 100 {
            self.say(done);
        }
    }
}
