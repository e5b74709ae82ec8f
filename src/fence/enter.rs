//! `enter`: the process gives up what its task does not need, and cannot take it back.

use super::{calls, files, limits, reach::Reach};

/// What holds for the process from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The kernel's version of Landlock, when it keeps the process to its files.
    pub files: Option<i32>,
    /// Whether programs, network and other processes are refused.
    pub calls: bool,
}

/// Fences the calling thread, all threads that it will start, and those that are there already, as far as the kernel can:
/// system calls always, files from Linux 7.0 on ([`enter_thread`] is for the others). What this kernel cannot hold is left
/// open.
pub fn enter(reach: &Reach) -> Held {
    limits::set();
    let files = files::restrict(reach, true, true);
    Held { files, calls: calls::refuse(true) }
}

/// Keeps the calling thread, and those that it will start, to these files, before the process calls [`enter`]. System calls
/// are left to that: a thread with a filter of its own would keep the kernel from giving one to all.
pub fn enter_thread(reach: &Reach) {
    files::restrict(reach, false, true);
}

/// As [`enter_thread`], but for the network, which the thread still needs: for one that connects to the other processes of its
/// run before [`enter`]. The threads that this starts are kept to the files as well.
pub fn enter_thread_connecting(reach: &Reach) {
    files::restrict(reach, false, false);
}
