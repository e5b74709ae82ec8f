//! `Worker`: a process that answers questions, kept warm; one that takes too long or dies is replaced.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{Mutex, OwnedMutexGuard},
    time::{Instant, timeout_at},
};

use super::{
    child::{
        Wall,
        question::{Named, Question, Reply},
    },
    error_page::ErrorPage,
    given_names::GivenNames,
    jobs::start::Program,
};
use crate::error::{Error, Kind};

/// Questions that one process answers before it is replaced.
const ANSWERS: u32 = 500;

struct Process {
    _child: Child,
    questions: ChildStdin,
    replies: Lines<BufReader<ChildStdout>>,
    answered: u32,
    /// What it was started for.
    named: Named,
}

impl Process {
    /// Whether its fence lets it answer a question that names these paths: a fence cannot be widened.
    fn may(&self, named: &Named, folders: &Folders) -> bool {
        let covered = |path: &PathBuf, by: &[PathBuf], more: &[PathBuf]| {
            by.iter().chain(more).any(|folder| path.starts_with(folder))
        };
        let is_there = |path: &PathBuf| covered(path, &self.named.reads, &folders.reads);
        self.named.job == named.job
            && self.named.list == named.list
            && named.reads.iter().all(is_there)
            && named.writes.iter().all(|path| covered(path, &self.named.writes, &folders.writes))
    }
}

/// What a worker's processes may open, whatever they are asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folders {
    /// Read.
    pub(crate) reads: Vec<PathBuf>,
    /// Written into.
    pub(crate) writes: Vec<PathBuf>,
}

/// A process that is free to answer: it belongs to whoever holds this.
pub(crate) struct Turn(OwnedMutexGuard<Option<Process>>);

/// A process that answers one question at a time, fenced in.
pub(crate) struct Worker {
    program: Program,
    wall: Wall,
    folders: Folders,
    /// For the pages of what goes wrong.
    names: Arc<GivenNames>,
    process: Arc<Mutex<Option<Process>>>,
    /// What the fence of its process was made for has changed.
    is_stale: AtomicBool,
}

impl Worker {
    /// A process of this program behind this wall; it is started by the first question.
    #[must_use]
    pub(crate) fn new(program: Program, wall: Wall, folders: Folders, names: Arc<GivenNames>) -> Worker {
        Worker { program, wall, folders, names, process: Arc::default(), is_stale: AtomicBool::new(false) }
    }

    /// The next question gets a new process: there are datasets that the present one may not open.
    pub(crate) fn renew(&self) {
        self.is_stale.store(true, Ordering::Release);
    }

