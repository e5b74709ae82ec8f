//! `Program`: this program, started again as a process of its own for each training.

use std::{
    fs::OpenOptions,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use super::folder::{CONSOLE, ERROR_PAGE, REQUEST};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
    job::{self, file},
    studio::error_page::ErrorPage,
};

/// How a process ended.
pub(crate) type Ended = Option<ExitStatus>;

/// This program, and the folder that its relative paths start from.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// Where `jobs` and `datasets` lie.
    pub(crate) root: PathBuf,
}

impl Program {
    /// Starts the training that waits in `folder`. The process is nobody's child when the server ends: it goes on.
    ///
    /// # Errors
    /// When no process can be started.
    pub(crate) fn train(&self, folder: &Path, ended: impl FnOnce(Ended) + Send + 'static) -> Result<()> {
        let console = folder.join(CONSOLE);
        let open = |path: &Path| OpenOptions::new().create(true).append(true).open(path);
        let out = open(&console).map_err(|source| Error::io("write", &console, &source))?;
        let also = out.try_clone().map_err(|source| Error::io("write", &console, &source))?;
        let _ = std::fs::remove_file(folder.join(ERROR_PAGE));
        let mut command = tokio::process::Command::new(&self.binary);
        command.args(["work", "train"]).arg(folder).current_dir(&self.root);
        command.stdin(Stdio::null()).stdout(out).stderr(also).process_group(0).kill_on_drop(false);
        let mut child = command.spawn().map_err(|source| Error::io("start", &self.binary, &source))?;
        let folder = folder.to_path_buf();
        tokio::spawn(async move {
            let status = child.wait().await.ok();
            explain(&folder, status);
            ended(status);
        });
        Ok(())
    }
}

/// A process that ended before its job had a record leaves a page: why.
fn explain(folder: &Path, status: Ended) {
    let has_word = [file::RECORD, ERROR_PAGE].into_iter().any(|name| folder.join(name).exists());
    if has_word || status.is_some_and(|status| status.success()) {
        return;
    }
    let how = match status.map(|status| (status.signal(), status.code())) {
        Some((Some(signal), _)) => format!("it was ended by signal {signal}"),
        Some((_, Some(code))) => format!("its exit status is {code}"),
        _ => "how is not known".to_string(),
    };
    let said = input::read_text(&folder.join(CONSOLE), Form::Record).unwrap_or_default();
    let mut page = Error::new(Kind::Job, "the process ended before it began to train").with_fact("how", how);
    if let Some(last) = said.lines().rev().find(|line| !line.trim().is_empty()) {
        page = page.with_fact("its last line", last);
    }
    let _ = std::fs::remove_file(folder.join(REQUEST));
    let text = serde_json::to_vec_pretty(&ErrorPage::of(&page)).unwrap_or_default();
    let _ = job::replace(&folder.join(ERROR_PAGE), &text);
}
