//! `watch`: the processes of a run on this machine, until all have ended. When one has, those that cannot follow are ended here.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    process::{Child, ExitStatus},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::signals::Signals;
use crate::error::Kind;

/// When one process ended, the others have this long to end by themselves: they look for who is lost, which takes seven seconds.
const GRACE: Duration = Duration::from_secs(15);
/// The same when rank 0 ended with a page of its own, perhaps before the others met it.
const SHORT_GRACE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);
/// Between two looks at which processes are stopped.
const LOOK: Duration = Duration::from_millis(250);

/// One of the processes.
pub(super) struct Rank {
    pub(super) number: usize,
    pub(super) child: Child,
    pub(super) status: Option<ExitStatus>,
    pub(super) output: Option<JoinHandle<Vec<u8>>>,
    /// Whether this process ended it.
    pub(super) was_ended: bool,
    /// Since when it is stopped (SIGSTOP), while others are not.
    stopped: Option<Instant>,
}

impl Rank {
    /// One that was just started.
    pub(super) fn new(number: usize, child: Child, output: Option<JoinHandle<Vec<u8>>>) -> Rank {
        Rank { number, child, status: None, output, was_ended: false, stopped: None }
    }

    /// The signal that ended it, when nobody here did.
    pub(super) fn signal(&self) -> Option<i32> {
        self.status.filter(|_| !self.was_ended).and_then(|status| status.signal())
    }

    /// Its exit status, when it ended by itself.
    pub(super) fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// How it ended, in words.
    pub(super) fn ending(&self) -> String {
        match (self.code(), self.status.and_then(|status| status.signal())) {
            (_, Some(_)) if self.was_ended => "hung and was ended".to_string(),
            (_, Some(signal)) => format!("was ended by signal {signal}"),
            (Some(code), _) => format!("ended with exit status {code}"),
            _ => "ended".to_string(),
        }
    }

    /// Whether it ended because somebody asked it to: with the page of a stopped run, or before it could hear of a signal.
    pub(super) fn is_stop(&self, stops: &[i32]) -> bool {
        self.code() == Some(STOPPED) || self.signal().is_some_and(|signal| stops.contains(&signal))
    }

    fn runs(&self) -> bool {
        self.status.is_none()
    }

    fn end(&mut self) {
        self.was_ended = true;
        let _ = self.child.kill(); // it may have ended just now
    }

    /// Whether it is stopped, as the system says.
    fn is_stopped(&self) -> bool {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The name before it may hold anything.
        text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }
}

/// Of a run that was stopped.
const STOPPED: i32 = Kind::Interrupted.exit_status() as i32;
/// Of a process that lost another one.
pub(super) const LONELY: i32 = Kind::Lost.exit_status() as i32;

/// Whether a process ended with a page of its own.
pub(super) fn is_mistake(rank: &Rank) -> bool {
    rank.code().is_some_and(|code| ![0, STOPPED, LONELY].contains(&code))
}

/// Whether rank 0 ended with what there is to say: every mistake of the others is on its page, and the job may not even be this
/// run's.
pub(super) fn first_speaks(ranks: &[Rank]) -> bool {
    ranks.first().is_some_and(|first| is_mistake(first) || first.code() == Some(STOPPED))
}

/// Waits until all have ended. `stops` are the signals that ask for a stop; `patience` is how long a process may be stopped
/// while others go on.
pub(super) fn watch(ranks: &mut [Rank], signals: &Signals, stops: &[i32], patience: Duration) {
    let mut first_end: Option<Instant> = None;
    let mut looked = Instant::now();
    loop {
        for rank in ranks.iter_mut().filter(|rank| rank.runs()) {
            let Ok(Some(status)) = signals.reap(&mut rank.child) else { continue };
            rank.status = Some(status);
            if rank.is_stop(stops) {
                signals.share(libc::SIGTERM);
            }
            // Rank 0 may still be writing what came of the run; who waits for it is in no hurry.
            let is_in_order = status.success() || rank.code() == Some(STOPPED);
            if rank.number == 0 || !is_in_order {
                first_end.get_or_insert_with(Instant::now);
            }
        }
        if !ranks.iter().any(Rank::runs) {
            return;
        }
        let grace = if ranks.first().is_some_and(is_mistake) { SHORT_GRACE } else { GRACE };
        if signals.insists() || first_end.is_some_and(|end| end.elapsed() > grace) {
            ranks.iter_mut().filter(|rank| rank.runs()).for_each(Rank::end);
        }
        if looked.elapsed() > LOOK {
            looked = Instant::now();
            look(ranks, signals, first_end.is_some(), patience);
        }
        thread::sleep(PAUSE);
    }
}

