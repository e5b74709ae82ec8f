//! Telling of a database that takes long to go through.

use std::{
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// Receives the folder, how many entries were seen, and how many there are.
pub type Tell = fn(&Path, u64, u64);

static TELL: OnceLock<Tell> = OnceLock::new();

/// Lets `tell` hear of every database that takes longer than a second to go through: after 1, 2, 4, … seconds, from the
/// thread that does it. For the program, which says it once.
pub fn tell_of_long_waits(tell: Tell) {
    let _ = TELL.set(tell); // the first one stays
}

/// The clock of one going through.
pub(super) struct Notice {
    begun: Instant,
    next: Duration,
}

impl Notice {
    pub(super) fn begin() -> Notice {
        Notice { begun: Instant::now(), next: Duration::from_secs(1) }
    }

    /// Called now and then.
    pub(super) fn look(&mut self, folder: &Path, seen: u64, all: u64) {
        if self.is_due(self.begun.elapsed())
            && let Some(tell) = TELL.get()
        {
            tell(folder, seen, all);
        }
    }

    fn is_due(&mut self, elapsed: Duration) -> bool {
        let is_due = elapsed >= self.next;
        if is_due {
            self.next = elapsed * 2;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_told_of_ever_more_seldom() {
        let mut notice = Notice::begin();
        let told: Vec<u64> = (0..10_000).step_by(100).filter(|&ms| notice.is_due(Duration::from_millis(ms))).collect();
        assert_eq!(told, [1000, 2000, 4000, 8000]);
    }
}
