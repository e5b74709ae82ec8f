//! The job directory: one folder of plain files for a run, written by one process and read by many.
//!
//! **In:** a network file's text, settings, events, bytes of snapshots and pictures. **Out:** the folder, and
//! read-only answers about it (`JobView`). **Never:** tensors, networks, the training loop, printing.
//!
//! Every file is an append (`metrics.jsonl`, `log.txt`) or a temporary file, fsync, rename (all others), so a
//! process killed at any moment leaves a folder that reads well. See `dir.rs` for the names.

mod archive;
mod clock;
mod dir;
mod event;
pub mod file;
mod lock;
mod number;
mod other_work;
mod record;
mod replace;
mod sweep;
#[cfg(test)]
pub(crate) mod testing;
mod training_clock;
mod view;

pub use archive::{PackedSnapshots, pack, unpack};
pub use clock::Stamp;
pub use dir::{JobDir, Level, LogWriter};
pub use event::{Event, EventKind, Scalars};
pub use number::{counted, lua_number};
pub use record::{Best, DatasetRef, JobRecord, NetworkRef, Status};
pub(crate) use record::{damaged, read_json};
pub use replace::{Replacement, replace};
pub use sweep::{SweepJob, SweepRecord};
pub use training_clock::TrainingClock;
pub use view::{JobView, SnapshotFile};