/// Ends a process that is stopped where another has ended, or where the others went on for too long.
fn look(ranks: &mut [Rank], signals: &Signals, has_end: bool, patience: Duration) {
    let stopped: Vec<bool> = ranks.iter().map(|rank| rank.runs() && rank.is_stopped()).collect();
    // All at once are paused, and not lost.
    let is_pause = stopped.iter().all(|&is_stopped| is_stopped);
    for (rank, is_stopped) in ranks.iter_mut().zip(stopped) {
        if !is_stopped || is_pause {
            rank.stopped = None;
            continue;
        }
        let since = *rank.stopped.get_or_insert_with(Instant::now);
        if has_end || since.elapsed() > patience {
            rank.end();
        }
    }
    if signals.came() {
        signals.go_on();
    }
}

/// The process that was lost: one that was killed; where none ended by a mistake of its own, one that hung and was ended from here,
/// or one that says that it lost another. A mistake would only be repeated by another start.
pub(super) fn lost(ranks: &[Rank]) -> Option<&Rank> {
    let was_killed = |rank: &&Rank| rank.status.is_some_and(|status| status.signal().is_some());
    if let Some(rank) = ranks.iter().find(|rank| rank.signal().is_some()) {
        return Some(rank);
    }
    if ranks.iter().any(is_mistake) {
        return None;
    }
    ranks.iter().find(was_killed).or_else(|| ranks.iter().find(|rank| rank.code() == Some(LONELY)))
}

#[cfg(test)]
pub(super) mod tests {
    use std::process::Command;

    use super::*;

    /// A process of each of these wait statuses: an exit status times 256, or a signal.
    pub(in crate::distributed) fn ranks(statuses: &[i32]) -> Vec<Rank> {
        let rank = |(number, status): (usize, &i32)| {
            let mut child = Command::new("true").spawn().unwrap();
            child.wait().unwrap();
            Rank { status: Some(ExitStatus::from_raw(*status)), ..Rank::new(number, child, None) }
        };
        statuses.iter().enumerate().map(rank).collect()
    }

    #[test]
    fn a_lost_process_is_told_from_a_mistake() {
        let lonely = LONELY << 8;
        for (statuses, expected) in [
            (vec![0, 0], None),
            (vec![lonely, 9], Some(1)),
            // A rank that slept for longer than the others waited.
            (vec![lonely, lonely], Some(0)),
            (vec![0, lonely], Some(1)),
            (vec![lonely, 1 << 8], None),
            (vec![2 << 8, 2 << 8], None),
        ] {
            assert_eq!(lost(&ranks(&statuses)).map(|rank| rank.number), expected, "{statuses:?}");
        }
        let mut ended = ranks(&[15, 9]);
        ended[0].was_ended = true;
        assert_eq!(lost(&ended).map(|rank| rank.number), Some(1));
        // Rank 0's page ends the run; that the other waited and was ended from here is no loss.
        let mut waited = ranks(&[1 << 8, 9]);
        waited[1].was_ended = true;
        assert!(lost(&waited).is_none());
        // It hung, and the first one says so.
        let mut hung = ranks(&[lonely, 9]);
        hung[1].was_ended = true;
        assert_eq!(lost(&hung).map(|rank| (rank.number, rank.ending())), Some((1, "hung and was ended".into())));
    }

    /// A shell with this script.
    fn shell(number: usize, script: &str) -> Rank {
        let child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        Rank::new(number, child, None)
    }

    fn watched(mut ranks: Vec<Rank>, signals: &Signals, patience: Duration) -> (Vec<Rank>, Duration) {
        ranks.iter().for_each(|rank| signals.add(&rank.child));
        let begun = Instant::now();
        watch(&mut ranks, signals, &[libc::SIGTERM], patience);
        (ranks, begun.elapsed())
    }

    #[test]
    fn a_stopped_process_is_ended_once_another_has_missed_it_or_its_time_is_over() {
        let stops = "kill -STOP $$; sleep 60";
        let lonely = format!("exit {LONELY}");
        let (found, took) = watched(vec![shell(0, &lonely), shell(1, stops)], &Signals::default(), Duration::MAX);
        assert!(found[1].was_ended && took < Duration::from_secs(5), "{took:?}");
        let short = Duration::from_millis(100);
        let (found, took) = watched(vec![shell(0, stops), shell(1, "exit 0")], &Signals::default(), short);
        assert!(found[0].was_ended && took < Duration::from_secs(5), "{took:?}");
        // Rank 0 has all that came of the run.
        let (found, took) = watched(vec![shell(0, "exit 0"), shell(1, stops)], &Signals::default(), Duration::MAX);
        assert!(found[1].was_ended && took < Duration::from_secs(5), "{took:?}");
    }

    #[test]
    fn a_stop_of_one_is_everybody_s() {
        let signals = Signals::default();
        let (found, took) = watched(vec![shell(0, "sleep 60"), shell(1, "kill $$")], &signals, Duration::MAX);
        assert!(signals.came() && found.iter().all(|rank| rank.is_stop(&[libc::SIGTERM])), "{took:?}");
    }
}
