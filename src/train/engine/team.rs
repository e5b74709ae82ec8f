//! `Team`: a few threads that do one piece of work together many thousand times a second, and the barrier between
//! its phases.
//!
//! Waiting is about 2000 pauses of spinning, then giving the processor away at every look; an idle team sleeps.
//! The caller is member 0, so a team of one has no thread of its own.
//!
//! The system likes to wake a thread on the processor of the one that woke it, and may leave it there for 20 steps of half a
//! millisecond, each of which then takes two to four times as long. A member that finds itself on the caller's processor
//! goes to another at once.
#![expect(unsafe_code, reason = "the work is borrowed from the caller's stack while the team runs it")]

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
};

const SPINS: u32 = 2000;
/// Looks after the spinning before an idle member sleeps.
const YIELDS: u32 = 200;

/// Holds every member of a team until all have come.
#[derive(Default)]
pub(super) struct Barrier {
    members: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
}

impl Barrier {
    /// Waits for the others.
    ///
    /// # Panics
    /// When another member panicked, so that nobody waits for ever.
    pub(super) fn wait(&self) {
        if self.members < 2 {
            return;
        }
        let round = self.round.load(SeqCst);
        if self.arrived.fetch_add(1, SeqCst) + 1 == self.members {
            self.arrived.store(0, SeqCst);
            self.round.store(round + 1, SeqCst);
            return;
        }
        let mut patience = Patience::default();
        while self.round.load(SeqCst) == round {
            assert!(!self.broken.load(SeqCst), "another thread of the team panicked");
            patience.pause();
        }
    }
}

#[derive(Default)]
struct Patience(u32);

impl Patience {
    /// Waits a little; true once it has waited long.
    fn pause(&mut self) -> bool {
        self.0 = self.0.saturating_add(1);
        if self.0 < SPINS {
            std::hint::spin_loop();
        } else {
            thread::yield_now();
        }
        self.0 > SPINS + YIELDS
    }
}

type Work<'a> = dyn Fn(usize, &Barrier) + Sync + 'a;

