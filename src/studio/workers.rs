//! `Worker`: a process that answers questions, kept warm; one that takes too long or dies is replaced.

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
    time::{Instant, timeout_at},
};

use super::{
    child::question::{Question, Reply},
    error_page::ErrorPage,
};
use crate::error::{Error, Kind};

/// Questions that one process answers before it is replaced.
const ANSWERS: u32 = 500;

struct Process {
    _child: Child,
    questions: ChildStdin,
    replies: Lines<BufReader<ChildStdout>>,
    answered: u32,
}

/// A process that answers one question at a time.
pub(crate) struct Worker {
    binary: PathBuf,
    root: PathBuf,
    /// `pasted` or `data`.
    wall: &'static str,
    process: Mutex<Option<Process>>,
}

impl Worker {
    /// A process of this program behind this wall; it is started by the first question.
    #[must_use]
    pub(crate) fn new(binary: PathBuf, root: PathBuf, wall: &'static str) -> Worker {
        Worker { binary, root, wall, process: Mutex::default() }
    }

    fn start(&self) -> Result<Process, Error> {
        let mut command = Command::new(&self.binary);
        command.args(["work", self.wall]).current_dir(&self.root).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // One image, one small network: a second thread costs more than it gives.
        command.env("OMP_NUM_THREADS", "1").env("MKL_NUM_THREADS", "1");
        let mut child = command.spawn().map_err(|source| Error::io("start", &self.binary, &source))?;
        let (Some(questions), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new(Kind::Io, "a process of the server has no standard input or output"));
        };
        Ok(Process { _child: child, questions, replies: BufReader::new(out).lines(), answered: 0 })
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
        mut told: impl FnMut(&Reply) + Send,
    ) -> Result<Value, ErrorPage> {
        let mut slot = self.process.lock().await;
        // A question whose asker has gone would leave its reply to the next one: the process is taken out meanwhile.
        let mut process = match slot.take().filter(|process| process.answered < ANSWERS) {
            Some(process) => process,
            None => self.start().map_err(|error| ErrorPage::of(&error))?,
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
                    Reply::Done(value) => Ok(value),
                    Reply::Failed(page) => Err(*page),
                    Reply::Progress { .. } => Ok(Value::Null),
                };
            }
            Ok(None) => Error::new(Kind::Limit, "the process that looked at it ended without an answer")
                .with_fact("perhaps", "it used more memory than the machine has, or libtorch ended it")
                .with_help("try it in a terminal: digits-rs check FILE says more"),
            Err(_) => Error::new(Kind::Limit, format!("it took more than {} s and was stopped", limit.as_secs()))
                .with_help("a loop without an end, or a network too large to try here?"),
        };
        drop(process);
        *slot = self.start().ok();
        Err(ErrorPage::of(&page))
    }

    /// The answer as a struct.
    ///
    /// # Errors
    /// As [`Worker::ask_raw`].
    pub(crate) async fn ask<T: DeserializeOwned>(&self, question: &Question, limit: Duration) -> Result<T, ErrorPage> {
        let value = self.ask_raw(question, limit, |_| ()).await?;
        serde_json::from_value(value)
            .map_err(|cause| ErrorPage::of(&Error::new(Kind::Io, format!("an answer cannot be read: {cause}"))))
    }
}
