//! `digits-rs export JOB --format safetensors|t7|onnx`: a job's network as one file for other software.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use indicatif::HumanBytes;

use super::{
    fenced::{self, FenceFlags},
    json, report,
};
use crate::{
    error::Result,
    tasks::{
        SnapshotChoice,
        export::{ExportRequest, Format, export},
    },
};

/// Write a job's network as a file for other software
#[derive(Debug, Clone, clap::Args)]
pub struct Export {
    /// The job directory
    pub job: PathBuf,
    /// The kind of file
    #[arg(long, default_value_t = Format::default(), value_parser = formats())]
    pub format: Format,
    /// Which snapshot: an epoch, best or last
    #[arg(long, value_name = "EPOCH|best|last", default_value_t = SnapshotChoice::default())]
    pub snapshot: SnapshotChoice,
    /// The file to write; by default model.safetensors, model.t7 … inside the job
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    fence: FenceFlags,
}

/// The names of the formats, each with its description in the help.
fn formats() -> impl TypedValueParser<Value = Format> {
    let value = |format: Format| PossibleValue::new(format.name()).help(format.description());
    PossibleValuesParser::new(Format::ALL.map(value)).try_map(|name| name.parse::<Format>())
}

/// Runs the command.
///
/// # Errors
/// As [`export`].
pub fn run(args: Export) -> Result<()> {
    let Export { job, format, snapshot, out, json, fence } = args;
    let above = out.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    let folder = if out.is_some() { above.unwrap_or(Path::new(".")) } else { &job };
    fence.enter(&fenced::trained(&job)?.writing(folder));
    let written = export(&ExportRequest { job, format, snapshot, out })?;
    if json {
        return json::print(&written);
    }
    written.notes.iter().for_each(|note| report::line(&format!("note: {note}")));
    report::line(&format!("{} ({})", written.file.display(), HumanBytes(written.bytes)));
    Ok(())
}
