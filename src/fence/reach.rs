//! `Reach`: the files and folders that a fenced process may still open.

use std::path::{Path, PathBuf};

/// What the program itself opens after its start: libraries that are opened late, the time zone, the processor's topology
/// (libgomp, oneDNN), and its own state in the kernel.
const READ: &[&str] = &[
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/usr/share/terminfo",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/random",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
];

/// What the CUDA driver reads beside these.
const READ_FOR_CUDA: &[&str] = &[
    "/proc/driver/nvidia",
    "/proc/devices",
    "/proc/modules",
    "/sys/bus/pci",
    "/sys/devices",
    "/sys/module",
    "/opt",
    "/usr/local",
];

/// What gloo and NCCL read of the machine's network cards and buses, when processes connect to each other.
const READ_FOR_CONNECTIONS: &[&str] = &["/etc/nccl.conf", "/sys/bus/pci", "/sys/class", "/sys/devices"];

/// The network cards that NCCL speaks to by itself.
const INFINIBAND: &str = "/dev/infiniband";

/// Files and folders by what may be done with them; folders with all that is below. A path that is not there is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub(super) read: Vec<PathBuf>,
    pub(super) list: Vec<PathBuf>,
    pub(super) write: Vec<PathBuf>,
    pub(super) tidy: Vec<PathBuf>,
    pub(super) devices: Vec<PathBuf>,
}

impl Reach {
    /// What every task of this program needs.
    #[must_use]
    pub fn system() -> Reach {
        let null = vec![PathBuf::from("/dev/null")];
        Reach { read: READ.iter().map(PathBuf::from).collect(), devices: null, ..Reach::default() }
    }

    /// Also reading this file, or all below this folder.
    #[must_use]
    pub fn reading(mut self, path: impl AsRef<Path>) -> Reach {
        self.read.push(path.as_ref().to_path_buf());
        self
    }

    /// Also the names in this folder and below, without what is in the files.
    #[must_use]
    pub fn listing(mut self, folder: impl AsRef<Path>) -> Reach {
        self.list.push(folder.as_ref().to_path_buf());
        self
    }

    /// Also everything with the files and folders below this folder.
    #[must_use]
    pub fn writing(mut self, folder: impl AsRef<Path>) -> Reach {
        self.write.push(folder.as_ref().to_path_buf());
        self
    }

    /// Also removing empty folders below this folder.
    #[must_use]
    pub fn tidying(mut self, folder: impl AsRef<Path>) -> Reach {
        self.tidy.push(folder.as_ref().to_path_buf());
        self
    }

    /// Also CUDA: the driver's devices, its state, and the libraries below `libraries`.
    #[must_use]
    pub fn with_cuda(mut self, libraries: &Path) -> Reach {
        self.read.extend(READ_FOR_CUDA.iter().map(PathBuf::from));
        self.read.push(libraries.to_path_buf());
        let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
        let nvidia = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("nvidia"));
        self.devices.extend(nvidia.map(|entry| entry.path()));
        self.devices.push("/dev/shm".into());
        self
    }

    /// Also what is read while the process connects to others.
    #[must_use]
    pub fn connecting(mut self) -> Reach {
        self.read.extend(READ_FOR_CONNECTIONS.iter().map(PathBuf::from));
        self.devices.push(INFINIBAND.into());
        self
    }

    /// Also everything that `other` reaches.
    #[must_use]
    pub fn and(mut self, other: Reach) -> Reach {
        let Reach { read, list, write, tidy, devices } = other;
        self.read.extend(read);
        self.list.extend(list);
        self.write.extend(write);
        self.tidy.extend(tidy);
        self.devices.extend(devices);
        self
    }
}
