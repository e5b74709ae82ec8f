//! `resolve`: which device a run computes on; libtorch's CUDA half is opened at run time when it is there.
//!
//! One binary serves machines with and without CUDA: it is linked to `libtorch_cpu.so` only, and `libtorch_cuda.so`
//! in the same folder announces itself to libtorch when it is opened. libtorch looks for CUDA once, at the first
//! question about it, so [`resolve`] or [`cuda_status`] must come before any other use of libtorch.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};

use super::{
    library::Library,
    precision::{self, Precision},
};
use crate::error::{Error, Kind, Result};

/// What `--device` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// CUDA when it works, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The CUDA device of this number, counted from 0.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<DeviceChoice> {
        let number = text.strip_prefix("cuda:").map(str::parse);
        match (text, number) {
            ("auto", _) => Ok(DeviceChoice::Auto),
            ("cpu", _) => Ok(DeviceChoice::Cpu),
            ("cuda", _) => Ok(DeviceChoice::Cuda(0)),
            (_, Some(Ok(number))) => Ok(DeviceChoice::Cuda(number)),
            _ => Err(Error::new(Kind::Usage, format!("'{}' is not a device", text.escape_debug()))
                .with_help("give auto, cpu, cuda or cuda:N (N from 0)")),
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = Error;

    fn try_from(text: String) -> Result<DeviceChoice> {
        text.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> String {
        choice.to_string()
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// Whether CUDA can be used, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CudaStatus {
    /// It works.
    Ready {
        /// Number of devices, at least 1.
        devices: usize,
        /// The library that was opened.
        library: PathBuf,
    },
    /// It does not.
    Off {
        /// In words, for `doctor` and for error pages.
        reason: String,
    },
}

/// A device that [`resolve`] has found. What uses libtorch wants one, so that nothing does before libtorch was asked for
/// CUDA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved(tch::Device);

impl Resolved {
    /// As libtorch names it.
    #[must_use]
    pub fn device(self) -> tch::Device {
        self.0
    }

    /// Whether it is a CUDA device.
    #[must_use]
    pub fn is_cuda(self) -> bool {
        self.0.is_cuda()
    }
}

impl fmt::Display for Resolved {
    /// `cuda:0`, or `the processor`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            tch::Device::Cuda(number) => write!(f, "cuda:{number}"),
            _ => f.write_str("the processor"),
        }
    }
}

/// The device for `choice`. For `Cpu` the CUDA library is not opened: that takes seconds.
///
/// # Errors
/// `Kind::Device` when CUDA is asked for and is off, or has fewer devices.
pub fn resolve(choice: DeviceChoice) -> Result<Resolved> {
    resolve_for(choice, 0)
}

/// A CUDA device that computes as exactly as the processor, until somebody asks for less.
fn exact(device: tch::Device) -> Result<Resolved> {
    precision::set(Precision::Full)?;
    Ok(Resolved(device))
}

/// The device for the `local_rank`-th process of this machine, from 0: with [`DeviceChoice::Auto`] the GPU of that number, where
/// there are any. A device that is named by its number is taken as it is.
///
/// # Errors
/// `Kind::Device` when there are fewer GPUs than processes; as [`resolve`].
pub fn resolve_for(choice: DeviceChoice, local_rank: usize) -> Result<Resolved> {
    match choice {
        DeviceChoice::Cpu => Ok(Resolved(tch::Device::Cpu)),
        DeviceChoice::Auto => match cuda_status() {
            CudaStatus::Off { .. } => Ok(Resolved(tch::Device::Cpu)),
            CudaStatus::Ready { devices, .. } => exact(tch::Device::Cuda(of_its_own(local_rank, devices)?)),
        },
        DeviceChoice::Cuda(number) => match cuda_status() {
            CudaStatus::Ready { devices, .. } if number < devices => exact(tch::Device::Cuda(number)),
            CudaStatus::Ready { devices, .. } => {
                Err(Error::new(Kind::Device, format!("there is no CUDA device {number}"))
                    .with_fact("devices", format!("{devices}, numbered from 0")))
            }
            CudaStatus::Off { reason } => Err(Error::new(Kind::Device, "CUDA was asked for and is off")
                .with_cause(reason)
                .with_help("leave --device out to use what there is, or run digits-rs doctor")),
        },
    }
}

/// The number of the GPU that belongs to the `local_rank`-th process of a machine.
fn of_its_own(local_rank: usize, devices: usize) -> Result<usize> {
    if local_rank < devices {
        return Ok(local_rank);
    }
    Err(Error::new(Kind::Device, format!("process {} of this machine has no GPU", local_rank + 1))
        .with_fact("GPUs", devices.to_string())
        .with_help(format!(
            "start {devices} processes a machine, or --device cpu\n\
             several on one GPU, or one that the launcher shows each: --device cuda:0 for all"
        )))
}

/// `batch` on `device`. To a CUDA device it goes by way of pinned memory, so that nobody waits for the copy: libtorch keeps
/// the pinned pages until the device is done with them, and uses them again.
///
/// # Errors
/// When libtorch refuses.
pub fn carry(batch: &tch::Tensor, device: tch::Device) -> Result<tch::Tensor> {
    if !device.is_cuda() || batch.device() == device {
        return Ok(batch.f_to_device(device)?);
    }
    Ok(batch.f_pin_memory(device)?.f_internal_to_copy((batch.kind(), device), true)?)
}

