//! Where the program runs: versions, libtorch, processor, memory, devices, and what is missing.

use std::{fs, io::Read as _, path::PathBuf};

use serde::Serialize;

use crate::{
    cuda,
    distributed::{NcclFound, Place, nccl_found},
    fence::{self, Support},
    frontend::lua::vm,
    torch::{
        device::{self, CudaStatus, DeviceChoice, cuda_status},
        precision::{self, Precision},
    },
};

/// Everything the program can say about where it runs. Sizes in MiB.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    /// Of the program and what is built into it.
    pub versions: Versions,
    /// The library that this process has loaded.
    pub libtorch: Libtorch,
    /// What computes.
    pub processor: Processor,
    /// What there is and what is used.
    pub memory: Memory,
    /// Its devices, or why there are none.
    pub cuda: Cuda,
    /// Which process of a run this would be.
    pub processes: Processes,
    /// What a network file's process is held to on this kernel.
    pub fence: Support,
    /// Images of the MNIST sample that is built in, for `run` without a dataset; none when it is damaged.
    pub mnist_sample: Option<usize>,
}

/// Versions of the program and what is built into it.
#[derive(Debug, Serialize)]
pub struct Versions {
    /// This program.
    pub digits_rs: &'static str,
    /// The compiler that built it, as it names itself.
    pub rustc: &'static str,
    /// The binding of libtorch.
    pub tch: &'static str,
    /// What the built-in interpreter says of itself.
    pub lua: String,
    /// The binding of Lua.
    pub mlua: &'static str,
    /// The binding of LMDB.
    pub lmdb_rkv: &'static str,
}

/// The processes of a run that a launcher started, as its variables say.
#[derive(Debug, Serialize)]
pub struct Processes {
    /// This process's place; nothing where it is alone.
    pub place: Option<Place>,
    /// Why the variables name no place, where they are set and do not; the facts of its page below it, a line each.
    pub mistake: Option<String>,
    /// What sums between GPUs.
    pub nccl: Option<NcclFound>,
    /// Why nothing does, where there is none.
    pub nccl_off_because: Option<String>,
}

/// The libtorch that this process has loaded.
#[derive(Debug, Serialize)]
pub struct Libtorch {
    /// As the library says it: `2.11.0+cpu`.
    pub version: Option<String>,
    /// The folder of its files.
    pub folder: Option<PathBuf>,
    /// Whether it is built with MKL.
    pub mkl: bool,
    /// Whether it is built with oneDNN.
    pub onednn: bool,
    /// Whether it is built with OpenMP.
    pub openmp: bool,
}

/// The processor as this process sees it.
#[derive(Debug, Serialize)]
pub struct Processor {
    /// Its name.
    pub model: Option<String>,
    /// Processors this process may run on.
    pub cores: usize,
    /// Of the vector instructions that the kernels look for, those this processor has.
    pub simd: Vec<&'static str>,
    /// Threads that libtorch computes with.
    pub libtorch_threads: i32,
    /// Environment variables that change how threads behave, where set.
    pub environment: Vec<(String, String)>,
}

/// Memory, in MiB.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// Of the machine.
    pub total_mib: Option<u64>,
    /// Not in use.
    pub available_mib: Option<u64>,
    /// The limit of the container or service, where there is one below the total.
    pub limit_mib: Option<u64>,
    /// What this process occupies now.
    pub own_mib: Option<u64>,
}

/// CUDA: its devices, or why there are none.
#[derive(Debug, Serialize)]
pub struct Cuda {
    /// `cuda:0` …
    pub devices: Vec<String>,
    /// Why it is off.
    pub off_because: Option<String>,
    /// Why steps of a training are not captured as graphs there; none when they are.
    pub captures_off_because: Option<String>,
    /// How products of f32 are computed there when a run does not ask for TF32.
    pub f32: Option<Precision>,
}

/// Looks at where this process runs.
#[must_use]
pub fn doctor() -> DoctorReport {
    let (devices, off_because) = match cuda_status() {
        CudaStatus::Ready { devices, .. } => ((0..devices).map(|i| format!("cuda:{i}")).collect(), None),
        CudaStatus::Off { reason } => (Vec::new(), Some(reason)),
    };
    // As a run finds its device, and then what libtorch says.
    let is_found = device::resolve(DeviceChoice::Auto).is_ok_and(|device| device.is_cuda());
    let f32 = if is_found { precision::current() } else { None };
    DoctorReport {
        versions: Versions {
            digits_rs: env!("CARGO_PKG_VERSION"),
            rustc: env!("DIGITS_VERSION_RUSTC"),
            tch: env!("DIGITS_VERSION_TCH"),
            lua: vm::language(),
            mlua: env!("DIGITS_VERSION_MLUA"),
            lmdb_rkv: env!("DIGITS_VERSION_LMDB_RKV"),
        },
        libtorch: Libtorch::loaded(),
        processor: Processor::here(),
        memory: Memory::now(),
        cuda: Cuda { devices, off_because, captures_off_because: cuda::readiness().err(), f32 },
        processes: Processes::here(),
        fence: fence::support(),
        mnist_sample: sample_images(),
    }
}

