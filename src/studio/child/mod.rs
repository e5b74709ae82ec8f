//! What the server's own processes do: one training, or answers to questions, each behind its own wall.
//!
//! A process of the program for each training, each new dataset, for pasted text, for looking at data, for tests: a bad
//! file, a lack of memory or a kill takes none of the others down.

mod answer;
mod limits;
pub(crate) mod question;
mod reach;
mod training;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use super::error_page::ErrorPage;
use crate::{
    error::{Error, Kind, Result},
    tasks::panic,
    train::Stop,
};
pub use limits::Wall;
pub use reach::reach;

use answer::Answerer;
use question::{Question, Reply};

/// What a process is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// The training that waits in this job's folder.
    Train(PathBuf),
    /// Questions on standard input, one a line.
    Answer(Answers),
}

/// What a process that answers questions may open besides the program's own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// What it is for.
    pub wall: Wall,
    /// The job whose network it runs.
    pub job: Option<PathBuf>,
    /// Files, and folders with all that is below.
    pub reads: Vec<PathBuf>,
    /// Lists of images, which are read too.
    pub lists: Vec<PathBuf>,
    /// Folders with all that is below.
    pub writes: Vec<PathBuf>,
}

/// Does the work, fenced in by [`reach`] already; `stop` is requested by Ctrl-C or SIGTERM.
///
/// # Errors
/// What keeps a job from being trained; questions have their errors in their replies.
pub fn work(work: &Work, stop: &Stop) -> Result<()> {
    match work {
        Work::Train(folder) => train(folder, stop),
        Work::Answer(answers) => answer_all(answers.wall),
    }
}

fn train(folder: &Path, stop: &Stop) -> Result<()> {
    limits::give_way();
    let trained = training::run(folder, stop);
    if let Err(page) = &trained
        && page.kind() != Kind::Interrupted
    {
        training::leave_page(folder, page);
    }
    trained
}

/// Reads questions until standard input is closed.
fn answer_all(wall: Wall) -> Result<()> {
    let mut out = limits::private_stdout()?;
    limits::set(wall)?;
    let mut answerer = Answerer::default();
    let write = |out: &mut std::fs::File, reply: &Reply| {
        let mut line = serde_json::to_vec(reply).unwrap_or_else(|_| b"{}".to_vec());
        line.push(b'\n');
        out.write_all(&line).and_then(|()| out.flush())
    };
    for line in BufReader::new(std::io::stdin()).lines() {
        let Ok(line) = line else { break };
        let reply = match serde_json::from_str::<Question>(&line) {
            Err(cause) => failed(&Error::new(Kind::Usage, "the question cannot be read").with_cause(cause.to_string())),
            Ok(question) => {
                let mut tell = |reply: &Reply| drop(write(&mut out, reply));
                match catch_unwind(AssertUnwindSafe(|| answerer.answer(question, &mut tell))) {
                    Ok(Ok(value)) => Reply::Done(value),
                    Ok(Err(page)) => failed(&page),
                    Err(payload) => {
                        answerer = Answerer::default();
                        let words = panic::words(&*payload);
                        failed(
                            &Error::new(Kind::Torch, format!("internal error: {words}"))
                                .with_help("this is a bug in digits-rs: please report it with the network file"),
                        )
                    }
                }
            }
        };
        if write(&mut out, &reply).is_err() {
            break; // the server is gone
        }
    }
    Ok(())
}

fn failed(page: &Error) -> Reply {
    Reply::Failed(Box::new(ErrorPage::of(page)))
}
