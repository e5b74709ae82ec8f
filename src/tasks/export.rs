//! A job's network as one file for other software.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{panic, snapshot_choice::SnapshotChoice, trained::Trained};
use crate::{error::Result, job, onnx, torch::device::DeviceChoice};

/// What is exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// The job directory.
    pub job: PathBuf,
    /// The kind of file.
    #[serde(default)]
    pub format: Format,
    /// Which snapshot.
    #[serde(default)]
    pub snapshot: SnapshotChoice,
    /// The file to write; by default `model.safetensors`, `model.t7` … inside the job.
    #[serde(default)]
    pub out: Option<PathBuf>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// The file.
    pub file: PathBuf,
    /// Its kind.
    pub format: Format,
    /// Its size.
    pub bytes: u64,
    /// Sentences about how the job was opened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The kinds of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Weights and buffers by name, without the optimiser's state.
    #[default]
    Safetensors,
    /// Torch7's own file of the nn model, binary.
    T7,
    /// The same in ASCII.
    T7Ascii,
    /// ONNX: pixels 0..255 in, mean subtraction included.
    Onnx,
}

impl Format {
    /// Every kind.
    pub const ALL: [Format; 4] = [Format::Safetensors, Format::T7, Format::T7Ascii, Format::Onnx];

    /// Its name, as requests and reports write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Safetensors => "safetensors",
            Format::T7 => "t7",
            Format::T7Ascii => "t7-ascii",
            Format::Onnx => "onnx",
        }
    }

    /// What is in the file, in words.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Format::Safetensors => "Weights and buffers by name, without the optimiser's state",
            Format::T7 => "Torch7's own file of the nn model, binary",
            Format::T7Ascii => "The same in ASCII",
            Format::Onnx => "ONNX: pixels 0..255 in, mean subtraction included",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Format::Safetensors => "safetensors",
            Format::T7 | Format::T7Ascii => "t7",
            Format::Onnx => "onnx",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let known = || Format::ALL.map(Format::name).join(", ");
        Format::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| format!("write one of {}", known()))
    }
}

/// Writes the network in the format.
///
/// # Errors
/// When the job cannot be read, the network cannot be written in the format, or the file cannot be written.
pub fn export(request: &ExportRequest) -> Result<ExportReport> {
    let format = request.format;
    let file = request.out.clone().unwrap_or_else(|| request.job.join(format!("model.{}", format.ending())));
    let Exported { bytes, notes } = exported(&request.job, format, request.snapshot)?;
    job::replace(&file, &bytes)?;
    Ok(ExportReport { file, format, bytes: bytes.len() as u64, notes })
}

/// A file that is not written yet.
pub struct Exported {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Sentences for the user about how the job was opened.
    pub notes: Vec<String>,
}

/// The file, unwritten.
///
/// # Errors
/// When the job cannot be read, or the network cannot be written in the format.
pub fn exported(job: &Path, format: Format, snapshot: SnapshotChoice) -> Result<Exported> {
    panic::guarded(|| {
        let trained = Trained::open(job, snapshot, DeviceChoice::Cpu)?;
        let bytes = match format {
            Format::Safetensors => trained.weights().weights_file(trained.facts())?,
            Format::T7 => trained.loaded().t7(trained.network(), false)?,
            Format::T7Ascii => trained.loaded().t7(trained.network(), true)?,
            Format::Onnx => onnx_bytes(&trained)?,
        };
        Ok(Exported { bytes, notes: trained.notes() })
    })
}

fn onnx_bytes(trained: &Trained) -> Result<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_one_name_in_requests_and_on_the_command_line() {
        for format in Format::ALL {
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
            assert_eq!(format.name().parse(), Ok(format));
        }
        assert!("keras".parse::<Format>().is_err());
        let request: ExportRequest = serde_json::from_str("{\"job\": \"j\"}").unwrap();
        assert_eq!((request.format, request.snapshot, request.out), (Format::Safetensors, SnapshotChoice::Best, None));
    }
}
