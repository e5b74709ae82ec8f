//! `digits-rs export JOB --format safetensors|t7|onnx`: a job's network as one file for other software.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    test::{Choice, Opened},
    trained::Trained,
};
use crate::{error::Result, job, onnx};

/// Write a job's network as a file for other software
#[derive(Debug, Clone, clap::Args)]
pub struct Export {
    /// The job directory
    pub job: PathBuf,
    /// The kind of file
    #[arg(long, value_enum, default_value_t = Format::Safetensors)]
    pub format: Format,
    /// Which snapshot: an epoch, best or last
    #[arg(long, value_name = "EPOCH|best|last", default_value_t = Choice::Best)]
    pub snapshot: Choice,
    /// The file to write; by default model.safetensors, model.t7 … inside the job
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Weights and buffers by name, without the optimiser's state
    Safetensors,
    /// Torch7's own file of the nn model, binary
    T7,
    /// The same in ASCII
    T7Ascii,
    /// ONNX: pixels 0..255 in, mean subtraction included
    Onnx,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Safetensors => "safetensors",
            Format::T7 => "t7",
            Format::T7Ascii => "t7-ascii",
            Format::Onnx => "onnx",
        })
    }
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Format::Safetensors => "safetensors",
            Format::T7 | Format::T7Ascii => "t7",
            Format::Onnx => "onnx",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When the job cannot be read, the network cannot be written in the format, or the file cannot be written.
pub fn run(args: &Export) -> Result<()> {
    let path = args.out.clone().unwrap_or_else(|| args.job.join(format!("model.{}", args.format.ending())));
    let bytes = match args.format {
        Format::Safetensors => safetensors_bytes(&args.job, args.snapshot)?,
        Format::T7 => t7_bytes(&args.job, args.snapshot, false)?,
        Format::T7Ascii => t7_bytes(&args.job, args.snapshot, true)?,
        Format::Onnx => onnx_bytes(&args.job, args.snapshot)?,
    };
    job::replace(&path, &bytes)?;
    super::report::line(&format!("{} ({})", path.display(), indicatif::HumanBytes(bytes.len() as u64)));
    Ok(())
}

fn safetensors_bytes(job: &Path, snapshot: Choice) -> Result<Vec<u8>> {
    let trained = Trained::open(job, snapshot)?;
    trained.weights().weights_file(trained.facts())
}

fn t7_bytes(job: &Path, snapshot: Choice, ascii: bool) -> Result<Vec<u8>> {
    Trained::open(job, snapshot)?.loaded().t7(ascii)
}

fn onnx_bytes(job: &Path, snapshot: Choice) -> Result<Vec<u8>> {
    let trained = Trained::open(job, snapshot)?;
    let mean = trained.subtracted()?;
    let channels = if trained.shape()[0] == 3 { "red, green, blue" } else { "as in the dataset" };
    let mut notes = trained.facts();
    notes.push(("input".into(), format!("pixels 0..255, channels {channels}; the mean is subtracted by the model")));
    if !trained.labels().is_empty() {
        let names = serde_json::to_string(trained.labels()).expect("a list of strings");
        notes.push(("labels".into(), names));
    }
    onnx::export(trained.network(), onnx::Input { shape: trained.shape(), mean: mean.as_ref(), notes })
}
