//! `Clock`: the running deadline of one machine, on the processor time of its thread.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use crate::error::{Error, Kind, Origin};

/// A deadline and what it is for.
#[derive(Debug, Clone, Default)]
pub(in crate::frontend::lua) struct Deadline {
    /// On the thread's own clock.
    until: Option<Duration>,
    allowed: Duration,
    what: String,
}

/// The running deadline of one machine.
#[derive(Debug, Default)]
pub(in crate::frontend::lua) struct Clock {
    deadline: RefCell<Deadline>,
    expired: RefCell<Option<Error>>,
    /// True while the hook fires at every instruction.
    sticky: Cell<bool>,
}

impl Clock {
    /// Sets a deadline, unless an earlier one is running; answers the one to restore with [`Clock::stop`].
    pub(in crate::frontend::lua) fn start(&self, allowed: Option<Duration>, what: &str) -> Deadline {
        let before = self.deadline.borrow().clone();
        if let Some(allowed) = allowed {
            let until = processor_time().checked_add(allowed);
            if until.is_some() && before.until.is_none_or(|earlier| until < Some(earlier)) {
                *self.deadline.borrow_mut() = Deadline { until, allowed, what: what.to_string() };
            }
        }
        before
    }

    /// Ends the deadline that `start` set; the page if it had passed.
    pub(in crate::frontend::lua) fn stop(&self, before: Deadline) -> Option<Error> {
        let outer_goes_on = before.until.is_none_or(|until| processor_time() < until);
        *self.deadline.borrow_mut() = before;
        if outer_goes_on {
            self.sticky.set(false);
            self.expired.take()
        } else {
            self.expired.borrow().clone()
        }
    }

    /// True once the deadline has passed: cheap enough for inner loops that look every few thousand steps.
    pub(in crate::frontend::lua) fn is_over(&self) -> bool {
        self.expired.borrow().is_some() || self.deadline.borrow().until.is_some_and(|until| processor_time() >= until)
    }

    /// The page of the deadline that has passed: made once, with the line that was running then, and given again and
    /// again.
    pub(in crate::frontend::lua) fn expire(&self, line: Option<Origin>) -> Error {
        let mut expired = self.expired.borrow_mut();
        let page = expired.take().unwrap_or_else(|| {
            let deadline = self.deadline.borrow();
            Error::new(Kind::Limit, format!("stopped after {} {}", seconds(deadline.allowed), deadline.what))
                .at(line.as_ref())
                .with_help("look for a loop that does not end near this line")
        });
        *expired = Some(page.clone());
        page
    }

    /// Whether the hook is to look after every instruction, which the code cannot outrun.
    pub(in crate::frontend::lua) fn is_sticky(&self) -> bool {
        self.sticky.get()
    }

    /// Lets the hook look after every instruction; true when it did not before.
    pub(in crate::frontend::lua) fn make_sticky(&self) -> bool {
        !self.sticky.replace(true)
    }
}

/// What this thread has spent computing so far.
#[expect(unsafe_code, reason = "the standard library has no clock of a thread")]
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local of the type that the function fills.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32)
}

fn seconds(time: Duration) -> String {
    if time.as_secs() > 0 && time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}
