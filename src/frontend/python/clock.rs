//! `Clock`: how long the code that runs now may go on, by processor time and by the clock on the wall.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use crate::frontend::watchdog::{self, Watch};

/// Steps of the evaluator between two looks at the clock: some tens of microseconds.
const STEPS: u32 = 512;

/// The running deadline of one interpreter.
#[derive(Default)]
pub(super) struct Clock {
    until: Cell<Option<(Duration, Instant)>>,
    steps: Cell<u32>,
    /// Ends the process when all else fails; it watches as long as it is kept.
    watch: RefCell<Option<Watch>>,
}

/// Which time was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Processor time of this thread.
    Processor,
    /// Time by the clock on the wall.
    Wall,
}

impl Clock {
    /// Starts a deadline unless one is running; true when this call started it and has to [`Clock::stop`] it.
    pub(super) fn start(&self, processor: Duration, wall: Duration) -> bool {
        if self.until.get().is_some() {
            return false;
        }
        let (now, then) = (watchdog::processor_time(), Instant::now());
        let far = Duration::from_secs(60 * 60 * 24 * 365);
        let until = (now.saturating_add(processor), then.checked_add(wall).unwrap_or(then + far));
        self.until.set(Some(until));
        self.steps.set(0);
        self.watch.replace(watchdog::watch(processor, wall, "while the Python file ran"));
        true
    }

    /// Ends the deadline.
    pub(super) fn stop(&self) {
        self.until.set(None);
        self.watch.take();
    }

    /// Counts one step; looks at the clock now and then.
    #[must_use]
    pub(super) fn step(&self) -> Option<Over> {
        let steps = self.steps.get() + 1;
        if steps < STEPS {
            self.steps.set(steps);
            return None;
        }
        self.look()
    }

    /// Counts the steps of an operation over `items` items at a time.
    #[must_use]
    pub(super) fn steps(&self, items: usize) -> Option<Over> {
        let steps = self.steps.get().saturating_add(u32::try_from(items).unwrap_or(STEPS));
        self.steps.set(steps);
        if steps < STEPS { None } else { self.look() }
    }

    /// Looks at the clock.
    #[must_use]
    pub(super) fn look(&self) -> Option<Over> {
        self.steps.set(0);
        let (processor, wall) = self.until.get()?;
        if watchdog::processor_time() >= processor {
            Some(Over::Processor)
        } else if Instant::now() >= wall {
            Some(Over::Wall)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_passes_once_and_nests() {
        let clock = Clock::default();
        assert_eq!(clock.look(), None);
        assert!(clock.start(Duration::ZERO, Duration::from_secs(9)));
        assert!(!clock.start(Duration::from_secs(9), Duration::from_secs(9)));
        assert_eq!(clock.look(), Some(Over::Processor));
        assert!((0..STEPS).any(|_| clock.step().is_some()));
        clock.stop();
        assert_eq!(clock.look(), None);
    }
}
