//! `prepare`: the first half of every task with a network: the dataset opened, and the network file run for it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{options::RunOptions, settings::RunSettings};
use crate::{
    data::{self, Dataset, HeadStart, Parts, Place, Records, Wanted},
    error::{Error, Kind, Result},
    frontend::{self, NetworkParams, Source, lua::vm::VmOptions},
    torch::{
        device::{self, Resolved},
        on_one_thread,
    },
};

/// Where the built-in sample of MNIST is unpacked when no dataset is named.
const SAMPLE: &str = "datasets/mnist-sample";

/// A dataset, and the network file that has run for it.
pub struct Prepared {
    /// The settings, with what the file says: batch sizes and crop.
    pub settings: RunSettings,
    /// The data.
    pub opened: OpenedDataset,
    /// The file's table, not lowered yet.
    pub loaded: frontend::Loaded,
    /// Where the network will live.
    pub device: Resolved,
    /// The number of classes, for a classification.
    pub classes: Option<i64>,
}

/// A dataset as the settings name it.
pub struct OpenedDataset {
    /// The folder, or the train database.
    pub path: String,
    /// The data.
    pub dataset: Dataset,
    /// Who is decoding it already.
    pub head_start: Option<HeadStart>,
}

/// The device that the settings name; before anything else asks libtorch, which is why [`prepare`] wants it.
///
/// # Errors
/// When the name is none, or the device is not here.
pub fn device(settings: &RunSettings) -> Result<Resolved> {
    device::resolve(settings.device.parse()?)
}

/// Opens the dataset and runs the network file. `head_start` may have opened it already.
///
/// # Errors
/// When a setting is out of range, the dataset cannot be opened, or the file does not give a network.
pub fn prepare(
    source: Source,
    options: &RunOptions,
    device: Resolved,
    head_start: Option<HeadStart>,
) -> Result<Prepared> {
    let settings = RunSettings::of(options, &frontend::Settings::default());
    settings.check()?;
    let opened = OpenedDataset::open(&settings, head_start)?;
    let dataset = &opened.dataset;
    let classes = (!dataset.labels.is_empty()).then_some(dataset.labels.len() as i64);
    let [channels, height, width] = dataset.shape;
    let params = NetworkParams {
        nclasses: classes,
        ngpus: i64::from(device.is_cuda()),
        input_shape: Some(settings.crop.map_or(dataset.shape, |crop| [channels, crop.min(height), crop.min(width)])),
    };
    let loaded = on_one_thread(|| frontend::load(source, &params, VmOptions::default(), settings.seed))?;
    Ok(Prepared { settings: RunSettings::of(options, &loaded.settings), opened, loaded, device, classes })
}

impl OpenedDataset {
    /// Opens the dataset that the settings name; the built-in sample, unpacked when it is not yet, when they name none.
    ///
    /// # Errors
    /// When it cannot be read, or the sample cannot be written.
    pub fn open(settings: &RunSettings, head_start: Option<HeadStart>) -> Result<OpenedDataset> {
        let place = match place(settings) {
            Some(place) => place,
            None => sample()?,
        };
        let path = match &place {
            Place::Folder(folder) => folder.display().to_string(),
            Place::Parts(parts) => parts.train.as_deref().unwrap_or(Path::new("")).display().to_string(),
        };
        if let Some(head_start) = head_start
            && let Some(dataset) = head_start.dataset(&place)
        {
            return Ok(OpenedDataset { path, dataset, head_start: Some(head_start) });
        }
        Ok(OpenedDataset { path, dataset: place.open()?, head_start: None })
    }

    /// The records to train on.
    ///
    /// # Errors
    /// When there are none.
    pub fn train(&self) -> Result<Arc<Records>> {
        self.dataset.train().ok_or_else(|| {
            Error::new(Kind::Data, format!("{} has no train records", self.path))
                .with_help("name a dataset with a train_db")
        })
    }
}

/// The built-in sample of MNIST, unpacked when it is not yet.
///
/// # Errors
/// When it cannot be written.
pub(super) fn sample() -> Result<Place> {
    Ok(Place::Folder(data::sample::ensure(Path::new(SAMPLE))?))
}

/// What a run with these options will want of its data, for a [`HeadStart`]; nothing while it is not there.
#[must_use]
pub fn wanted(options: &RunOptions) -> Option<Wanted> {
    let settings = RunSettings::of(options, &frontend::Settings::default());
    Some(Wanted {
        place: place(&settings)?,
        budget: settings.memory_budget(),
        order: (settings.shuffle, settings.seed),
        validates: settings.validation_interval > 0.0,
    })
}

/// Where the dataset lies that the settings name; none for the built-in sample while it is not unpacked.
pub(super) fn place(settings: &RunSettings) -> Option<Place> {
    if let Some(train) = &settings.train_db {
        return Some(Place::Parts(Parts {
            train: Some(train.clone()),
            train_labels: settings.train_labels_db.clone(),
            val: settings.val_db.clone(),
            val_labels: settings.val_labels_db.clone(),
            mean: settings.mean.clone(),
            labels: settings.labels.clone(),
        }));
    }
    let sample = || Some(PathBuf::from(SAMPLE)).filter(|path| Dataset::is_at(path));
    settings.dataset.clone().or_else(sample).map(Place::Folder)
}
