//! A job as one archive, to be tested, exported and gone on with elsewhere.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{kept::Kept, panic, trained};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
    job::{self, JobView, PackedSnapshots},
};

/// The end of an archive's name.
const ENDING: &str = ".tar.gz";

/// What is packed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackRequest {
    /// The job's folder.
    pub job: PathBuf,
    /// The archive; by default `NAME.tar.gz` in the working directory.
    #[serde(default)]
    pub out: Option<PathBuf>,
    /// Every snapshot, not only the best and the last.
    #[serde(default)]
    pub all: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackReport {
    /// The archive.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How many files it holds.
    pub files: usize,
    /// Sentences about what was done besides.
    pub notes: Vec<String>,
}

/// Packs a job. One of before, which keeps nothing of its dataset, is completed first.
///
/// # Errors
/// When there is no job, its dataset is needed and not there, or the archive cannot be written.
pub fn pack(request: &PackRequest) -> Result<PackReport> {
    panic::guarded(|| {
        let (job, view) = (&request.job, JobView::open(&request.job)?);
        let mut notes = Vec::new();
        if !Kept::is_in(job) {
            let (kept, read) = trained::of_dataset(job, &view.record()?)?;
            kept.write(job)?;
            notes = read;
        }
        let absolute = std::path::absolute(job).map_err(|source| Error::io("find", job, &source))?;
        let name = absolute.file_name().map_or_else(|| "job".into(), |name| name.to_string_lossy().into_owned());
        let out = request.out.clone().unwrap_or_else(|| format!("{name}{ENDING}").into());
        let snapshots = if request.all { PackedSnapshots::All } else { PackedSnapshots::BestAndLast };
        let files = job::pack(job, &name, snapshots, &[], &out)?;
        let bytes = std::fs::metadata(&out).map_err(|source| Error::io("read", &out, &source))?.len();
        Ok(PackReport { file: out, bytes, files, notes })
    })
}

/// What is unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnpackRequest {
    /// The archive.
    pub archive: PathBuf,
    /// The job's new folder; by default below `jobs/`, with the archive's name.
    #[serde(default)]
    pub job: Option<PathBuf>,
}

/// The job that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnpackReport {
    /// Its folder.
    pub job: PathBuf,
    /// Entries of the archive that are no files of a job, such as links.
    pub left_out: usize,
}

/// Makes a job's folder of an archive.
///
/// # Errors
/// When the archive cannot be read or holds no job, or the folder is there already or cannot be written; nothing is left of
/// it then.
pub fn unpack(request: &UnpackRequest) -> Result<UnpackReport> {
    panic::guarded(|| {
        // A name that is no file leaves nothing behind either.
        drop(input::open(&request.archive, Form::Stream)?);
        let folder = request.job.clone().unwrap_or_else(|| Path::new(super::train::JOBS).join(stem(&request.archive)));
        if folder.exists() {
            return Err(Error::new(Kind::Job, format!("{} is there already", folder.display()))
                .with_help("name another folder: digits-rs unpack ARCHIVE JOB"));
        }
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let missing: Vec<&Path> = above.ancestors().take_while(|path| !path.exists()).collect();
        std::fs::create_dir_all(above).map_err(|source| Error::io("make the folder", above, &source))?;
        let left_out = unpack_into(&request.archive, &folder, above).inspect_err(|_| {
            // Deepest first; what somebody has put something into meanwhile stays.
            for made in &missing {
                let _ = std::fs::remove_dir(made);
            }
        })?;
        Ok(UnpackReport { job: folder, left_out })
    })
}

/// Makes the folder of the archive by way of a temporary one in `above`; answers how many entries were left out.
fn unpack_into(archive: &Path, folder: &Path, above: &Path) -> Result<usize> {
    let partial = tempfile::tempdir_in(above).map_err(|source| Error::io("make a folder in", above, &source))?;
    let left_out = job::unpack(archive, partial.path())?;
    JobView::open(partial.path()).and_then(|view| view.record()).map_err(|page| {
        // It is about a file that only this function knows.
        let message = page.message().replace(&format!("{}/", partial.path().display()), "the archive's ");
        let page = page.causes().iter().fold(Error::new(Kind::Job, message), |new, cause| new.with_cause(cause));
        page.with_fact("archive", archive.display().to_string())
    })?;
    let partial = partial.keep();
    std::fs::rename(&partial, folder).map_err(|source| {
        let _ = std::fs::remove_dir_all(&partial);
        Error::io("make the folder", folder, &source)
    })?;
    // A temporary folder is for its owner alone, a job need not be.
    #[cfg(unix)]
    let _ = std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755));
    Ok(left_out)
}

fn stem(archive: &Path) -> String {
    let name = archive.file_name().map_or_else(|| "job".into(), |name| name.to_string_lossy().into_owned());
    name.trim_end_matches(ENDING).trim_end_matches(".tgz").to_string()
}
