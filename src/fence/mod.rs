//! The second wall: a process that runs a pasted file gives up, before it reads the file, what it does not need.
//!
//! **In:** [`Reach`]: the files and folders that the task needs. **Out:** a process that the kernel holds to them
//! (Landlock), without programs, network and other processes (seccomp), and [`Held`]: what this kernel enforces.
//! **Never:** Lua, tasks, what a dataset or a job is.
//!
//! Landlock belongs to a thread and to the threads that it starts; only kernels from 7.0 on apply it to all threads of a
//! process at once. So each thread that is there before [`enter`] calls [`enter_thread`] for itself, and everything else
//! (OpenMP, loaders, signals, CUDA) starts after it. A seccomp filter is applied to all threads of the process by one call.

mod calls;
mod enter;
mod files;
mod limits;
mod reach;
mod support;

pub use enter::{Held, enter, enter_thread, enter_thread_connecting};
pub use reach::Reach;
pub use support::{Support, support};
