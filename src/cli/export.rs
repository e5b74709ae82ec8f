//! `digits-rs export JOB --format safetensors|t7|onnx`: a job's network as one file for other software.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use indicatif::HumanBytes;

use super::{
    exit,
    fenced::{self, FenceFlags},
    json, report,
};
use crate::{
    error::{Error, Kind, Result},
    job::Replacement,
    tasks::{
        SnapshotChoice,
        export::{ExportReport, ExportRequest, Format, export, exported},
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
    /// The file to write, or - for standard output; by default model.safetensors, model.t7 … inside the job
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
    let (json, out) = (args.json, args.out.clone());
    let written = match out {
        Some(out) if out == Path::new("-") => return to_standard_output(&args),
        Some(out) if !args.fence.is_off() => from_a_process(&args, out)?,
        _ => {
            args.fence.enter(&fenced::trained(&args.job)?.writing(&args.job));
            export(&ExportRequest { job: args.job, format: args.format, snapshot: args.snapshot, out })?
        }
    };
    if json {
        return json::print(&written);
    }
    written.notes.iter().for_each(|note| report::line(&format!("note: {note}")));
    report::line(&format!("{} ({})", written.file.display(), HumanBytes(written.bytes)));
    Ok(())
}

/// `--out -`: the file itself, from a process that may write nothing.
fn to_standard_output(args: &Export) -> Result<()> {
    if args.json {
        return Err(Error::new(Kind::Usage, "--json and --out - both want standard output")
            .with_help("name a file with --out, or leave --json out"));
    }
    args.fence.enter(&fenced::trained(&args.job)?);
    let exported = exported(&args.job, args.format, args.snapshot)?;
    exported.notes.iter().for_each(|note| report::aside(&format!("note: {note}")));
    report::bytes(&exported.bytes);
    Ok(())
}

/// `--out FILE`: what a fenced process of its own writes to its standard output. The kernel has no smaller measure than a
/// folder with all below it, and the file may be wanted in a home folder.
fn from_a_process(args: &Export, file: PathBuf) -> Result<ExportReport> {
    let failed = |source: io::Error| Error::io("write", &file, &source);
    let mut replacement = Replacement::begin(&file).map_err(failed)?;
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    let (format, snapshot) = (args.format.to_string(), args.snapshot.to_string());
    command
        .args(["export", "--format", &format, "--snapshot", &snapshot, "--out", "-"])
        .args(args.fence.memory_words());
    command.arg("--").arg(&args.job).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let copied = child.stdout.take().map_or(Ok(0), |mut from| io::copy(&mut from, &mut replacement));
    let status = child.wait().map_err(failed)?;
    match status.code() {
        Some(0) => {}
        Some(code) => {
            // Its page is on standard error.
            drop(replacement);
            exit::end(u8::try_from(code).unwrap_or(1));
        }
        None => {
            return Err(Error::new(Kind::Interrupted, "the process that makes the file did not come to its end")
                .with_fact("it ended", status.to_string())
                .with_help("give the command again"));
        }
    }
    let bytes = copied.map_err(failed)?;
    replacement.finish().map_err(failed)?;
    Ok(ExportReport { file, format: args.format, bytes, notes: Vec::new() })
}
