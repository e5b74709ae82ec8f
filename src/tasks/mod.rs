//! What a user can ask for, once, below every door: train, resume, sweep, check, test, export, datasets, previews.
//!
//! **In:** plain structs that serde reads, with DIGITS' defaults in one place; an [`Observer`] and a
//! [`Stop`](crate::train::Stop). **Out:** plain structs that serde writes, and files in job and dataset folders.
//! **Never:** printing, parsing of arguments, a terminal, state of the whole process.

pub mod check;
pub mod dataset;
pub mod doctor;
pub mod export;
mod observer;
mod sample_shape;
mod snapshot_choice;
pub mod test;
mod trained;

pub use observer::{Observer, Unobserved};
pub use sample_shape::SampleShape;
pub use snapshot_choice::SnapshotChoice;
