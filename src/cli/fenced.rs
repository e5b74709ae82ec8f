//! The fence around a command that runs a pasted file, how much memory it has for tensors, and the choice to go without it.

use std::path::{Path, PathBuf};

use super::{early_thread, held, report};
use crate::{
    error::{Error, Result},
    fence::{self, Reach},
    tasks::reach,
    torch::memory,
};

/// What holds a network file's process.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[command(next_help_heading = "What the network file may use")]
pub(super) struct FenceFlags {
    /// Let the network file's process keep all rights of its user: for your own files only
    #[arg(long)]
    no_fence: bool,
    /// Memory for the tensors that the network file makes [default: 8192, or three quarters of what is available if that is less]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=MOST_MEMORY))]
    memory_limit: Option<u64>,
}

/// The most that `--memory-limit` takes, in MiB: bytes are counted in 64 bits.
const MOST_MEMORY: u64 = 1 << 40;

impl FenceFlags {
    /// Without the fence.
    pub(super) fn is_off(self) -> bool {
        self.no_fence
    }

    /// The words that give a process of this program the same memory limit.
    pub(super) fn memory_words(self) -> Vec<String> {
        self.memory_limit.map_or_else(Vec::new, |mib| vec!["--memory-limit".into(), mib.to_string()])
    }

    /// From now on tensors keep to the memory that was given.
    pub(super) fn limit_memory(self) {
        if let Some(mib) = self.memory_limit {
            memory::set_common_limit(mib << 20);
        }
    }

    /// Fences the process in, before the network file is read, and sets its memory limit.
    pub(super) fn enter(self, reach: &Reach) {
        self.limit_memory();
        if self.no_fence {
            report::warning("no fence: what runs here may do whatever you may do");
            return;
        }
        Self::close(reach);
    }

    /// As [`FenceFlags::enter`]; `connect` is called when the process has given up its files and not yet the network.
    ///
    /// # Errors
    /// Those of `connect`.
    pub(super) fn enter_connected<T>(self, reach: &Reach, connect: impl FnOnce() -> Result<T>) -> Result<T> {
        self.limit_memory();
        if self.no_fence {
            report::warning("no fence: what runs here may do whatever you may do");
            return connect();
        }
        fence::enter_thread_connecting(&reach.clone().connecting());
        let connected = connect()?;
        Self::close(reach);
        Ok(connected)
    }

    fn close(reach: &Reach) {
        let held = fence::enter(reach);
        // The thread that reads the dataset ahead keeps itself to the dataset.
        early_thread::wait_until_fenced();
        held::note(held);
    }
}

/// What a command with this job reaches, the built-in sample unpacked when the job wants it: what is fenced may not write it.
///
/// # Errors
/// When the sample cannot be written.
pub(super) fn job(folder: &Path) -> Result<Reach> {
    if let Some(options) = reach::options_of_job(folder) {
        reach::prepare_sample(&options)?;
    }
    Ok(reach::job(folder))
}

/// As [`job`], for a job that is only tested or exported: one that keeps what that needs of its dataset is read alone.
///
/// # Errors
/// When the sample cannot be written.
pub(super) fn trained(folder: &Path) -> Result<Reach> {
    if reach::is_whole(folder) { Ok(reach::trained(folder)) } else { job(folder) }
}

/// A folder for results, made before the fence goes up. Folders that it made and that are still empty when it is dropped are
/// removed.
#[derive(Debug)]
pub(super) struct Outlet {
    folder: PathBuf,
    /// Deepest first.
    made: Vec<PathBuf>,
}

impl Outlet {
    /// Makes the folder, with those above it.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn make(doing: &str, folder: &Path) -> Result<Outlet> {
        let missing = folder.ancestors().filter(|path| !path.as_os_str().is_empty());
        let made: Vec<PathBuf> = missing.take_while(|path| !path.exists()).map(Path::to_path_buf).collect();
        let outlet = Outlet { folder: folder.to_path_buf(), made };
        std::fs::create_dir_all(folder).map_err(|source| Error::io(doing, folder, &source))?;
        Ok(outlet)
    }

    /// Writing into it, and removing what was made when it stays empty.
    pub(super) fn reach(&self) -> Reach {
        let reach = Reach::default().writing(&self.folder);
        let above = self.made.last().and_then(|topmost| topmost.parent());
        let named = above.map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
        named.into_iter().fold(reach, Reach::tidying)
    }

    /// The folders that it made, deepest first, for [`tidy`].
    pub(super) fn made(&self) -> Vec<PathBuf> {
        self.made.clone()
    }
}

/// Removes those of these folders that are empty.
pub(super) fn tidy(made: &[PathBuf]) {
    for folder in made {
        let _ = std::fs::remove_dir(folder); // not empty: it has its results
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        tidy(&self.made);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_folders_that_were_made_go_and_others_stay() {
        let root = tempfile::tempdir().unwrap();
        let jobs = root.path().join("jobs");
        drop(Outlet::make("make", &jobs.join("a/b")).unwrap());
        assert!(!jobs.exists());
        let outlet = Outlet::make("make", &jobs.join("a")).unwrap();
        std::fs::write(jobs.join("a/result"), "1").unwrap();
        drop(outlet);
        assert!(jobs.join("a/result").exists());
        std::fs::create_dir(root.path().join("empty")).unwrap();
        drop(Outlet::make("make", &root.path().join("empty")).unwrap());
        assert!(root.path().join("empty").exists());
    }
}
