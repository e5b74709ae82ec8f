//! What each process of the server opens, found before it does anything else: the fence is put up around that.

use std::path::Path;

use super::{Answers, Wall, Work};
use crate::{
    data::Place,
    error::Result,
    fence::Reach,
    studio::jobs::folder::{JobRequest, REQUEST},
    tasks::reach,
    torch::device::DeviceChoice,
};

/// What a process opens. Its working directory is the server's root.
///
/// # Errors
/// When the built-in sample, which a fenced process may not unpack, cannot be written.
pub fn reach(work: &Work) -> Result<Reach> {
    match work {
        Work::Train(folder) => training(folder),
        Work::Answer(answers) => answering(answers),
    }
}

fn training(folder: &Path) -> Result<Reach> {
    let needed = match JobRequest::read(folder, REQUEST) {
        Some(JobRequest::Begin(task)) => {
            reach::prepare_sample(&task.options)?;
            reach::options(&task.options)
        }
        _ => of_job(folder)?,
    };
    Ok(needed.writing(folder))
}

fn answering(answers: &Answers) -> Result<Reach> {
    let device = if answers.wall == Wall::Test { DeviceChoice::Auto } else { DeviceChoice::Cpu };
    let mut needed = reach::program(device);
    if answers.wall != Wall::Make {
        needed = needed.and(datasets(Path::new("datasets")));
    }
    if let Some(job) = &answers.job {
        needed = needed.and(of_job(job)?);
    }
    needed = answers.reads.iter().fold(needed, Reach::reading);
    needed = answers.lists.iter().map(|list| reach::list(list)).fold(needed, Reach::and);
    Ok(answers.writes.iter().fold(needed, Reach::writing))
}

/// A job with what its options name; the built-in sample unpacked when it wants it.
fn of_job(folder: &Path) -> Result<Reach> {
    if let Some(options) = reach::options_of_job(folder) {
        reach::prepare_sample(&options)?;
    }
    Ok(reach::job(folder))
}

/// The folder of datasets, with the databases elsewhere that they point to.
fn datasets(folder: &Path) -> Reach {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let places = entries.map(|entry| reach::dataset(&Place::Folder(entry.path())));
    places.fold(Reach::default().reading(folder), Reach::and)
}
