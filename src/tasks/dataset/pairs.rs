//! New datasets of inputs and label images, paired by name.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use super::{defaults, image_options::ImageOptions, report::DatasetReport, watched::Watched};
use crate::{
    data::{
        Resize,
        label_image::LabelImages,
        pairs::{self, Pairs},
    },
    error::{Error, Kind, Result},
    tasks::{observer::Observer, panic},
    train::Stop,
};

/// What a label image means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelsAre {
    /// Values to repeat.
    #[default]
    Images,
    /// A class at each pixel.
    Classes,
}

/// A folder of inputs and a folder of label images of the same names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsRequest {
    /// The folder of inputs.
    pub inputs: PathBuf,
    /// The folder of label images.
    pub labels: PathBuf,
    /// Inputs to validate on, in a folder of their own.
    #[serde(default)]
    pub val_inputs: Option<PathBuf>,
    /// Their labels.
    #[serde(default)]
    pub val_labels: Option<PathBuf>,
    /// Percent of the pairs for validation, 0 to 100, without folders of their own.
    #[serde(default = "defaults::val_percent")]
    pub val_percent: f64,
    /// What a label image means.
    #[serde(default)]
    pub labels_are: LabelsAre,
    /// The classes' names, one on each line.
    #[serde(default)]
    pub class_names: Option<PathBuf>,
    /// The classes' colours, red green blue on each line.
    #[serde(default)]
    pub colors: Option<PathBuf>,
    /// What is made of the images.
    pub images: ImageOptions,
}

/// Makes a dataset of pairs.
///
/// # Errors
/// When a folder cannot be read or no image has a partner, or the dataset is there already or cannot be written;
/// `Kind::Interrupted` when `stop` is asked for, nothing being left of it then.
pub fn pairs(request: &PairsRequest, observer: &mut dyn Observer, stop: &Stop) -> Result<DatasetReport> {
    panic::guarded(|| {
        let started = Instant::now();
        let labels = meaning(request)?;
        let found = divided(request)?;
        let (out, options) = (&request.images.out, request.images.create(true));
        let made = pairs::create(out, &found, &labels, options, &Watched::by(observer, stop))?;
        Ok(DatasetReport::of(out, made, started))
    })
}

/// The pairs that the request's folders give.
pub(super) fn divided(request: &PairsRequest) -> Result<Pairs> {
    let val = match (&request.val_inputs, &request.val_labels) {
        (Some(inputs), Some(labels)) => Some([inputs.as_path(), labels.as_path()]),
        (None, None) => None,
        _ => {
            return Err(Error::new(Kind::Usage, "of the two validation folders one is missing")
                .with_help("name the folder of inputs and the folder of labels, or neither"));
        }
    };
    pairs::divide([&request.inputs, &request.labels], val, request.val_percent, request.images.seed)
}

/// What the pixels of the request's label images mean.
pub(super) fn meaning(request: &PairsRequest) -> Result<LabelImages> {
    if request.labels_are == LabelsAre::Classes && request.images.resize != Resize::Squash {
        return Err(Error::new(Kind::Usage, "label images of classes are fitted by squash alone")
            .with_fact("asked for", format!("{:?}", request.images.resize).to_lowercase())
            .with_help("leave --resize out, or cut inputs and labels to one size before"));
    }
    let (names, colors): (Option<&Path>, Option<&Path>) = (request.class_names.as_deref(), request.colors.as_deref());
    match request.labels_are {
        LabelsAre::Images => Ok(LabelImages::images()),
        LabelsAre::Classes => LabelImages::classes(names, colors),
    }
}