    fn start(&self, named: Named) -> Result<Process, Error> {
        let mut command = Command::new(&self.program.binary);
        command.args(["work", self.wall.word()]).args(&named.job);
        let flags = |flag: &'static str, paths: Vec<&Path>| {
            paths.into_iter().flat_map(move |path| [Path::new(flag), path].map(PathBuf::from)).collect::<Vec<_>>()
        };
        let all = |paths: &[PathBuf], more: &[PathBuf]| paths.iter().chain(more).cloned().collect::<Vec<_>>();
        let (reads, writes) = (all(&self.folders.reads, &named.reads), all(&self.folders.writes, &named.writes));
        command.args(flags("--read", reads.iter().map(PathBuf::as_path).collect()));
        command.args(flags("--write", writes.iter().map(PathBuf::as_path).collect()));
        command.args(flags("--list", named.list.iter().map(PathBuf::as_path).collect()));
        command.current_dir(&self.program.root).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // One image, one small network: a second thread costs more than it gives.
        command.env("OMP_NUM_THREADS", "1").env("MKL_NUM_THREADS", "1");
        let mut child = command.spawn().map_err(|source| Error::io("start", &self.program.binary, &source))?;
        let (Some(questions), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new(Kind::Io, "a process of the server has no standard input or output"));
        };
        Ok(Process { _child: child, questions, replies: BufReader::new(out).lines(), answered: 0, named })
    }

    /// Starts the process, so that the first question need not wait for it.
    pub(crate) async fn warm(&self) {
        let _ = self.ask_raw(&Question::Ready, Duration::from_secs(60), |_| ()).await;
    }

    /// The answer; `told` gets what the process says on the way.
    ///
    /// # Errors
    /// The page of the task; `Kind::Limit` after `limit`; `Kind::Job` when the process died.
    pub(crate) async fn ask_raw(
        &self,
        question: &Question,
        limit: Duration,
        told: impl FnMut(&Reply) + Send,
    ) -> Result<Value, ErrorPage> {
        self.reply(self.turn().await, question, limit, told).await
    }

    /// Comes back when the process is free: whoever goes away before has asked nothing.
    pub(crate) async fn turn(&self) -> Turn {
        Turn(Arc::clone(&self.process).lock_owned().await)
    }

    async fn reply(
        &self,
        Turn(mut slot): Turn,
        question: &Question,
        limit: Duration,
        mut told: impl FnMut(&Reply) + Send,
    ) -> Result<Value, ErrorPage> {
        // A question whose asker has gone would leave its reply to the next one: the process is taken out meanwhile.
        let named = question.named();
        let is_stale = self.is_stale.swap(false, Ordering::AcqRel);
        let fits = |process: &Process| !is_stale && process.answered < ANSWERS && process.may(&named, &self.folders);
        let mut process = match slot.take().filter(fits) {
            Some(process) => process,
            None => self.start(named).map_err(|error| ErrorPage::of(&error))?,
        };
        let mut line = serde_json::to_vec(question)
            .map_err(|cause| ErrorPage::of(&Error::new(Kind::Usage, format!("a question has no form: {cause}"))))?;
        line.push(b'\n');
        let deadline = Instant::now() + limit;
        let reply = timeout_at(deadline, async {
            process.questions.write_all(&line).await.ok()?;
            process.questions.flush().await.ok()?;
            loop {
                let line = process.replies.next_line().await.ok()??;
                let reply: Reply = serde_json::from_str(&line).ok()?;
                if matches!(reply, Reply::Progress { .. }) {
                    told(&reply);
                } else {
                    return Some(reply);
                }
            }
        })
        .await;
        let page = match reply {
            Ok(Some(reply)) => {
                process.answered += 1;
                *slot = Some(process);
                return match reply {
                    Reply::Done(mut value) => {
                        self.names.in_answer(&mut value);
                        Ok(value)
                    }
                    Reply::Failed(page) => Err(self.names.in_page(*page)),
                    Reply::Progress { .. } => Ok(Value::Null),
                };
            }
            Ok(None) => Error::new(Kind::Limit, "the process that looked at it ended without an answer")
                .with_fact("perhaps", "it used more memory than the machine has, or libtorch ended it")
                .with_help("try it in a terminal: digits-rs check FILE says more"),
            Err(_) => Error::new(Kind::Limit, format!("it took more than {} s and was stopped", limit.as_secs()))
                .with_help("a loop without an end, or a network too large to try here?"),
        };
        let named = process.named.clone();
        drop(process);
        *slot = self.start(named).ok();
        Err(ErrorPage::of(&page))
    }

    /// The answer as a struct.
    ///
    /// # Errors
    /// As [`Worker::ask_raw`].
    pub(crate) async fn ask<T: DeserializeOwned>(&self, question: &Question, limit: Duration) -> Result<T, ErrorPage> {
        self.ask_in(self.turn().await, question, limit).await
    }

    /// The answer as a struct, for whoever has the turn.
    ///
    /// # Errors
    /// As [`Worker::ask_raw`].
    pub(crate) async fn ask_in<T: DeserializeOwned>(
        &self,
        turn: Turn,
        question: &Question,
        limit: Duration,
    ) -> Result<T, ErrorPage> {
        let value = self.reply(turn, question, limit, |_| ()).await?;
        serde_json::from_value(value)
            .map_err(|cause| ErrorPage::of(&Error::new(Kind::Io, format!("an answer cannot be read: {cause}"))))
    }
}
