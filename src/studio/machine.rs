//! Figures of the machine: processor, memory, disk, devices.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nvml_wrapper::{Nvml, enum_wrappers::device::TemperatureSensor};
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, Disks, MemoryRefreshKind, RefreshKind, System};
use utoipa::ToSchema;

use crate::{
    error::{Error, Kind, Result},
    torch::device::DeviceChoice,
};

/// Something that computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Device {
    /// As `--device` takes it: `cpu`, `cuda:0`.
    pub(crate) name: String,
    /// For people.
    pub(crate) title: String,
    /// Whether it can be used.
    pub(crate) available: bool,
    /// Why not.
    pub(crate) why: Option<String>,
    /// Bytes.
    pub(crate) memory_used: Option<u64>,
    /// Bytes.
    pub(crate) memory_total: Option<u64>,
    /// Share of its time that it works.
    pub(crate) load: Option<f64>,
    /// Degrees Celsius.
    pub(crate) temperature: Option<f64>,
}

/// Figures of this moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figures {
    /// Logical processors.
    pub(crate) cores: usize,
    /// Share of all cores.
    pub(crate) load: f64,
    /// Bytes.
    pub(crate) memory_used: u64,
    /// Bytes.
    pub(crate) memory_total: u64,
    /// Bytes, where the server's folder lies.
    pub(crate) disk_free: u64,
    /// Everything that computes.
    pub(crate) devices: Vec<Device>,
}

struct Sources {
    system: System,
    disks: Disks,
    looked: Option<(Instant, Figures)>,
}

/// The machine.
pub(crate) struct Machine {
    root: PathBuf,
    /// The driver's library, where there is one.
    nvml: Option<Nvml>,
    sources: Mutex<Sources>,
}

impl Machine {
    /// This machine; free space is that of the disk of `root`.
    ///
    /// # Errors
    /// When the system tells nothing about itself.
    pub(crate) fn new(root: &Path) -> Result<Machine> {
        let kinds = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let silent = |cause: sysinfo::Error| {
            Error::new(Kind::Io, "the system tells nothing about itself").with_cause(cause.to_string())
        };
        let system = System::new_with_specifics(kinds).map_err(silent)?;
        let disks = Disks::new_with_refreshed_list().map_err(silent)?;
        let sources = Sources { system, disks, looked: None };
        Ok(Machine { root: root.to_path_buf(), nvml: Nvml::init().ok(), sources: Mutex::new(sources) })
    }

    /// What `auto` means here.
    #[must_use]
    pub(crate) fn device(&self) -> String {
        let has_cuda = self.nvml.as_ref().and_then(|nvml| nvml.device_count().ok()).is_some_and(|count| count > 0);
        if has_cuda { "cuda:0" } else { "cpu" }.into()
    }

    /// Refuses a device that is named and is not here.
    ///
    /// # Errors
    /// `Kind::Usage` when it is the name of none, `Kind::Device` when this machine has none of that name.
    pub(crate) fn check(&self, device: &str) -> Result<()> {
        let choice: DeviceChoice = device.parse()?;
        let (DeviceChoice::Cuda(_), devices) = (choice, self.figures().devices) else { return Ok(()) };
        if devices.iter().any(|device| device.available && device.name == choice.to_string()) {
            return Ok(());
        }
        let page = Error::new(Kind::Device, format!("there is no device {choice} on this machine"));
        let page = devices.iter().filter_map(|device| device.why.clone()).fold(page, Error::with_cause);
        let here: Vec<&str> =
            devices.iter().filter(|device| device.available).map(|device| device.name.as_str()).collect();
        Err(page.with_fact("there is", here.join(", ")).with_help("take auto, which takes the best that is there"))
    }

    /// The figures, at most a second old.
    #[must_use]
    pub(crate) fn figures(&self) -> Figures {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Duration::from_millis(900);
        if let Some((at, figures)) = &sources.looked
            && at.elapsed() < fresh
        {
            return figures.clone();
        }
        sources.system.refresh_cpu_usage();
        sources.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        sources.disks.refresh(true);
        let (system, disks) = (&sources.system, &sources.disks);
        let mount = disks
            .iter()
            .filter(|disk| self.root.starts_with(disk.mount_point()))
            .max_by_key(|disk| disk.mount_point().as_os_str().len());
        let load = f64::from(system.global_cpu_usage()) / 100.0;
        let (memory_used, memory_total) = (system.used_memory(), system.total_memory());
        let cores = system.cpus().len();
        let cpu = Device {
            name: "cpu".into(),
            title: format!("processor, {cores} cores"),
            available: true,
            why: None,
            memory_used: Some(memory_used),
            memory_total: Some(memory_total),
            load: Some(load),
            temperature: None,
        };
        let mut devices = vec![cpu];
        devices.extend(self.cuda());
        let disk_free = mount.map_or(0, sysinfo::Disk::available_space);
        let figures = Figures { cores, load, memory_used, memory_total, disk_free, devices };
        sources.looked = Some((Instant::now(), figures.clone()));
        figures
    }

    fn cuda(&self) -> Vec<Device> {
        let none = |why: &str| Device {
            name: "cuda".into(),
            title: "CUDA".into(),
            available: false,
            why: Some(why.into()),
            memory_used: None,
            memory_total: None,
            load: None,
            temperature: None,
        };
        let Some(nvml) = &self.nvml else { return vec![none("no NVIDIA driver on this machine")] };
        let count = nvml.device_count().unwrap_or(0);
        if count == 0 {
            return vec![none("the driver sees no device")];
        }
        let device = |index: u32| {
            let device = nvml.device_by_index(index).ok()?;
            let memory = device.memory_info().ok();
            Some(Device {
                name: format!("cuda:{index}"),
                title: device.name().unwrap_or_else(|_| format!("CUDA device {index}")),
                available: true,
                why: None,
                memory_used: memory.as_ref().map(|memory| memory.used),
                memory_total: memory.as_ref().map(|memory| memory.total),
                load: device.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
                temperature: device.temperature(TemperatureSensor::Gpu).ok().map(f64::from),
            })
        };
        (0..count).filter_map(device).collect()
    }
}

/// Resident bytes of a process.
#[must_use]
pub(crate) fn resident(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
