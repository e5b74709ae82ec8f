//! `JobDir`: the one writer of a job directory.

use std::{
    fs::{File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::Write,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    clock::Stamp,
    event::Event,
    file,
    lock::Lock,
    other_work::refuse_other_work,
    record::{Best, JobRecord, Status},
    replace::{TEMPORARY, replace, replace_json},
    view::JobView,
};
use crate::error::{Error, Kind, Result, escaped, shell_path};

/// How grave a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Progress and facts.
    Info,
    /// Something the user may want to change.
    Warning,
    /// What ended the run.
    Error,
}

impl Level {
    /// As DIGITS writes it inside the brackets: `INFO ` has a trailing blank.
    fn word(self) -> &'static str {
        match self {
            Level::Info => "INFO ",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
        }
    }
}

/// Appends to a job's `log.txt`; several may do so, each line is whole.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    /// None where nothing is written.
    file: Option<File>,
}

impl LogWriter {
    /// Appends lines, each with DIGITS' prefix: `2026-11-24 06:50:00 [INFO ] text`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, level: Level, text: &str) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let prefix = format!("{} [{}] ", Stamp::now().log(), level.word());
        let lines: String = escaped(text).lines().map(|line| format!("{prefix}{line}\n")).collect();
        file.write_all(lines.as_bytes()).map_err(|source| Error::io("write", &self.path, &source))
    }
}

/// A job directory, open for writing; no other process can write it while this value lives. Of several processes that train
/// together one writes, and the others have one that takes everything and writes nothing.
#[derive(Debug)]
pub struct JobDir {
    path: PathBuf,
    record: JobRecord,
    /// None where nothing is written.
    metrics: Option<File>,
    metrics_len: u64,
    log: LogWriter,
    _lock: Option<Lock>,
}

impl JobDir {
    /// A path for a new job below `folder`: `YYYYMMDD-HHMMSS-xxxx` in local time, not taken yet.
    #[must_use]
    pub fn fresh_path(folder: &Path) -> PathBuf {
        loop {
            let salt = RandomState::new().hash_one(std::process::id()) & 0xffff;
            let path = folder.join(format!("{}-{salt:04x}", Stamp::now().id()));
            if !path.exists() {
                return path;
            }
        }
    }

    /// Makes the directory `path` with the network file, `network.lua` or `network.py` by `file_name`, and `job.json`.
    ///
    /// # Errors
    /// `Kind::Job` when a job is there already or another process writes there, `Kind::Io` when it cannot be
    /// written.
    pub fn create(path: &Path, file_name: &str, network: &str, mut record: JobRecord) -> Result<JobDir> {
        let snapshots = path.join(file::SNAPSHOTS);
        refuse_other_work(path)?;
        std::fs::create_dir_all(path).map_err(|source| Error::io("make the job folder", path, &source))?;
        let lock = Lock::take(path)?;
        if path.join(file::RECORD).exists() {
            return Err(Error::new(Kind::Job, format!("{} holds a job already", path.display())).with_help(format!(
                "go on with it: digits-rs run --resume {}\nor give the new run another folder with --job DIR",
                shell_path(path)
            )));
        }
        std::fs::create_dir_all(&snapshots).map_err(|source| Error::io("make the folder", &snapshots, &source))?;
        record.id = path.file_name().map_or_else(|| "job".into(), |name| name.to_string_lossy().into_owned());
        let job = JobDir::attach(path, record, Some(lock))?;
        job.replace(file_name, network.as_bytes())?;
        job.replace_json(file::RECORD, &job.record)?;
        Ok(job)
    }

    /// The job of another process, for one that trains with it: everything is taken, nothing is written or read.
    #[must_use]
    pub fn of_another(path: &Path, record: JobRecord) -> JobDir {
        let log = LogWriter { path: path.join(file::LOG), file: None };
        JobDir { path: path.to_path_buf(), record, metrics: None, metrics_len: 0, log, _lock: None }
    }

