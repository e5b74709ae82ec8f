//! The flags that say what is made of images, shared by the commands that make datasets of them.

use std::path::PathBuf;

use clap::Args;

use crate::{
    data::{Encoding, Resize},
    tasks::dataset::{ImageOptions, RecordSize},
};

/// What is made of images.
#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    /// The dataset folder to make.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Width and height of the records.
    #[arg(long, default_value_t = ImageOptions::new(PathBuf::new()).size, value_name = "WxH")]
    size: RecordSize,
    /// 1 (grey), 3 (colour) or 4 (colour and transparency).
    #[arg(long, default_value_t = ImageOptions::new(PathBuf::new()).channels, value_parser = clap::value_parser!(i64).range(1..=4))]
    channels: i64,
    /// How images of another shape are fitted.
    #[arg(long, value_enum, default_value_t = ImageOptions::new(PathBuf::new()).resize)]
    resize: Resize,
    /// How pixels are kept.
    #[arg(long, value_enum, default_value_t = ImageOptions::new(PathBuf::new()).encoding)]
    encoding: Encoding,
    /// Seeds the division, the order of the records and padding noise.
    #[arg(long, default_value_t = ImageOptions::new(PathBuf::new()).seed)]
    seed: u64,
}

impl ImageArgs {
    /// As the tasks take them.
    pub(super) fn request(self) -> ImageOptions {
        let ImageArgs { out, size, channels, resize, encoding, seed } = self;
        ImageOptions { out, size, channels, resize, encoding, seed }
    }
}
