//! What a user can ask for, once, below every door: train, resume, sweep, check, test, export, datasets, previews.
//!
//! **In:** plain structs that serde reads, with DIGITS' defaults in one place; an [`Observer`] and a
//! [`Stop`](crate::train::Stop). **Out:** plain structs that serde writes, and files in job and dataset folders.
//! **Never:** printing, parsing of arguments, a terminal, state of the whole process.
//!
//! A training, in order: [`RunOptions`] become [`RunSettings`]; `prepare` opens the dataset and runs the network file;
//! `assemble` lowers the network and makes engine and loaders; [`train`] runs them in a job; [`sweep`] runs several;
//! [`run`](fn@run) picks the one that a request means. A panic below a task is an error page of it.

mod assemble;
mod board;
pub mod bounds;
pub mod check;
mod class_sets;
mod curves;
pub mod dataset;
pub mod doctor;
pub mod export;
mod file_settings;
mod follow;
mod gradients;
mod heard;
pub mod inference;
pub mod jobs;
mod kept;
mod likeness;
mod loader_source;
mod loaders;
pub mod look;
mod observer;
mod options;
pub mod pack;
pub mod panic;
pub mod prepare;
pub mod preview;
mod profiling;
pub mod reach;
pub mod records;
mod resident;
mod run;
mod sample_shape;
mod settings;
mod snapshot_choice;
pub mod sweep;
mod t7_weights;
pub mod together;
pub mod train;
mod train_summary;
mod trained;
mod training;
mod views;
mod warnings;
mod weights;

pub use observer::{Observer, Unobserved};
pub use options::{RunOptions, names_file};
pub use run::{RunRequest, RunSummary, run};
pub use sample_shape::SampleShape;
pub use settings::RunSettings;
pub use snapshot_choice::SnapshotChoice;
