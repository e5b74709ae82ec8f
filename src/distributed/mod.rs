//! Several processes of one run that compute together, on libtorch's own c10d: who they are, how they meet, what they sum.
//!
//! **In:** a launcher's environment variables, tensors, bytes. **Out:** a [`Group`]: the same sums, bits and decisions for every
//! rank, or a page that names the rank that was lost. **Never:** networks, training, files of a job.
//!
//! A run of one process has no group. The words are MPI's: a *rank* is a process and its number, the *size* is how many there
//! are. gloo sums on processors; where each rank has a GPU of its own, NCCL sums from one to the other. Connections are made
//! before the process fences itself in; none is made afterwards. c10d knows neither a password nor encryption: it is for
//! networks where everybody is trusted.

mod c10d;
mod devices;
mod group;
mod launch;
mod launcher;
mod lost;
mod meeting;
mod nccl;
mod pmi;
mod rank_list;
mod signals;
mod timeouts;
mod watch;

pub use group::Group;
pub use launch::{Ending, Launch, launch};
pub use launcher::{Launcher, Place};
pub use meeting::{Program, locate, meet};
pub use nccl::{NcclFound, nccl_found};
pub use signals::Signals;
pub use timeouts::Timeouts;