/// The caller's work, with its lifetime hidden; used only while [`Team::run`] waits.
#[derive(Clone, Copy)]
struct Borrowed(*const Work<'static>);

// SAFETY: the work is Sync, and `Team::run` keeps it alive until every member is done with it.
unsafe impl Send for Borrowed {}

#[derive(Default)]
struct Shared {
    barrier: Barrier,
    /// The caller's processor.
    place: AtomicUsize,
    work: Mutex<Option<Borrowed>>,
    /// Counts the runs; a change is the signal to start.
    run: AtomicUsize,
    done: AtomicUsize,
    stop: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Threads that wait for work.
pub(super) struct Team {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Team {
    /// A team of `members`, the caller among them.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn new(members: usize) -> std::io::Result<Team> {
        let barrier = Barrier { members, ..Default::default() };
        let shared = Arc::new(Shared { barrier, ..Default::default() });
        let mut team = Team { shared, threads: Vec::new() };
        for member in 1..members {
            let shared = team.shared.clone();
            let thread = thread::Builder::new().name(format!("step {member}"));
            team.threads.push(thread.spawn(move || serve(&shared, member))?);
        }
        Ok(team)
    }

    /// Number of members.
    pub(super) fn members(&self) -> usize {
        self.threads.len() + 1
    }

    /// Lets every member call `work` with its number and the barrier; returns when all are done.
    ///
    /// # Panics
    /// With the panic of a member.
    pub(super) fn run(&mut self, work: &Work<'_>) {
        let shared = &*self.shared;
        if self.threads.is_empty() {
            return work(0, &shared.barrier);
        }
        // SAFETY: only the lifetime changes; this function does not return before every member is done.
        let hidden = unsafe { std::mem::transmute::<*const Work<'_>, *const Work<'static>>(work) };
        *shared.work.lock().expect("no member panics while it holds this lock") = Some(Borrowed(hidden));
        shared.done.store(0, SeqCst);
        shared.place.store(processor::here(), SeqCst);
        shared.run.fetch_add(1, SeqCst);
        for thread in &self.threads {
            thread.thread().unpark();
        }
        attempt(shared, || work(0, &shared.barrier));
        let mut patience = Patience::default();
        while shared.done.load(SeqCst) < self.threads.len() {
            patience.pause();
        }
        *shared.work.lock().expect("no member panics while it holds this lock") = None;
        if shared.barrier.broken.swap(false, SeqCst) {
            shared.barrier.arrived.store(0, SeqCst);
            let panic = shared.panic.lock().expect("no member panics while it holds this lock").take();
            resume_unwind(panic.unwrap_or_else(|| Box::new("a thread of the team panicked")));
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // Its panics were handed on by `run`.
            let _ = thread.join();
        }
    }
}

/// Calls `work`; a panic is kept for `run` and breaks the barrier.
fn attempt(shared: &Shared, work: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
        let mut first = shared.panic.lock().expect("no member panics while it holds this lock");
        if !shared.barrier.broken.swap(true, SeqCst) {
            *first = Some(panic);
        }
    }
}

/// The life of a member.
fn serve(shared: &Shared, member: usize) {
    let mut seen = 0;
    let mut patience = Patience::default();
    loop {
        if shared.stop.load(SeqCst) {
            return;
        }
        let run = shared.run.load(SeqCst);
        if run == seen {
            if patience.pause() {
                // `run` unparks after it changed the count, so a signal between the look and the sleep is not lost.
                thread::park();
            }
            continue;
        }
        (seen, patience) = (run, Patience::default());
        processor::leave(shared.place.load(SeqCst));
        let work = *shared.work.lock().expect("no member panics while it holds this lock");
        if let Some(Borrowed(work)) = work {
            // SAFETY: `Team::run` waits for `done` before the work goes away.
            attempt(shared, || unsafe { (*work)(member, &shared.barrier) });
        }
        shared.done.fetch_add(1, SeqCst);
    }
}

#[cfg(target_os = "linux")]
mod processor {
    /// The number of the processor that runs this thread.
    pub(super) fn here() -> usize {
        // SAFETY: the call takes nothing.
        let number = unsafe { libc::sched_getcpu() };
        usize::try_from(number).unwrap_or(usize::MAX)
    }

    /// Moves this thread to another processor when it is on `number` and may run elsewhere; otherwise does nothing.
    pub(super) fn leave(number: usize) {
        if here() != number {
            return;
        }
        let size = size_of::<libc::cpu_set_t>();
        // SAFETY: a set is an array of bits, `number` is one of the system's, so below the set's size or refused by it.
        unsafe {
            let mut allowed: libc::cpu_set_t = std::mem::zeroed();
            if number >= 8 * size || libc::sched_getaffinity(0, size, &mut allowed) != 0 {
                return;
            }
            let mut others = allowed;
            libc::CPU_CLR(number, &mut others);
            // An empty set is refused. Where it may run is as before once it has moved.
            if libc::sched_setaffinity(0, size, &others) == 0 {
                libc::sched_setaffinity(0, size, &allowed);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod processor {
    pub(super) fn here() -> usize {
        0
    }

    pub(super) fn leave(_: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_kept_apart_over_many_runs() {
        for members in [1, 2, 3] {
            let mut team = Team::new(members).unwrap();
            let (first, second) = (AtomicUsize::new(0), AtomicUsize::new(0));
            for round in 1..=300 {
                team.run(&|_, barrier| {
                    first.fetch_add(1, SeqCst);
                    barrier.wait();
                    assert_eq!(first.load(SeqCst), members * round);
                    second.fetch_add(1, SeqCst);
                });
                assert_eq!(second.load(SeqCst), members * round);
                if round % 100 == 0 {
                    thread::sleep(std::time::Duration::from_millis(5));
                }
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_leaves_a_processor_and_may_come_back() {
        let allowed = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            status.lines().find(|line| line.starts_with("Cpus_allowed_list")).unwrap().to_string()
        };
        let before = allowed();
        let several = before.contains(['-', ',']);
        // The system may move the thread at any moment, but not every time.
        let left = (0..50).filter(|_| {
            let number = processor::here();
            processor::leave(number);
            processor::here() != number
        });
        assert_eq!(left.count() > 25, several);
        processor::leave(usize::MAX);
        assert_eq!(allowed(), before);
    }

    #[test]
    fn a_panic_of_any_member_reaches_the_caller_and_the_team_lives_on() {
        let mut team = Team::new(2).unwrap();
        for guilty in [0, 1] {
            let result = catch_unwind(AssertUnwindSafe(|| {
                team.run(&|member, barrier| {
                    assert_ne!(member, guilty, "on purpose");
                    barrier.wait();
                });
            }));
            assert!(result.is_err());
            let count = AtomicUsize::new(0);
            team.run(&|_, barrier| {
                barrier.wait();
                count.fetch_add(1, SeqCst);
            });
            assert_eq!(count.load(SeqCst), 2);
        }
    }
}
