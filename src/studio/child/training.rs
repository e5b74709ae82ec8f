//! The training that waits in a job's folder.

use std::path::Path;

use crate::{
    error::{Error, Result},
    job,
    studio::{
        error_page::ErrorPage,
        jobs::folder::{ERROR_PAGE, JobRequest},
    },
    tasks::{Observer, train},
    train::{
        Stop,
        engine::{Granted, Surroundings},
    },
};

/// Takes the request out of the folder and trains.
///
/// # Errors
/// As the training.
pub(crate) fn run(folder: &Path, stop: &Stop) -> Result<()> {
    match JobRequest::take(folder)? {
        JobRequest::Begin(mut task) => {
            task.job = Some(folder.to_path_buf());
            train::begin(task, None, &mut Quiet::default(), stop, None).map(drop)
        }
        JobRequest::Resume(mut task) => {
            task.job = folder.to_path_buf();
            train::go_on(task, None, &mut Quiet::default(), stop, None).map(drop)
        }
    }
}

/// Leaves the page of what ended the job in its folder, in parts.
pub(crate) fn leave_page(folder: &Path, page: &Error) {
    let text = serde_json::to_vec_pretty(&ErrorPage::of(page)).unwrap_or_default();
    let _ = job::replace(&folder.join(ERROR_PAGE), &text); // the page is also on standard error
}

/// The server reads the folder; the process is the run's alone.
#[derive(Default)]
struct Quiet(Option<Granted>);

impl Observer for Quiet {
    fn surroundings(&mut self, wanted: &Surroundings) {
        self.0 = Some(wanted.grant());
    }
}
