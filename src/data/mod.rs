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

mod cache;
pub mod characters;
mod class_files;
mod class_folders;
mod codec;
pub mod create;
mod dataset;
pub mod datum;
mod decoded;
mod deep;
mod fingerprint;
mod fit;
pub mod folder;
mod folder_of_sets;
mod head_start;
pub mod idx;
pub mod image;
pub mod info;
pub mod label_image;
pub mod list_line;
pub mod lmdb;
mod loader;
mod lock;
mod manifest;
mod mean;
mod mnist;
mod npy;
pub mod npz;
pub mod pairs;
mod part;
mod place;
mod planes;
mod png;
mod progress;
mod random;
mod record;
mod records;
pub mod sample;
mod sampler;
pub mod stack;
pub mod text_lists;
pub mod texts;
mod transform;

pub use cache::RecordCache;
pub use codec::Encoding;
pub use dataset::{Dataset, Parts, database_of, label_file_around, labels_around};
pub use decoded::Decoded;
pub use deep::DeepImage;
pub use fingerprint::Fingerprint;
pub use fit::Resize;
pub use head_start::{HeadStart, Wanted};
pub use image::Image;
pub use loader::{Batch, DataLoader, LoaderOptions};
pub use lock::is_in_the_making;
pub use manifest::{Manifest, SplitEntry};
pub use mean::{Mean, MeanSum};
pub use mnist::MnistOptions;
pub use npy::Array;
pub use part::Part;
pub use place::Place;
pub use planes::{Pixels, Planes, Values, shape_text};
pub use progress::{Progress, Silent};
pub use random::Random;
pub use record::{Sample, Target};
pub use records::Records;
pub use sampler::{Borders, Order, order};
pub use transform::{Augment, Draw, Element, Flip, Placement, Preprocess, QuarterTurn, Real, Rest, Scratch, Subtract};
