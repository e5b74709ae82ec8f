//! The watchdog: ends the process, with a page, when a call of the user's code has gone on for twice its limit.
//!
//! The limits stop Lua and Python code, and native calls are measured before they start; whatever neither foresaw (a library that does
//! not come back) ends here. It is a thread of its own, which a program asks for with [`end_overruns`]; without that there is
//! none. Nothing of the thread that hangs is touched: a job's files are whole at any moment, it gets the page, and a run resumes
//! from its last snapshot.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::error::{Error, Kind};

/// How often it looks.
const PACE: Duration = Duration::from_millis(200);

/// What the program does with the page: print it and end.
static END: OnceLock<fn(&Error)> = OnceLock::new();
static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// One call that is watched.
struct Watched {
    number: u64,
    /// The processor clock of its thread.
    clock: libc::clockid_t,
    until: Duration,
    until_wall: Instant,
    allowed: Duration,
    what: String,
}

/// Watches one call until it is dropped.
#[derive(Debug)]
pub(in crate::frontend) struct Watch(u64);

impl Drop for Watch {
    fn drop(&mut self) {
        watched(|all| all.retain(|one| one.number != self.0));
    }
}

/// From now on calls that go on for twice their limit are handed to `end`, on a thread of the watchdog's, with their page.
/// It prints the page and ends the process.
pub fn end_overruns(end: fn(&Error)) {
    if END.set(end).is_ok() {
        // Without a thread there are still the limits themselves.
        let _ = thread::Builder::new().name("watchdog".into()).spawn(|| {
            loop {
                thread::sleep(PACE);
                if let (Some(page), Some(end)) = (watched(|all| all.iter().find_map(Watched::overrun)), END.get()) {
                    end(&page);
                }
            }
        });
    }
}

fn watched<T>(f: impl FnOnce(&mut Vec<Watched>) -> T) -> T {
    f(&mut WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Watches a call of this thread that has `allowed` processor time and `wall` time; `None` when nobody wants to know.
pub(in crate::frontend) fn watch(allowed: Duration, wall: Duration, what: &str) -> Option<Watch> {
    END.get()?;
    let clock = own_clock()?;
    let until = time_of(clock)?.checked_add(allowed * 2)?;
    let until_wall = Instant::now().checked_add(wall * 2)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    watched(|all| all.push(Watched { number, clock, until, until_wall, allowed, what: what.to_string() }));
    Some(Watch(number))
}

impl Watched {
    fn overrun(&self) -> Option<Error> {
        let is_over = time_of(self.clock).is_some_and(|now| now >= self.until) || Instant::now() >= self.until_wall;
        is_over.then(|| {
            Error::new(Kind::Limit, format!("ended after more than twice the {:?} allowed {}", self.allowed, self.what))
                .with_fact("why so late", "one call into a library did not come back")
                .with_help("look for a call on very large tensors; a training job resumes from its last snapshot")
        })
    }
}

/// The processor clock of this thread, as another thread can read it.
#[expect(unsafe_code, reason = "the standard library has no clock of a thread")]
fn own_clock() -> Option<libc::clockid_t> {
    let mut clock = 0;
    // SAFETY: the pointer is to a local of the type that the function fills; a thread may always ask about itself.
    let status = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
    (status == 0).then_some(clock)
}

/// What this thread has spent computing so far.
pub(in crate::frontend) fn processor_time() -> Duration {
    time_of(libc::CLOCK_THREAD_CPUTIME_ID).unwrap_or_default()
}

/// What a processor clock says; `None` when its thread has ended.
#[expect(unsafe_code, reason = "as above")]
fn time_of(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local of the type that the function fills; a clock that is gone is an error.
    let status = unsafe { libc::clock_gettime(clock, &raw mut time) };
    (status == 0).then(|| Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_over_at_twice_its_limit_on_either_clock() {
        let clock = own_clock().unwrap();
        let watched = |until: Duration, wall: Duration| Watched {
            number: 0,
            clock,
            until,
            until_wall: Instant::now() + wall,
            allowed: Duration::from_secs(10),
            what: "in a test".into(),
        };
        let hour = Duration::from_secs(3600);
        assert!(watched(hour, hour).overrun().is_none());
        assert!(watched(hour, Duration::ZERO).overrun().unwrap().message().contains("twice the 10s allowed in a test"));
        let until = time_of(clock).unwrap();
        assert!(watched(until, hour).overrun().is_some());
        assert!(time_of(-1).is_none());
    }
}