    /// Whether this process is the one that writes.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.metrics.is_some()
    }

    /// Takes away what a job left that came to nothing, so that another may begin in its folder. Results of tests stay.
    ///
    /// # Errors
    /// `Kind::Job` when a process writes it, `Kind::Io` when the disk refuses.
    pub fn forget(path: &Path) -> Result<()> {
        let _lock = Lock::take(path)?;
        let names = [file::METRICS, file::LOG, file::BEST, file::ERROR, file::PREPROCESSING, file::MEAN, file::RECORD];
        for path in names.map(|name| path.join(name)) {
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path, &source));
                }
                _ => {}
            }
        }
        for folder in [file::BESIDE, file::TENSORBOARD] {
            let _ = std::fs::remove_dir_all(path.join(folder)); // none: nothing to take away
        }
        Ok(())
    }

    /// Opens an existing job to go on with it.
    ///
    /// # Errors
    /// `Kind::Job` when there is none, it is damaged, its network file was changed, or another process writes it.
    pub fn resume(path: &Path) -> Result<JobDir> {
        let view = JobView::open(path)?;
        let lock = Lock::take(path)?;
        let record = view.record()?;
        view.trained_network(&record)?;
        for leftover in leftovers(&[path.to_path_buf(), path.join(file::SNAPSHOTS)]) {
            let _ = std::fs::remove_file(leftover); // an unfinished write of a killed process: only lost space
        }
        JobDir::attach(path, record, Some(lock))
    }

    fn attach(path: &Path, record: JobRecord, lock: Option<Lock>) -> Result<JobDir> {
        let append = |name: &str| -> Result<File> {
            let path = path.join(name);
            OpenOptions::new()
                .append(true)
                .create(true)
                .open(&path)
                .map_err(|source| Error::io("write", &path, &source))
        };
        let metrics = append(file::METRICS)?;
        let log = LogWriter { path: path.join(file::LOG), file: Some(append(file::LOG)?) };
        let metrics_len = metrics.metadata().map_or(0, |meta| meta.len());
        Ok(JobDir { path: path.to_path_buf(), record, metrics: Some(metrics), metrics_len, log, _lock: lock })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `job.json` as it stands.
    #[must_use]
    pub fn record(&self) -> &JobRecord {
        &self.record
    }

    /// The job as readers see it.
    #[must_use]
    pub fn view(&self) -> JobView {
        JobView::at(&self.path)
    }

    /// Changes `job.json`.
    ///
    /// # Errors
    /// When it cannot be written; the old one is then intact.
    pub fn update(&mut self, change: impl FnOnce(&mut JobRecord)) -> Result<()> {
        change(&mut self.record);
        self.replace_json(file::RECORD, &self.record)
    }

    /// Sets the status, and with it the time of the start or the end.
    ///
    /// # Errors
    /// When `job.json` cannot be written.
    pub fn set_status(&mut self, status: Status) -> Result<()> {
        let now = Stamp::now().rfc3339();
        self.update(|record| {
            record.status = status;
            match status {
                Status::Initialized => {}
                Status::Running => {
                    record.started = Some(now);
                    record.finished = None;
                    record.error = None;
                }
                Status::Done | Status::Aborted | Status::Error => record.finished = Some(now),
            }
        })
    }

    /// Notes the page that ended the run, as far as the disk lets it: in a file of its own, in the log and in `job.json`.
    ///
    /// # Errors
    /// When the disk refuses a part; the others are then written.
    pub fn set_failed(&mut self, page: &Error) -> Result<()> {
        self.record.error = Some(page.message().to_string());
        let results = [
            self.replace(file::ERROR, format!("{page}\n").as_bytes()),
            self.log(Level::Error, &page.to_string()),
            self.set_status(Status::Error),
        ];
        results.into_iter().collect()
    }

    /// Notes the page that ends this process in every job that it trains. For another thread than the training's, which will
    /// not come back: what that one has not written yet is lost.
    pub fn set_all_failed(page: &Error) {
        for path in Lock::all_held_here() {
            let _ = JobDir::set_failed_at(&path, page); // the page is printed in any case
        }
    }

    /// [`JobDir::set_failed`] in the name of the writer of `path`, which is in this process.
    fn set_failed_at(path: &Path, page: &Error) -> Result<()> {
        let record = JobView::at(path).record()?;
        if record.status != Status::Running {
            return Ok(());
        }
        JobDir::attach(path, record, None)?.set_failed(page)
    }

    /// Appends lines to `log.txt`, each with DIGITS' prefix: `2026-11-24 06:50:00 [INFO ] text`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn log(&mut self, level: Level, text: &str) -> Result<()> {
        self.log.write(level, text)
    }

    /// Another way to append to `log.txt`.
    ///
    /// # Errors
    /// When the system has no more file handles.
    pub fn log_writer(&self) -> Result<LogWriter> {
        let LogWriter { path, file } = &self.log;
        let file =
            file.as_ref().map(File::try_clone).transpose().map_err(|source| Error::io("write", path, &source))?;
        Ok(LogWriter { path: path.clone(), file })
    }

    /// Appends an event to `metrics.jsonl` in one write.
    ///
    /// # Errors
    /// When the disk refuses; a part of the line that was written is taken back.
    pub fn append(&mut self, event: &Event) -> Result<()> {
        let Some(metrics) = &mut self.metrics else { return Ok(()) };
        let line = event.to_line().into_bytes();
        match metrics.write_all(&line) {
            Ok(()) => {
                self.metrics_len += line.len() as u64;
                Ok(())
            }
            Err(source) => {
                let _ = metrics.set_len(self.metrics_len);
                Err(Error::io("write", &self.path.join(file::METRICS), &source))
            }
        }
    }

    /// Bytes in `metrics.jsonl`, all of them safely on the disk when this returns: a snapshot notes the number.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn synced_metrics_len(&self) -> Result<u64> {
        let synced = self.metrics.as_ref().map_or(Ok(()), File::sync_data);
        synced.map_err(|source| Error::io("write", &self.path.join(file::METRICS), &source))?;
        Ok(self.metrics_len)
    }

    /// Cuts `metrics.jsonl` back to `len` bytes: the points behind the snapshot that a run resumes from will be
    /// made again.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn rewind_metrics(&mut self, len: u64) -> Result<()> {
        if let Some(metrics) = self.metrics.as_ref().filter(|_| len < self.metrics_len) {
            let path = self.path.join(file::METRICS);
            metrics.set_len(len).map_err(|source| Error::io("write", &path, &source))?;
            self.metrics_len = len;
        }
        Ok(())
    }

    /// Notes the best snapshot.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_best(&self, best: &Best) -> Result<()> {
        self.replace_json(file::BEST, best)
    }

    /// Writes the file `name` (below the job directory): a temporary file beside it, fsync, rename. Readers see the
    /// old file or the new one, never a part.
    ///
    /// # Errors
    /// When the disk refuses; the old file is then intact.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        if self.writes() { replace(&self.path.join(name), bytes) } else { Ok(()) }
    }

    /// Removes the file `name`; that it is not there is fine.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove(&self, name: &str) -> Result<()> {
        if !self.writes() {
            return Ok(());
        }
        let path = self.path.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &path, &source)),
            _ => Ok(()),
        }
    }

    /// Moves the snapshots behind `epoch` into `snapshots/left/`, so that the one of `epoch` is the last: a run that
    /// goes on from there writes their names again.
    ///
    /// # Errors
    /// `Kind::Job` when there is no snapshot of that epoch, `Kind::Io` when the disk refuses.
    pub fn put_later_snapshots_aside(&mut self, epoch: f64) -> Result<()> {
        let all = self.view().snapshots()?;
        let at = self.view().snapshot_of(epoch)?.epoch;
        let left = self.path.join(file::SNAPSHOTS).join("left");
        for later in all.iter().filter(|snapshot| snapshot.epoch > at) {
            std::fs::create_dir_all(&left).map_err(|source| Error::io("make the folder", &left, &source))?;
            let to = left.join(later.path.file_name().unwrap_or_default());
            std::fs::rename(&later.path, &to).map_err(|source| Error::io("write", &to, &source))?;
        }
        // The best one so far may be among them; the run notes its own again.
        self.remove(file::BEST)
    }

    fn replace_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        if self.writes() { replace_json(&self.path.join(name), value) } else { Ok(()) }
    }
}

