//! Training: from a lowered network and batches to weights, metrics and snapshots in a job directory.
//!
//! **In:** an `Engine` over a `nn::Network`, sources of batches, a `Plan`, a `JobDir`. **Out:** `Trainer::run`, and
//! what it writes through the `JobDir`. **Never:** Lua, file paths of networks, pictures, printing.
//!
//! Read `trainer.rs` first: it is the loop. Source of the rhythm: DIGITS `tools/torch/main.lua`.

mod cadence;
mod carried;
mod diagnose;
pub mod engine;
mod fitting;
mod meter;
mod observer;
mod plan;
mod position;
mod record;
mod snapshot;
mod source;
mod stop;
mod target;
#[cfg(test)]
mod testing;
mod trainer;
mod transfer;

pub use cadence::Interval;
pub use diagnose::{Culprit, Diagnosis, diagnose};
pub use meter::{Accuracy, Meter, RunningMean};
pub use observer::{EpochSummary, Evaluated, Silent, TrainObserver};
pub use plan::Plan;
pub use position::Position;
pub use record::RunRecord;
pub use snapshot::{Snapshot, SnapshotNote};
pub use source::{BatchSource, Finish, TrainBatch};
pub use stop::Stop;
pub use target::Targets;
pub use trainer::{Outcome, Trainer};
pub use transfer::Transfer;

pub use crate::nn::LabelHook;
