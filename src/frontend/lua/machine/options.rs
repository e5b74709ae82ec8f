//! `VmOptions` and `Limit`: what a machine may do, and for how long.
//!
//! Both limits are *processor time* of the thread that runs the file: on a busy machine a file that is loading must not be
//! stopped because others are at work. On the wall each has ten times as long and a minute; at twice either limit the watchdog ends the
//! process.
//! Memory is that of Lua's values; tensors have a limit of their own, `torch::memory`.

use std::time::Duration;

use super::output::Output;

/// What a machine may do, and how long.
#[derive(Debug, Clone)]
pub struct VmOptions {
    /// Opens `io`, `os`, `debug` and `package`: for the user's own scripts, never for a pasted file.
    pub trusted: bool,
    /// Bytes that Lua values may take; 0 lifts the limit.
    pub memory_limit: usize,
    /// Processor time for [`Limit::Build`]: running the file and the function that it returns.
    pub build_time: Duration,
    /// Processor time for [`Limit::Hook`]: one call of a hook during training.
    pub hook_time: Duration,
    /// Where `print` goes.
    pub output: Output,
}

impl Default for VmOptions {
    /// A pasted file: 256 MiB, 10 s to build, 1 s a hook call, `print` into the void.
    fn default() -> Self {
        VmOptions {
            trusted: false,
            memory_limit: 256 << 20,
            build_time: Duration::from_secs(10),
            hook_time: Duration::from_secs(1),
            output: Output::silent(),
        }
    }
}

/// Which deadline a guarded call runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Building the network: [`VmOptions::build_time`].
    Build,
    /// One hook call: [`VmOptions::hook_time`].
    Hook,
    /// No deadline, for trusted scripts.
    None,
}