/// Unfinished files of a process that was killed.
fn leftovers(folders: &[PathBuf]) -> Vec<PathBuf> {
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(TEMPORARY)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::testing::job;

    #[test]
    fn what_was_changed_in_a_job_is_named_and_no_file_elsewhere_is_its_best() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job");
        let job = job(&path);
        let view = job.view();
        assert_eq!(view.trained_network(job.record()).unwrap(), "net");
        std::fs::write(path.join("network.lua"), "other").unwrap();
        let page = view.trained_network(job.record()).unwrap_err().to_string();
        assert!(page.contains("was changed") && page.contains("network.lua"), "{page}");
        for (file, is_fine) in
            [("snapshots/a", true), ("/etc/passwd", false), ("snapshots/../../x", false), ("x", false)]
        {
            job.set_best(&Best { epoch: 1.0, iteration: 1, loss: 1.0, file: file.into() }).unwrap();
            assert_eq!(view.best().is_ok(), is_fine, "{file}");
        }
    }

    #[test]
    fn a_running_job_keeps_a_page_that_another_thread_gives_it_and_a_done_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job");
        let mut job = job(&path);
        let page = Error::new(Kind::Limit, "ended after more than twice the 10s allowed");

        job.set_status(Status::Done).unwrap();
        JobDir::set_failed_at(&path, &page).unwrap();
        assert_eq!(job.view().record().unwrap().status, Status::Done);

        job.set_status(Status::Running).unwrap();
        JobDir::set_failed_at(&path, &page).unwrap();
        let record = job.view().record().unwrap();
        assert_eq!((record.status, record.error.as_deref()), (Status::Error, Some(page.message())));
        for name in [file::ERROR, file::LOG] {
            assert!(std::fs::read_to_string(path.join(name)).unwrap().contains(page.message()), "{name}");
        }
    }
}
