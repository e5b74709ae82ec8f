//! What the thread of the head start and the main thread tell each other about the fence.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

static IS_THERE: AtomicBool = AtomicBool::new(false);

/// Set by the thread when it has given up all files but the dataset's, or ends.
static FENCED: OnceLock<()> = OnceLock::new();

/// There is such a thread.
pub(super) fn note() {
    IS_THERE.store(true, Ordering::Release);
}

/// Says when it is dropped, also by a panic, that the thread reads nothing that its fence does not allow.
pub(super) struct Fenced;

impl Drop for Fenced {
    fn drop(&mut self) {
        let _ = FENCED.set(()); // once
    }
}

/// Waits until the thread, if there is one, has its fence.
pub(super) fn wait_until_fenced() {
    if IS_THERE.load(Ordering::Acquire) {
        FENCED.wait();
    }
}