impl Processes {
    fn here() -> Self {
        let (place, mistake) = match Place::of_environment() {
            Ok(place) => (place, None),
            Err(page) => {
                let facts = page.facts().iter().map(|(label, value)| format!("{label}: {value}"));
                let lines = std::iter::once(page.message().to_string()).chain(facts).collect::<Vec<_>>();
                (None, Some(lines.join("\n")))
            }
        };
        let (nccl, nccl_off_because) = match nccl_found() {
            Ok(found) => (Some(found), None),
            Err(why) => (None, Some(why)),
        };
        Processes { place, mistake, nccl, nccl_off_because }
    }
}

impl Libtorch {
    fn loaded() -> Self {
        // A call into the library, so that the loader has mapped it before the map is read.
        let (mkl, onednn, openmp) = (tch::utils::has_mkl(), tch::utils::has_mkldnn(), tch::utils::has_openmp());
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let folder = mapped(&maps, "libtorch_cpu.so").and_then(|file| Some(file.parent()?.to_path_buf()));
        let version = device::libtorch_version();
        Libtorch { version, folder, mkl, onednn, openmp }
    }
}

/// The path of the first mapped file called `name`; `maps` is `/proc/self/maps`: five columns, then the path.
fn mapped(maps: &str, name: &str) -> Option<PathBuf> {
    maps.lines().filter_map(|line| Some(PathBuf::from(&line[line.find('/')?..]))).find(|path| path.ends_with(name))
}

impl Processor {
    fn here() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let environment = ["OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"]
            .into_iter()
            .filter_map(|name| Some((name.to_string(), std::env::var(name).ok()?)))
            .collect();
        Processor {
            model: column(&info, "model name").map(str::to_string),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            simd: simd(),
            libtorch_threads: tch::get_num_threads(),
            environment,
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn simd() -> Vec<&'static str> {
    [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ]
    .into_iter()
    .filter(|(_, there)| *there)
    .map(|(name, _)| name)
    .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn simd() -> Vec<&'static str> {
    Vec::new()
}

impl Memory {
    fn now() -> Self {
        let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let total_mib = kib(&info, "MemTotal").map(|kib| kib / 1024);
        let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
        Memory {
            total_mib,
            available_mib: kib(&info, "MemAvailable").map(|kib| kib / 1024),
            limit_mib: limit.map(|bytes: u64| bytes >> 20).filter(|limit| total_mib.is_none_or(|total| *limit < total)),
            own_mib: kib(&status, "VmRSS").map(|kib| kib / 1024),
        }
    }
}

/// The value of `key : value` or `key: value`, the form of the files in `/proc`.
fn column<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// `MemTotal:  24102340 kB` → 24102340.
fn kib(text: &str, key: &str) -> Option<u64> {
    column(text, key)?.split_whitespace().next()?.parse().ok()
}

/// Unpacks the labels of the built-in sample (the small half of it) and counts them.
fn sample_images() -> Option<usize> {
    let packed: &[u8] = include_bytes!("../../networks/mnist-sample/labels-idx1-ubyte.gz");
    let mut idx = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut idx).ok()?;
    let (header, labels) = idx.split_at_checked(8)?;
    (header == [0, 0, 8, 1, 0, 0, 0x27, 0x10] && labels.len() == 10_000).then_some(labels.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaded_library_is_the_one_this_was_built_against() {
        let torch = Libtorch::loaded();
        let folder = torch.folder.expect("the tests run on Linux, with libtorch loaded");
        assert!(folder.join("libtorch_cpu.so").is_file(), "{folder:?}");
        let version = torch.version.expect("both kinds of folder carry a version");
        assert!(version.starts_with("2.11."), "tch 0.24 pairs with 2.11, this is {version}");
    }

    #[test]
    fn maps_and_columns_are_read_as_the_kernel_writes_them() {
        let maps = "7f00-7f01 r--p 00000000 fe:00 12   /a b/lib/libtorch_cpu.so\n7f02-7f03 rw-p 0 00:00 0 \n";
        assert_eq!(mapped(maps, "libtorch_cpu.so"), Some(PathBuf::from("/a b/lib/libtorch_cpu.so")));
        assert_eq!(mapped(maps, "torch_cpu.so"), None, "a whole file name is asked for");
        assert_eq!(kib("MemFree:  1 kB\nMemTotal:       24102340 kB\n", "MemTotal"), Some(24_102_340));
        assert_eq!(column("model name\t: AMD EPYC\n", "model name"), Some("AMD EPYC"));
    }

    #[test]
    fn the_report_has_the_fields_that_scripts_read() {
        let json = serde_json::to_value(doctor()).unwrap();
        assert_eq!(json["versions"]["tch"], "0.24.0");
        assert_ne!(json["processes"]["nccl"].is_null(), json["processes"]["nccl_off_because"].is_null());
        assert_eq!(json["mnist_sample"], 10_000);
        assert_eq!(json["cuda"]["devices"].as_array().map(Vec::is_empty), Some(!json["cuda"]["off_because"].is_null()));
    }
}
