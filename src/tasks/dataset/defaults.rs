//! DIGITS' defaults of new datasets, for serde; those of the division are [`FolderOptions`]', those of MNIST
//! [`MnistOptions`]'.

use std::path::PathBuf;

use super::record_size::RecordSize;
use crate::data::{MnistOptions, folder::FolderOptions};

pub(super) fn mnist_folder() -> PathBuf {
    "datasets/mnist".into()
}

pub(super) fn mnist_percent() -> f64 {
    MnistOptions::default().val_percent
}

pub(super) fn mnist_invert() -> bool {
    MnistOptions::default().invert
}

pub(super) fn val_percent() -> f64 {
    FolderOptions::default().val_percent
}

pub(super) fn min_per_class() -> usize {
    FolderOptions::default().min_per_class
}

pub(super) fn size() -> RecordSize {
    RecordSize { width: 256, height: 256 }
}

pub(super) fn channels() -> i64 {
    3
}

pub(super) fn shuffle() -> bool {
    true
}

pub(super) fn characters() -> usize {
    1024
}
