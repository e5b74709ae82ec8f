//! `digits-rs doctor`: versions, libtorch, processor, memory, devices, and what is missing, for a person or as JSON.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::PathBuf,
};

use serde::Serialize;

use crate::{
    error::{Error, Kind, Result},
    torch::device::{self, CudaStatus, cuda_status},
};

/// Versions, libtorch's path, processor, memory and devices; says why CUDA is off when it is.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

/// Everything the program can say about where it runs. Sizes in MiB.
#[derive(Debug, Serialize)]
struct Report {
    versions: Versions,
    libtorch: Libtorch,
    processor: Processor,
    memory: Memory,
    cuda: Cuda,
    /// Images of the MNIST sample that is built in, for `run` without a dataset.
    mnist_sample: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Versions {
    digits_rs: &'static str,
    /// The compiler that built this program, as it names itself.
    rustc: &'static str,
    tch: &'static str,
    /// What the built-in interpreter says of itself.
    lua: String,
    mlua: &'static str,
    lmdb_rkv: &'static str,
}

#[derive(Debug, Serialize)]
struct Libtorch {
    version: Option<String>,
    /// The folder of the libraries that this process has loaded.
    folder: Option<PathBuf>,
    mkl: bool,
    onednn: bool,
    openmp: bool,
}

#[derive(Debug, Serialize)]
struct Processor {
    model: Option<String>,
    /// Processors this process may run on.
    cores: usize,
    /// Of the vector instructions that the kernels look for, those this processor has.
    simd: Vec<&'static str>,
    libtorch_threads: i32,
    /// Environment variables that change how threads behave, where set.
    environment: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Memory {
    total_mib: Option<u64>,
    available_mib: Option<u64>,
    /// The limit of the container or service, where there is one below the total.
    limit_mib: Option<u64>,
    /// What this process occupies now.
    own_mib: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Cuda {
    devices: Vec<String>,
    off_because: Option<String>,
}

/// Prints the report.
///
/// # Errors
/// `Kind::Io` when standard output refuses.
pub fn run(args: &DoctorArgs) -> Result<()> {
    let report = Report::take();
    let text = if args.json {
        let json = serde_json::to_string_pretty(&report);
        json.map_err(|e| Error::new(Kind::Io, "cannot write the report as JSON").with_cause(e.to_string()))? + "\n"
    } else {
        report.table()
    };
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|e| Error::new(Kind::Io, "cannot write to standard output").with_cause(e.to_string()))
}

impl Report {
    fn take() -> Self {
        let (devices, off_because) = match cuda_status() {
            CudaStatus::Ready { devices, .. } => ((0..devices).map(|i| format!("cuda:{i}")).collect(), None),
            CudaStatus::Off { reason } => (Vec::new(), Some(reason)),
        };
        Report {
            versions: Versions {
                digits_rs: env!("CARGO_PKG_VERSION"),
                rustc: env!("DIGITS_VERSION_RUSTC"),
                tch: env!("DIGITS_VERSION_TCH"),
                lua: lua_version(),
                mlua: env!("DIGITS_VERSION_MLUA"),
                lmdb_rkv: env!("DIGITS_VERSION_LMDB_RKV"),
            },
            libtorch: Libtorch::loaded(),
            processor: Processor::here(),
            memory: Memory::now(),
            cuda: Cuda { devices, off_because },
            mnist_sample: sample_images(),
        }
    }

    /// Two columns: a label, what holds. The last lines say what to do where something is amiss.
    fn table(&self) -> String {
        let mut table = Table::default();
        let versions = &self.versions;
        table.row("digits-rs", format!("{}, built by {}", versions.digits_rs, versions.rustc));
        table.row("Lua", format!("{} inside (mlua {})", versions.lua, versions.mlua));
        table.row("LMDB", format!("inside (lmdb-rkv {})", versions.lmdb_rkv));

        let torch = &self.libtorch;
        let version = torch.version.as_deref().unwrap_or("of unknown version");
        table.row("libtorch", format!("{version}, through tch {}", versions.tch));
        let folder = torch.folder.as_ref().map_or("not found among the loaded libraries".into(), |f| show(f));
        table.row("  folder", folder);
        let parts = [("MKL", torch.mkl), ("oneDNN", torch.onednn), ("OpenMP", torch.openmp)];
        let built_with: Vec<&str> = parts.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
        table.row("  built with", listed(&built_with));

        let processor = &self.processor;
        let model = processor.model.as_deref().unwrap_or("unknown processor");
        table.row("processor", format!("{model}, {} cores usable", processor.cores));
        table.row("  SIMD", listed(&processor.simd));
        table.row("  threads", format!("libtorch uses {}", processor.libtorch_threads));
        for (name, value) in &processor.environment {
            table.row("  environment", format!("{name}={value}"));
        }

        let memory = &self.memory;
        table.row("memory", format!("{} available of {}", mib(memory.available_mib), mib(memory.total_mib)));
        if memory.limit_mib.is_some() {
            table.row("  limit", format!("{} for this service or container", mib(memory.limit_mib)));
        }
        table.row("  this process", mib(memory.own_mib));

        for (index, name) in self.cuda.devices.iter().enumerate() {
            table.row(&format!("CUDA {index}"), name.clone());
        }
        if let Some(reason) = &self.cuda.off_because {
            table.row("CUDA", format!("off: {reason}"));
        }

        let sample = self.mnist_sample.map_or("damaged".into(), |images| format!("built in, {images} images"));
        table.row("MNIST sample", sample);
        table.text
    }
}

/// Lines of a label and a value, values in one column.
#[derive(Default)]
struct Table {
    text: String,
}

impl Table {
    fn row(&mut self, label: &str, value: String) {
        let mut lines = value.lines();
        self.text += &format!("{label:<16}{}\n", lines.next().unwrap_or(""));
        for line in lines {
            self.text += &format!("{:<16}{line}\n", "");
        }
    }
}

fn show(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn mib(size: Option<u64>) -> String {
    size.map_or("unknown".into(), |mib| format!("{mib} MiB"))
}

/// `_VERSION` of a fresh interpreter: the language that network files are read as.
fn lua_version() -> String {
    mlua::Lua::new().globals().get("_VERSION").unwrap_or_else(|_| "Lua".into())
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
    fn the_table_names_every_part_and_the_json_has_the_same_facts() {
        let report = Report::take();
        let table = report.table();
        for label in ["digits-rs", "Lua", "LMDB", "libtorch", "processor", "memory", "CUDA", "MNIST sample"] {
            assert!(table.lines().any(|line| line.starts_with(label)), "no line '{label}' in\n{table}");
        }
        assert!(table.contains("Lua 5.1 inside"), "{table}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["versions"]["tch"], "0.24.0");
        assert_eq!(json["mnist_sample"], 10_000);
        assert_eq!(json["cuda"]["devices"].as_array().map(Vec::is_empty), Some(!json["cuda"]["off_because"].is_null()));
    }
}
