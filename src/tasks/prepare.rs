//! `prepare`: the first half of every task with a network: the dataset opened, and the network file run for it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{options::RunOptions, settings::RunSettings};
use crate::{
    data::{self, Dataset, HeadStart, Parts, Place, Records, Target, Wanted, database_of},
    error::{Error, Kind, Result},
    frontend::{LabelShape, NetworkFile, NetworkParams, Output, Settings, Source},
    torch::{
        device::{self, Resolved},
        on_one_thread,
        precision::{self, Precision},
    },
};

/// Where the built-in sample of MNIST is unpacked when no dataset is named, below the working directory.
const SAMPLE: &str = "datasets/mnist-sample";

/// [`SAMPLE`] from any working directory.
fn sample() -> PathBuf {
    std::path::absolute(SAMPLE).unwrap_or_else(|_| SAMPLE.into())
}

/// Unpacks the built-in sample when the settings mean it and it is not there yet.
///
/// # Errors
/// When it cannot be written.
pub(super) fn unpack_sample(settings: &RunSettings) -> Result<()> {
    let sample = sample();
    if place(settings) == Place::Folder(sample.clone()) {
        data::sample::ensure(&sample)?;
    }
    Ok(())
}

/// Whether a folder is that of the built-in sample, of this working directory or another.
pub(super) fn is_sample(folder: &Path) -> bool {
    folder.ends_with(SAMPLE)
}

/// A dataset, and the network file that has run for it.
pub struct Prepared {
    /// The settings, with what the file says: batch sizes and crop.
    pub settings: RunSettings,
    /// The data.
    pub opened: OpenedDataset,
    /// The file, not lowered yet.
    pub loaded: NetworkFile,
    /// Where the network will live.
    pub device: Resolved,
    /// The number of classes, for a classification.
    pub classes: Option<i64>,
}

/// A dataset as the settings name it.
pub struct OpenedDataset {
    /// The folder, or the train database, for people; the sample's folder as it is from the working directory.
    pub path: String,
    /// The data.
    pub dataset: Dataset,
    /// Who is decoding it already.
    pub head_start: Option<HeadStart>,
}

/// The device of a run, or of its process number `local_rank` on this machine, from 0: where the settings leave the choice, each
/// process gets a GPU of its own. As exact as the settings want it.
///
/// # Errors
/// When the name is none, the device is not here, or the machine has fewer GPUs than processes.
pub fn device(settings: &RunSettings, local_rank: usize) -> Result<Resolved> {
    let device = device::resolve_for(settings.device.parse()?, local_rank)?;
    if settings.tf32 && device.is_cuda() {
        precision::set(Precision::Tf32)?;
    }
    Ok(device)
}

/// The options, with the folder of the built-in sample as their dataset when they name none: a job that keeps them finds
/// it from any working directory.
#[must_use]
pub fn with_sample(mut options: RunOptions) -> RunOptions {
    if options.train_db.is_none() {
        options.dataset.get_or_insert_with(sample);
    }
    options
}

/// Runs the network file for an opened dataset; what it prints goes to `output`.
///
/// # Errors
/// When the file does not give a network.
pub fn prepare(
    source: Source,
    options: &RunOptions,
    device: Resolved,
    opened: OpenedDataset,
    output: Output,
) -> Result<Prepared> {
    let records = RecordFacts::of(&opened.dataset)?;
    let (settings, loaded) = run_file(source, options, device, records, output)?;
    Ok(Prepared { settings, opened, loaded, device, classes: records.classes })
}

/// What a network file is told of a dataset.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordFacts {
    /// `[c, h, w]` of a record, before cropping.
    pub(super) shape: [i64; 3],
    /// The number of classes, for a classification.
    pub(super) classes: Option<i64>,
    /// What the labels are.
    pub(super) labels: LabelShape,
}

