//! `Recorder`: what records work and repeats it.

use crate::error::Result;

/// Work on tensors. What it changes from one time to the next stands in tensors that live as long as it does; numbers of its
/// own are recorded as they are.
pub type Work = Box<dyn Fn() -> Result<()>>;

/// Records work.
pub trait Recorder {
    /// Records what `work` launches; nothing of it is done until it is repeated.
    ///
    /// # Errors
    /// That of the work, or when it cannot be recorded. What follows may go on without recordings.
    fn record(&mut self, work: Work) -> Result<Box<dyn Recording>>;
}

/// Recorded work. Dropped, it gives its memory back.
pub trait Recording {
    /// Does all of it once more, in the order of the calls on this thread. Does not wait for it.
    ///
    /// # Errors
    /// When the device refuses.
    fn repeat(&self) -> Result<()>;
}
