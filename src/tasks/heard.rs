//! `Heard`: what a network file prints, on its way to whoever watches the task and into the job's log.

use std::{cell::RefCell, rc::Rc};

use super::observer::Observer;
use crate::{
    error::Result,
    frontend::lua::vm::Output,
    job::{JobDir, Level, LogWriter},
};

/// Lines that wait: the observer is at hand only between two calls into Lua. The log has them at once.
pub(super) struct Heard {
    lines: Rc<RefCell<Lines>>,
    output: Output,
}

#[derive(Default)]
struct Lines {
    waiting: Vec<String>,
    /// Of before there was a job.
    not_logged: Vec<String>,
    log: Option<LogWriter>,
}

impl Heard {
    /// Nothing was printed yet.
    pub(super) fn new() -> Heard {
        let lines = Rc::<RefCell<Lines>>::default();
        let kept = Rc::clone(&lines);
        let output = Output::new(move |line| {
            let lines = &mut *kept.borrow_mut();
            lines.waiting.push(line.to_string());
            match &mut lines.log {
                // What the disk refuses here it refuses at the next line of the run too, which ends it with a page.
                Some(log) => drop(log.write(Level::Info, line)),
                None => lines.not_logged.push(line.to_string()),
            }
        });
        Heard { lines, output }
    }

    /// Where the network file's `print` goes.
    pub(super) fn output(&self) -> Output {
        self.output.clone()
    }

    /// Ends a line that was begun and hands on all that waits: before an error page, and when a task is over.
    pub(super) fn tell_all(&self, observer: &mut dyn Observer) {
        self.output.flush();
        self.tell(observer);
    }

    /// Drops what waits: the file is run again, and prints it again.
    pub(super) fn forget(&self) {
        self.output.flush();
        self.lines.borrow_mut().waiting.clear();
    }

    /// Hands on what waits.
    pub(super) fn tell(&self, observer: &mut dyn Observer) {
        // Taken out first: the observer must not find it borrowed.
        let waiting = std::mem::take(&mut self.lines.borrow_mut().waiting);
        waiting.iter().for_each(|line| observer.printed(line));
    }

    /// Writes into the job's log from now on, beginning with what was printed before.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn log_into(&self, job: &JobDir) -> Result<()> {
        let mut log = job.log_writer()?;
        let lines = &mut *self.lines.borrow_mut();
        for line in std::mem::take(&mut lines.not_logged) {
            log.write(Level::Info, &line)?;
        }
        lines.log = Some(log);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lines(Vec<String>);

    impl Observer for Lines {
        fn printed(&mut self, line: &str) {
            self.0.push(line.into());
        }
    }

    #[test]
    fn lines_reach_the_observer_once() {
        let heard = Heard::new();
        let output = heard.output();
        output.line("one");
        let mut seen = Lines(Vec::new());
        heard.tell(&mut seen);
        heard.tell(&mut seen);
        output.line("two");
        heard.tell(&mut seen);
        assert_eq!(seen.0, ["one", "two"]);
    }
}