impl RecordFacts {
    /// Of an open dataset.
    pub(super) fn of(dataset: &Dataset) -> Result<RecordFacts> {
        let classes = (!dataset.labels.is_empty()).then_some(dataset.labels.len() as i64);
        Ok(RecordFacts { shape: dataset.shape, classes, labels: labels(dataset)? })
    }
}

/// Runs the network file for such records; the settings that come of it.
pub(super) fn run_file(
    source: Source,
    options: &RunOptions,
    device: Resolved,
    records: RecordFacts,
    output: Output,
) -> Result<(RunSettings, NetworkFile)> {
    let settings = RunSettings::of(options, &Settings::before(&source));
    let RecordFacts { shape, classes, labels } = records;
    let cut = |[c, h, w]: [i64; 3]| settings.crop.map_or([c, h, w], |crop| [c, crop.min(h), crop.min(w)]);
    let labels = match labels {
        // A label image of the records' size is cut with them.
        LabelShape::Image(Some(label)) if label[1..] == shape[1..] => LabelShape::Image(Some(cut(label))),
        other => other,
    };
    let params =
        NetworkParams { nclasses: classes, ngpus: i64::from(device.is_cuda()), input_shape: Some(cut(shape)), labels };
    let loaded = on_one_thread(|| NetworkFile::load(source, &params, output, settings.seed))?;
    Ok((RunSettings::of(options, &loaded.settings()), loaded))
}

/// What the labels of a dataset are, by its first record.
fn labels(dataset: &Dataset) -> Result<LabelShape> {
    let Some(records) = dataset.train().or_else(|| dataset.val()) else { return Ok(LabelShape::Scalar) };
    Ok(match records.get(0)?.target {
        Target::Label(_) => LabelShape::Scalar,
        Target::Planes(planes) => LabelShape::Image(Some(planes.shape)),
    })
}

impl OpenedDataset {
    /// Opens the dataset that the settings name; the built-in sample when they name none, unpacked when it is not yet.
    /// `head_start` may have opened it already.
    ///
    /// # Errors
    /// When a setting is out of range, the dataset cannot be read, or the sample cannot be written.
    pub fn open(settings: &RunSettings, head_start: Option<HeadStart>) -> Result<OpenedDataset> {
        settings.check()?;
        unpack_sample(settings)?;
        OpenedDataset::as_it_is(settings, head_start)
    }

    /// The same, but writes nothing.
    ///
    /// # Errors
    /// When a setting is out of range, or the dataset cannot be read.
    pub fn as_it_is(settings: &RunSettings, head_start: Option<HeadStart>) -> Result<OpenedDataset> {
        settings.check()?;
        let place = place(settings);
        let path = match &place {
            Place::Folder(folder) if *folder == sample() => SAMPLE.to_string(),
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

/// What a run with these options will want of its data, for a [`HeadStart`]; nothing when they name no place.
#[must_use]
pub fn wanted(options: RunOptions) -> Option<Wanted> {
    let settings = RunSettings::of(&options.with_absolute_paths().ok()?, &Settings::default());
    Some(Wanted {
        place: place(&settings),
        budget: settings.memory_budget(),
        order: (settings.shuffle, settings.seed),
        validates: settings.validation_interval > 0.0,
    })
}

/// Where the dataset lies that the settings name.
pub(super) fn place(settings: &RunSettings) -> Place {
    if let Some(train) = &settings.train_db {
        // Its file was named where the folder is meant.
        let folder = |path: &PathBuf| database_of(path).unwrap_or_else(|| path.clone());
        return Place::Parts(Parts {
            train: Some(folder(train)),
            train_labels: settings.train_labels_db.as_ref().map(folder),
            val: settings.val_db.as_ref().map(folder),
            val_labels: settings.val_labels_db.as_ref().map(folder),
            mean: settings.mean.clone(),
            labels: settings.labels.clone(),
        });
    }
    Place::Folder(settings.dataset.clone().unwrap_or_else(sample))
}