/// Opens the CUDA library if that has not been tried yet, and says how it went.
#[must_use]
pub fn cuda_status() -> CudaStatus {
    static STATUS: OnceLock<CudaStatus> = OnceLock::new();
    STATUS.get_or_init(find_cuda).clone()
}

/// The folder of libtorch in use.
#[must_use]
pub fn libtorch_folder() -> Option<PathBuf> {
    // The system's own list of what is mapped into this process.
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find_map(|line| line.find('/').map(|at| &line[at..]).filter(|p| is_libtorch(p)))?;
    Path::new(path).parent().map(Path::to_path_buf)
}

/// The version of the libtorch in use, as the files that came with it say: `2.11.0+cpu`.
#[must_use]
pub fn libtorch_version() -> Option<String> {
    let folder = libtorch_folder()?;
    let home = folder.parent()?;
    let plain = std::fs::read_to_string(home.join("build-version")).ok().map(|text| text.trim().to_string());
    // A Python package carries `__version__ = '2.11.0+cu130'` instead.
    plain.or_else(|| quoted(&std::fs::read_to_string(home.join("version.py")).ok()?, "__version__"))
}

/// Whether the libtorch in use is of the series that C++ was built for, patches aside: layouts of libtorch's own objects are
/// compiled in.
///
/// # Errors
/// What was found, in words.
pub fn fits(built_for: &str) -> Result<(), String> {
    is_of_series(built_for, libtorch_version().as_deref())
}

fn is_of_series(built_for: &str, found: Option<&str>) -> Result<(), String> {
    let series = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
    match found {
        Some(found) if series(found) == series(built_for) => Ok(()),
        _ => Err(format!(
            "this program was built for libtorch {}, and found {}",
            series(built_for),
            found.unwrap_or("one of unknown version")
        )),
    }
}

/// The text between quotation marks on the line that starts with `key`.
fn quoted(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split(['\'', '"']).nth(1).map(str::to_string)
}

fn is_libtorch(path: &str) -> bool {
    Path::new(path).file_name().is_some_and(|name| name == "libtorch_cpu.so")
}

fn find_cuda() -> CudaStatus {
    let off = |reason: String| CudaStatus::Off { reason };
    let Some(folder) = libtorch_folder() else {
        return off("the folder of libtorch_cpu.so cannot be found in /proc/self/maps".into());
    };
    let library = folder.join("libtorch_cuda.so");
    if !library.exists() {
        return off(format!("this libtorch is a CPU build: {} is not there", library.display()));
    }
    if let Err(reason) = Library::open_for_all(&library) {
        return off(format!("{} does not open: {reason}", library.display()));
    }
    let devices = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
    if tch::Cuda::is_available() && devices > 0 {
        return CudaStatus::Ready { devices, library };
    }
    off(match Path::new("/proc/driver/nvidia/version").exists() {
        true => "the NVIDIA driver gives this process no device (see CUDA_VISIBLE_DEVICES and nvidia-smi)".into(),
        false => "the machine has no NVIDIA driver (/proc/driver/nvidia/version is not there)".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_read_back() {
        for text in ["auto", "cpu", "cuda:3"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        for text in ["gpu", "cuda:", "cuda:x", ""] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap_err().kind(), Kind::Usage);
        }
    }

    #[test]
    fn more_processes_than_gpus_is_a_page() {
        assert_eq!(of_its_own(1, 2).unwrap(), 1);
        let page = of_its_own(2, 2).unwrap_err();
        assert_eq!((page.kind(), page.message()), (Kind::Device, "process 3 of this machine has no GPU"));
    }

    #[test]
    fn only_the_libtorch_that_it_was_built_for_fits() {
        assert!(is_of_series("2.11.0", Some("2.11.0+cu130")).is_ok() && is_of_series("2.11.0", Some("2.11.1")).is_ok());
        for other in [Some("2.1.0"), Some("2.12.0+cpu"), None] {
            assert!(is_of_series("2.11.0", other).unwrap_err().contains("2.11"));
        }
    }

    #[test]
    fn a_device_is_named_as_it_is_asked_for() {
        let name = |device| Resolved(device).to_string();
        assert_eq!((name(tch::Device::Cuda(3)), name(tch::Device::Cpu)), ("cuda:3".into(), "the processor".into()));
    }

    #[test]
    fn a_cuda_that_is_off_has_a_reason_and_a_page() {
        let _ = tch::Tensor::from_slice(&[1f32]); // keeps libtorch linked into this test
        assert!(libtorch_folder().is_some_and(|folder| folder.join("libtorch_cpu.so").exists()));
        if let CudaStatus::Off { reason } = cuda_status() {
            assert!(!reason.is_empty());
            let page = resolve(DeviceChoice::Cuda(0)).unwrap_err();
            assert_eq!(page.kind(), Kind::Device);
            assert!(page.to_string().contains(&reason));
            assert_eq!(resolve(DeviceChoice::Auto).unwrap().device(), tch::Device::Cpu);
        }
    }
}
