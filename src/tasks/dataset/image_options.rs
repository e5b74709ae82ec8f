//! `ImageOptions`: what is made of images.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{defaults, record_size::RecordSize};
use crate::{
    data::{Encoding, Resize, create::CreateOptions},
    error::Result,
};

/// What is made of images, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageOptions {
    /// The dataset folder to make.
    pub out: PathBuf,
    /// Width and height of the records.
    #[serde(default = "defaults::size")]
    pub size: RecordSize,
    /// 1 (grey), 3 (colour) or 4 (colour and transparency).
    #[serde(default = "defaults::channels")]
    pub channels: i64,
    /// How images of another shape are fitted.
    #[serde(default)]
    pub resize: Resize,
    /// How pixels are kept.
    #[serde(default)]
    pub encoding: Encoding,
    /// Seeds the division, the order of the records and padding noise.
    #[serde(default)]
    pub seed: u64,
}

impl ImageOptions {
    /// The defaults, for the folder `out`.
    #[must_use]
    pub fn new(out: PathBuf) -> ImageOptions {
        let (resize, encoding) = (Resize::default(), Encoding::default());
        ImageOptions { out, size: defaults::size(), channels: defaults::channels(), resize, encoding, seed: 0 }
    }

    /// Refuses what no image can be made into, before anything is looked at.
    ///
    /// # Errors
    /// `Kind::Usage`; the page begins with the setting's name.
    pub fn check(&self) -> Result<()> {
        self.create(true).check()
    }

    /// As the maker of datasets takes them.
    pub(super) fn create(&self, shuffle: bool) -> CreateOptions {
        CreateOptions {
            shape: [self.channels, self.size.height, self.size.width],
            resize: self.resize,
            encoding: self.encoding,
            seed: self.seed,
            shuffle,
        }
    }
}
