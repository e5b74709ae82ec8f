//! What each task reads, for the fence around a process that carries it out: found before the network file is read.
//!
//! What a task names may be a mistake: the task's own page says so, and here it adds nothing. Nothing is followed out of
//! a folder that may be somebody else's work but the databases of a dataset.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{inference, kept::Kept, options::RunOptions, prepare, settings::RunSettings};
use crate::{
    data::{Parts, Place, label_file_around},
    error::Result,
    fence::Reach,
    frontend,
    job::{JobView, SweepRecord, file},
    torch::device::{self, DeviceChoice},
};

/// Of a folder with more entries than this only the Lua files are readable.
const ENTRIES: usize = 4096;

/// What every task needs: the system, this program, libtorch; of CUDA only with a device that may be one.
#[must_use]
pub fn program(device: DeviceChoice) -> Reach {
    let reach = std::env::current_exe().map_or_else(|_| Reach::system(), |program| Reach::system().reading(program));
    let Some(folder) = device::libtorch_folder() else { return reach };
    let reach = reach.reading(&folder);
    if device == DeviceChoice::Cpu || !folder.join("libtorch_cuda.so").exists() {
        return reach;
    }
    // In a Python environment CUDA's own libraries lie in site-packages/nvidia, beside site-packages/torch/lib.
    let packages = folder.ancestors().nth(2).map(|packages| packages.join("nvidia")).filter(|path| path.is_dir());
    reach.with_cuda(packages.as_deref().unwrap_or(&folder))
}

/// A dataset.
#[must_use]
pub fn dataset(place: &Place) -> Reach {
    let named = place.named().into_iter().fold(Reach::default(), Reach::listing);
    place.files().into_iter().fold(named, Reach::reading)
}

/// What a run with these options reads: device, dataset, weights.
#[must_use]
pub fn options(options: &RunOptions) -> Reach {
    let settings = RunSettings::of(options, &frontend::Settings::default());
    let reach = program(settings.device.parse().unwrap_or_default());
    let reach = reach.and(dataset(&prepare::place(&settings)));
    settings.weights.into_iter().fold(reach, Reach::reading)
}

/// The device that a run with these options is to compute on; the choice of `job`, where that goes on, holds unless they name
/// one.
#[must_use]
pub fn device(options: &RunOptions, job: Option<&Path>) -> DeviceChoice {
    let of_job = job.filter(|_| options.device.is_none()).and_then(options_of_job);
    let settings = RunSettings::of(of_job.as_ref().unwrap_or(options), &frontend::Settings::default());
    settings.device.parse().unwrap_or_default()
}

/// Unpacks the built-in sample when a run with these options wants it: what is fenced may not write it.
///
/// # Errors
/// When it cannot be written.
pub fn prepare_sample(options: &RunOptions) -> Result<()> {
    prepare::unpack_sample(&RunSettings::of(options, &frontend::Settings::default()))
}

/// The options that a job or a sweep was begun with; none of a folder that is neither.
#[must_use]
pub fn options_of_job(folder: &Path) -> Option<RunOptions> {
    let settings = match SweepRecord::read(folder) {
        Ok(sweep) => sweep.settings,
        Err(_) => JobView::open(folder).and_then(|view| view.record()).ok()?.settings,
    };
    RunOptions::resumed(&settings, &RunOptions::default()).ok()
}

/// A job or a sweep: its folder, what its options name, and what lies beside its network file.
#[must_use]
pub fn job(folder: &Path) -> Reach {
    let beside = match SweepRecord::read(folder) {
        Ok(sweep) => sweep.network_folder,
        Err(_) => JobView::open(folder).and_then(|view| view.record()).ok().and_then(|record| record.network.folder),
    };
    let reach = options_of_job(folder).map_or_else(|| program(DeviceChoice::default()), |of| options(&of));
    beside.as_deref().map(neighbours).into_iter().fold(reach.reading(folder), Reach::and)
}

