//! The flags of `digits-rs dataset pairs`.

use std::path::PathBuf;

use clap::Args;

use super::image_args::ImageArgs;
use crate::tasks::dataset::{LabelsAre, PairsRequest};

/// Two folders.
#[derive(Debug, Args)]
pub(super) struct PairsArgs {
    /// The folder of inputs
    #[arg(long, value_name = "DIR")]
    inputs: PathBuf,
    /// The folder of label images, of the same names
    #[arg(long, value_name = "DIR")]
    labels: PathBuf,
    /// Inputs to validate on, in a folder of their own
    #[arg(long, value_name = "DIR", requires = "val_labels", conflicts_with = "val_percent")]
    val_inputs: Option<PathBuf>,
    /// Their labels
    #[arg(long, value_name = "DIR", requires = "val_inputs")]
    val_labels: Option<PathBuf>,
    /// Percent of the pairs for validation
    #[arg(long, default_value_t = 25.0, value_name = "PERCENT")]
    val_percent: f64,
    /// A label image is a class at each pixel, for segmentation; without, values to repeat
    #[arg(long)]
    classes: bool,
    /// The classes' names, one on each line: makes the task a classification of pixels
    #[arg(long, value_name = "FILE", requires = "classes")]
    class_names: Option<PathBuf>,
    /// The classes' colours in the label images: red green blue on each line
    #[arg(long, value_name = "FILE", requires = "classes")]
    colors: Option<PathBuf>,
    #[command(flatten)]
    images: ImageArgs,
}

impl PairsArgs {
    /// As the task takes them.
    pub(super) fn request(self) -> PairsRequest {
        let PairsArgs { inputs, labels, val_inputs, val_labels, val_percent, classes, class_names, colors, images } =
            self;
        let labels_are = if classes { LabelsAre::Classes } else { LabelsAre::Images };
        let images = images.request();
        PairsRequest { inputs, labels, val_inputs, val_labels, val_percent, labels_are, class_names, colors, images }
    }
}
