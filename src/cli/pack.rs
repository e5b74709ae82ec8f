//! `digits-rs pack JOB` and `digits-rs unpack ARCHIVE`: a job as one file, and back.

use std::path::PathBuf;

use indicatif::HumanBytes;

use super::{json, report};
use crate::{
    error::{Result, shell_path},
    tasks::pack::{PackRequest, UnpackRequest, pack, unpack},
};

/// Pack a job into one archive, to be tested, exported or gone on with elsewhere
#[derive(Debug, Clone, clap::Args)]
pub struct Pack {
    /// The job directory
    job: PathBuf,
    /// The archive to write [default: NAME.tar.gz in the working directory]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Pack every snapshot, not only the best and the last
    #[arg(long)]
    all: bool,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Make a job's folder of an archive that pack or the studio wrote
#[derive(Debug, Clone, clap::Args)]
pub struct Unpack {
    /// The archive
    archive: PathBuf,
    /// The folder to make [default: jobs/NAME]
    job: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Runs `pack`.
///
/// # Errors
/// As the task.
pub fn run(args: Pack) -> Result<()> {
    let Pack { job, out, all, json } = args;
    let packed = pack(&PackRequest { job, out, all })?;
    if json {
        return json::print(&packed);
    }
    packed.notes.iter().for_each(|note| report::line(&format!("note: {note}")));
    report::line(&format!("{} ({}, {} files)", packed.file.display(), HumanBytes(packed.bytes), packed.files));
    report::line(&format!("elsewhere: digits-rs unpack {}", shell_path(&packed.file)));
    Ok(())
}

/// Runs `unpack`.
///
/// # Errors
/// As the task.
pub fn run_unpack(args: Unpack) -> Result<()> {
    let Unpack { archive, job, json } = args;
    let made = unpack(&UnpackRequest { archive, job })?;
    if json {
        return json::print(&made);
    }
    if made.left_out > 0 {
        report::warning(&format!("left out of the archive, as no files of a job: {}", made.left_out));
    }
    report::line(&format!("{}: test it with digits-rs test {} IMAGE", made.job.display(), shell_path(&made.job)));
    Ok(())
}
