//! `Clock`: the running deadline of one machine, on the processor time of its thread and on the wall.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Kind, Origin},
    frontend::watchdog::{self, Watch},
};

/// What a call may take on the wall: ten times its processor time and a minute. A machine may be busy with other work, but
/// nobody waits for ever.
fn on_the_wall(allowed: Duration) -> Duration {
    allowed * 10 + Duration::from_secs(60)
}

/// A deadline and what it is for.
#[derive(Debug, Default)]
pub(in crate::frontend::lua) struct Deadline {
    /// On the thread's own clock.
    until: Option<Duration>,
    /// On the wall.
    until_wall: Option<Instant>,
    allowed: Duration,
    what: String,
    /// Ends the process when all else fails; it watches as long as it is kept.
    _watch: Option<Watch>,
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
    /// Sets a deadline, unless an earlier one is running; answers the one to restore with [`Clock::stop`], if it was replaced.
    pub(in crate::frontend::lua) fn start(&self, allowed: Option<Duration>, what: &str) -> Option<Deadline> {
        let allowed = allowed?;
        let until = watchdog::processor_time().checked_add(allowed)?;
        if self.deadline.borrow().until.is_some_and(|earlier| earlier <= until) {
            return None;
        }
        let until_wall = Instant::now().checked_add(on_the_wall(allowed));
        let watch = watchdog::watch(allowed, on_the_wall(allowed), what);
        Some(self.deadline.replace(Deadline {
            until: Some(until),
            until_wall,
            allowed,
            what: what.to_string(),
            _watch: watch,
        }))
    }

    /// Ends the deadline that `start` set; the page if it had passed.
    pub(in crate::frontend::lua) fn stop(&self, before: Option<Deadline>) -> Option<Error> {
        if let Some(before) = before {
            *self.deadline.borrow_mut() = before;
        }
        if self.passed().is_none() {
            self.sticky.set(false);
            self.expired.take()
        } else {
            self.expired.borrow().clone()
        }
    }

    /// The time that was allowed, once it has passed: on the processor, or on the wall.
    fn passed(&self) -> Option<String> {
        let deadline = self.deadline.borrow();
        let until = deadline.until?;
        if watchdog::processor_time() >= until {
            return Some(seconds(deadline.allowed));
        }
        let is_late = deadline.until_wall.is_some_and(|until| Instant::now() >= until);
        is_late.then(|| format!("{} on the wall clock", seconds(on_the_wall(deadline.allowed))))
    }

    /// True once the deadline has passed: cheap enough for inner loops that look every few thousand steps.
    pub(in crate::frontend::lua) fn is_over(&self) -> bool {
        self.expired.borrow().is_some() || self.passed().is_some()
    }

    /// Processor time that is left, and that was allowed; `None` without a deadline.
    pub(in crate::frontend::lua) fn left(&self) -> Option<(Duration, Duration)> {
        let deadline = self.deadline.borrow();
        Some((deadline.until?.saturating_sub(watchdog::processor_time()), deadline.allowed))
    }

    /// The page of the deadline that has passed: made once, with the line that was running then, and given again and
    /// again.
    pub(in crate::frontend::lua) fn expire(&self, line: Option<Origin>) -> Error {
        let mut expired = self.expired.borrow_mut();
        let page = expired.take().unwrap_or_else(|| {
            let after = self.passed();
            let deadline = self.deadline.borrow();
            let after = after.unwrap_or_else(|| seconds(deadline.allowed));
            Error::new(Kind::Limit, format!("stopped after {after} {}", deadline.what))
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

/// `10 s`, `300 ms`.
pub(super) fn seconds(time: Duration) -> String {
    if time.as_secs() > 0 && time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}
