//! `Crowd`: whether other programs want the processors, and what a step on libtorch's threads does about it.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::torch::ShortWaits;

/// The time between two looks: the system lets a thread wait for several milliseconds at a time.
const WINDOW: Duration = Duration::from_millis(50);
/// Windows in a row that make a crowd, and that make it gone. One alone may be the system's own shifting of threads.
const CROWD: u32 = 3;
const CALM: u32 = 20;
/// Alone on its processors a training waits for 0.03 of the time or less; two of them on the same ones wait for 0.3 each
/// and get 0.5 of the processors.
const WAITING: f64 = 0.15;
const RUNNING: f64 = 0.75;

/// Looks at how long the calling thread waits for a processor, and lets libtorch's threads wait shortly for each other
/// while other programs are the reason.
pub(super) struct Crowd {
    processors: f64,
    last: Option<Spent>,
    is_here: bool,
    /// Windows in a row that say otherwise.
    against: u32,
    /// Short ones, while it is here.
    waits: Option<ShortWaits>,
}

/// What was spent until an instant.
#[derive(Clone, Copy)]
struct Spent {
    at: Instant,
    /// The calling thread was ready to run, and did not.
    waiting: Duration,
    /// All processors, by all threads of this process.
    running: Duration,
}

impl Crowd {
    pub(super) fn new() -> Crowd {
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        Crowd { processors, last: None, is_here: false, against: 0, waits: None }
    }

    /// Called once a step; nearly always it only reads the clock.
    pub(super) fn look(&mut self) {
        let at = Instant::now();
        if self.last.is_some_and(|last| at - last.at < WINDOW) {
            return;
        }
        // Where the system does not tell, waits stay long.
        let (Some(waiting), Some(running)) = (waiting(), running()) else { return };
        let Some(last) = self.last.replace(Spent { at, waiting, running }) else { return };
        let share = |now: Duration, before: Duration| now.saturating_sub(before).div_duration_f64(at - last.at);
        if self.turns(share(waiting, last.waiting), share(running, last.running) / self.processors) {
            self.waits = if self.is_here { ShortWaits::begin() } else { None };
        }
    }

    /// Whether the crowd has come or gone: after a window of which the thread waited for the share `waiting`, and the
    /// process had the share `running` of all processors. A thread that waits while its process has nearly all of them
    /// waits for its own, which load data say.
    fn turns(&mut self, waiting: f64, running: f64) -> bool {
        let is_crowded = waiting > WAITING && running < RUNNING;
        self.against = if is_crowded == self.is_here { 0 } else { self.against + 1 };
        let turns = self.against == if is_crowded { CROWD } else { CALM };
        if turns {
            self.is_here = is_crowded;
            self.against = 0;
        }
        turns
    }
}

/// How long the calling thread was ready to run and did not (`Documentation/scheduler/sched-stats.rst` of Linux: the
/// second number, in nanoseconds).
fn waiting() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_ascii_whitespace().nth(1)?.parse().ok()?))
}

/// Processor time of this process.
fn running() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "std does not tell the time of the process")]
    // SAFETY: the call writes `time`.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    (failed == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_other_programs_for_a_while() {
        let mut crowd = Crowd::new();
        let mut turned = |waiting, running, windows| (0..windows).filter(|_| crowd.turns(waiting, running)).count();
        assert_eq!(turned(0.02, 0.7, 100), 0, "alone");
        assert_eq!(turned(0.3, 0.98, 100), 0, "its own loader");
        assert_eq!(turned(0.3, 0.5, CROWD - 1), 0);
        assert_eq!(turned(0.0, 0.7, 1), 0, "it starts anew");
        assert_eq!(turned(0.3, 0.5, CROWD), 1);
        assert_eq!(turned(0.3, 0.5, 100), 0, "still crowded");
        assert_eq!(turned(0.0, 0.7, CALM - 1), 0);
        assert_eq!(turned(0.3, 0.5, 1), 0);
        assert_eq!(turned(0.0, 0.7, CALM), 1);
    }

    #[test]
    fn the_system_tells_both_times() {
        let (before, begun) = (running().unwrap(), Instant::now());
        while begun.elapsed() < Duration::from_millis(20) {}
        assert!(running().unwrap() > before);
        if cfg!(target_os = "linux") && fs::exists("/proc/thread-self/schedstat").unwrap_or(false) {
            assert!(waiting().is_some());
        }
    }
}
