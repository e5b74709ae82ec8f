//! `Signals`: signals on their way to the processes that `launch` has started.

use std::{
    io,
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Signals on their way to the processes of a run.
#[derive(Debug, Clone, Default)]
pub struct Signals(Arc<Mutex<Sent>>);

#[derive(Debug, Default)]
struct Sent {
    /// Those that run.
    processes: Vec<u32>,
    /// The first that came: the run is to stop.
    first: Option<i32>,
    /// How many came by way of this process.
    count: u32,
}

impl Signals {
    /// The user's wish to stop: hands the signal on to every process that runs, and to those that are still to come. A process
    /// that was stopped goes on, so that it takes part in the end. The second one ends the processes.
    pub fn send(&self, signal: i32) {
        let mut sent = self.lock();
        sent.count += 1;
        sent.ask(signal);
    }

    /// Makes what one process was asked for everybody's wish; nothing when they know of one already.
    pub(super) fn share(&self, signal: i32) {
        let mut sent = self.lock();
        if sent.first.is_none() {
            sent.ask(signal);
        }
    }

    /// Pauses every process, as Ctrl-Z does.
    pub fn pause(&self) {
        self.lock().processes.iter().for_each(|&process| kill(process, libc::SIGSTOP));
    }

    /// Lets every process go on.
    pub fn go_on(&self) {
        self.lock().processes.iter().for_each(|&process| kill(process, libc::SIGCONT));
    }

    /// Whether the run is to stop.
    pub(super) fn came(&self) -> bool {
        self.lock().first.is_some()
    }

    /// Whether it is to stop at once.
    pub(super) fn insists(&self) -> bool {
        self.lock().count > 1
    }

    /// A process that runs from now on.
    pub(super) fn add(&self, child: &Child) {
        let mut sent = self.lock();
        sent.processes.push(child.id());
        if let Some(signal) = sent.first {
            stop(child.id(), signal);
        }
    }

    /// How a process ended, when it has.
    pub(super) fn reap(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        // Under the lock: a number that was waited for may be another process's.
        let mut sent = self.lock();
        let status = child.try_wait()?;
        if status.is_some() {
            let process = child.id();
            sent.processes.retain(|&known| known != process);
        }
        Ok(status)
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sent {
    fn ask(&mut self, signal: i32) {
        self.first.get_or_insert(signal);
        self.processes.iter().for_each(|&process| stop(process, signal));
    }
}

/// Asks a process to stop, which one that was paused could not hear.
fn stop(process: u32, signal: i32) {
    kill(process, signal);
    kill(process, libc::SIGCONT);
}

fn kill(process: u32, signal: i32) {
    let Ok(process) = libc::pid_t::try_from(process) else { return };
    #[expect(unsafe_code, reason = "the standard library sends SIGKILL only")]
    // SAFETY: the call takes numbers; the process is a child that was not waited for, so the number is still its own.
    unsafe {
        libc::kill(process, signal);
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::Command, thread, time::Duration};

    use super::*;

    fn end(signals: &Signals, child: &mut Child) -> ExitStatus {
        loop {
            match signals.reap(child).unwrap() {
                Some(status) => return status,
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    #[test]
    fn a_signal_reaches_who_was_paused_and_who_comes_after_it() {
        let signals = Signals::default();
        let sleeper = || Command::new("sleep").arg("60").spawn().unwrap();
        let mut first = sleeper();
        signals.add(&first);
        signals.pause();
        signals.send(libc::SIGTERM);
        assert_eq!(end(&signals, &mut first).signal(), Some(libc::SIGTERM));
        let mut second = sleeper();
        signals.add(&second);
        assert_eq!(end(&signals, &mut second).signal(), Some(libc::SIGTERM));
        let (shared, mut third) = (Signals::default(), sleeper());
        shared.add(&third);
        shared.share(libc::SIGTERM);
        assert_eq!(end(&shared, &mut third).signal(), Some(libc::SIGTERM));
        // The user has asked once so far.
        shared.send(libc::SIGTERM);
        assert!(signals.came() && !signals.insists() && !shared.insists());
        signals.send(libc::SIGINT);
        assert!(signals.insists());
    }
}