/// A job that is tested or exported: its folder alone, and its own databases of labels; a job that keeps nothing of its
/// dataset needs all of [`job`].
#[must_use]
pub fn trained(folder: &Path) -> Reach {
    let Ok(Some(kept)) = Kept::read(folder) else { return job(folder) };
    let program = program(DeviceChoice::Cpu).reading(folder);
    let databases = kept
        .label_databases
        .into_iter()
        .map(|(_, labels)| dataset(&Place::Parts(Parts { train: Some(labels), ..Parts::default() })));
    // Jobs of before kept no neighbours of the network file.
    let beside = JobView::open(folder).and_then(|view| view.record()).ok().and_then(|record| record.network.folder);
    let beside = beside.filter(|_| !folder.join(file::BESIDE).is_dir());
    beside.as_deref().map(neighbours).into_iter().chain(databases).fold(program, Reach::and)
}

/// Whether a job keeps what tests and exports need of its dataset.
#[must_use]
pub fn is_whole(folder: &Path) -> bool {
    Kept::is_in(folder)
}

/// A network file or a script, and what lies beside it; `-` is standard input.
#[must_use]
pub fn network(file: &Path) -> Reach {
    if file == Path::new("-") || file.is_dir() {
        return Reach::default();
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    neighbours(folder).reading(file)
}

/// A database that is tested, and the classes of the dataset around it.
#[must_use]
pub fn tested(database: PathBuf, labels: Option<PathBuf>) -> Reach {
    let classes = label_file_around(&database);
    let parts = Parts { val: Some(database), val_labels: labels, ..Parts::default() };
    classes.into_iter().fold(dataset(&Place::Parts(parts)), Reach::reading)
}

/// The images of a list.
#[must_use]
pub fn list(list: &Path) -> Reach {
    if list.is_dir() {
        // What its links lead to is named by the user as well.
        let entries = WalkDir::new(list).into_iter().flatten().filter(walkdir::DirEntry::path_is_symlink);
        let targets = entries.filter_map(|link| link.path().canonicalize().ok()).take(ENTRIES);
        return targets.fold(Reach::default().reading(list), Reach::reading);
    }
    inference::images(list).into_iter().fold(Reach::default().reading(list), Reach::reading)
}

/// The entries of a network file's folder, which `require` and `image.load` may read. Without those whose names begin with
/// a dot: in a home folder they are keys and settings. A link is not followed: it may be part of what was pasted.
fn neighbours(folder: &Path) -> Reach {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let plain = entries.filter(|entry| {
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        !hidden && entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_dir())
    });
    let mut paths: Vec<PathBuf> = plain.map(|entry| entry.path()).collect();
    if paths.len() > ENTRIES {
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "lua"));
    }
    paths.into_iter().fold(Reach::default().listing(folder), Reach::reading)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn beside_a_network_file_lie_its_modules_and_no_keys_and_no_links_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["net.lua", "part.lua", ".netrc"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("models")).unwrap();
        fs::create_dir(folder.path().join(".ssh")).unwrap();
        symlink("/", folder.path().join("root")).unwrap();
        let reach = format!("{:?}", network(&folder.path().join("net.lua")));
        for name in ["net.lua", "part.lua", "models"] {
            assert!(reach.contains(&format!("/{name}\"")), "{name} is missing in {reach}");
        }
        for name in [".netrc", ".ssh", "root"] {
            assert!(!reach.contains(&format!("/{name}\"")), "{name} is in {reach}");
        }
        assert_eq!(network(Path::new("-")), Reach::default());
    }

    #[test]
    fn a_run_reaches_its_dataset_and_its_weights() {
        let folder = tempfile::tempdir().unwrap();
        let set = crate::data::sample::ensure(&folder.path().join("set")).unwrap();
        let weights = Some(folder.path().join("w.t7"));
        let asked = RunOptions { dataset: Some(set.clone()), weights, ..RunOptions::default() };
        let reach = format!("{:?}", options(&asked));
        for path in [set.join("train_db/data.mdb"), set, folder.path().join("w.t7")] {
            assert!(reach.contains(&format!("{path:?}")), "{path:?} is missing in {reach}");
        }
        assert_eq!(options_of_job(folder.path()), None);
    }
}
