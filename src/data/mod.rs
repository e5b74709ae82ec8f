//! Datasets: made from images, read from Caffe's LMDB, turned into batches.
//!
//! **In:** folders of images, MNIST's IDX files, LMDB folders of `Datum` records, a mean image. **Out:** dataset
//! folders that DIGITS and Caffe read, and `Batch`es of `[n, c, h, w]` tensors in a fixed order.
//! **Never:** networks, training, Lua; no printing (progress goes through [`Progress`] and
//! [`lmdb::tell_of_long_waits`]).
//!
//! ```text
//! images, IDX ── folder, text_lists, idx ─▶ create ─▶ train_db, val_db, mean.binaryproto, labels.txt, dataset.json
//!                                              │
//!                     Dataset::open ─▶ Records (lmdb, datum, image) ─▶ DataLoader (sampler, transform) ─▶ Batch
//! ```

pub mod create;
mod dataset;
pub mod datum;
pub mod folder;
mod head_start;
pub mod idx;
pub mod image;
pub mod info;
pub mod lmdb;
mod loader;
mod lock;
mod mean;
mod mnist;
mod png;
mod random;
mod records;
pub mod sample;
mod sampler;
pub mod text_lists;
mod transform;

pub use dataset::{Dataset, Manifest, Parts, SplitEntry};
pub use datum::{Pixels, Planes, Values};
pub use head_start::{HeadStart, Place, Wanted};
pub use image::{Encoding, Image, Resize};
pub use loader::{Batch, DataLoader, LoaderOptions};
pub use mean::{Mean, MeanSum};
pub use mnist::MnistOptions;
pub use random::Random;
pub use records::{Records, Sample, Target};
pub use sampler::{Order, order};
pub use transform::{Augment, Draw, Element, Flip, Preprocess, QuarterTurn, Real, Rest, Scratch, Subtract};

/// Who is told how a long piece of work goes on. Calls come from the thread that started the work.
pub trait Progress: Sync {
    /// A stage of `total` steps begins, such as `("train_db", 45002)`.
    fn stage(&self, name: &str, total: u64);
    /// `done` steps of the current stage are finished.
    fn done(&self, done: u64);
    /// An input was left out, and why (one line).
    fn skipped(&self, input: &str, reason: &str);
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &str, _: u64) {}
    fn done(&self, _: u64) {}
    fn skipped(&self, _: &str, _: &str) {}
}
