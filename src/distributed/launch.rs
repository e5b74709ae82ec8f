//! `launch`: a run of several processes on this machine without a launcher: this process starts them, watches, and starts them
//! anew when one was lost.
//!
//! It serves the store, computes nothing, and runs no network file. The processes are in groups of their own, so that a
//! Ctrl-C reaches them once, by way of this process; when it is killed they are asked to stop.

use std::{
    ffi::OsString,
    fs::File,
    io::{Read, Write as _},
    net::{IpAddr, Ipv4Addr},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{ChildStderr, Command, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    c10d::Store,
    launcher::BY_DIGITS,
    signals::Signals,
    watch::{LONELY, Rank, first_speaks, lost, watch},
};
use crate::error::{Error, Kind, Result};

/// Processes to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// How many.
    pub processes: usize,
    /// The arguments of each of them.
    pub arguments: Vec<OsString>,
    /// The same when they start anew.
    pub again: Vec<OsString>,
    /// The job's folder, where the ranks from 1 on leave a log each.
    pub job: PathBuf,
    /// How often all of them are started anew, when one was lost.
    pub restarts: u32,
    /// How long they wait for each other in a step.
    pub timeout: Duration,
    /// The signals that ask a process to stop.
    pub stops: &'static [i32],
}

/// How a launch came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With this exit status; the processes said what there is to say.
    Status(u8),
    /// Somebody asked the run to stop before its first step.
    StoppedBeforeFirstStep,
    /// Somebody asked twice, and did not wait for the end.
    StoppedAtOnce,
    /// Somebody asked it to stop, and not all processes could: which was lost, and how.
    StoppedWithout {
        /// `rank 1`.
        rank: String,
        /// `was ended by signal 9`.
        how: String,
    },
}

/// The processes notice by themselves that one is stopped, and name it; this one has them ended so much later.
const MARGIN: Duration = Duration::from_secs(10);
/// Bytes that are kept of what a rank from 1 on prints.
const MOST_OUTPUT: u64 = 1 << 20;

/// Runs them to their end; `say` is given sentences for the user.
///
/// # Errors
/// When a process cannot be started.
pub fn launch(launch: &Launch, signals: &Signals, say: &mut dyn FnMut(&str)) -> Result<Ending> {
    let mut left = launch.restarts;
    loop {
        let arguments = if left == launch.restarts { &launch.arguments } else { &launch.again };
        let ranks = once(launch, arguments, signals)?;
        if signals.came() {
            return Ok(stopped(&ranks, launch.stops, signals.insists()));
        }
        let Some(failed) = failed(&ranks) else { return Ok(Ending::Status(0)) };
        if let Some(lost) = lost(&ranks).filter(|_| left > 0) {
            let which = launch.restarts - left + 1;
            say(&format!(
                "rank {} {}: all {} processes start anew and go on from the last snapshot ({which} of {})",
                lost.number,
                lost.ending(),
                launch.processes,
                launch.restarts
            ));
            left -= 1;
            continue;
        }
        // Rank 0 speaks for all, unless it was killed.
        if failed.code().is_none() || failed.number > 0 {
            let words = logs(launch).map_or_else(String::new, |logs| format!("; the others' words are in {logs}"));
            say(&format!("rank {} {}{words}", failed.number, failed.ending()));
        }
        return Ok(Ending::Status(exit_status(failed)));
    }
}

/// The first that did not end well; none when rank 0, which has all that came of the run, did and another had to be ended.
fn failed(ranks: &[Rank]) -> Option<&Rank> {
    let ended_well = |rank: &Rank| rank.code() == Some(0);
    let is_whole = ranks.first().is_some_and(ended_well);
    ranks.iter().find(|rank| !(ended_well(rank) || is_whole && rank.was_ended))
}

/// How a run ended that was asked to stop; `at_once` when it was asked twice.
fn stopped(ranks: &[Rank], stops: &[i32], at_once: bool) -> Ending {
    let Some(first) = ranks.first() else { return Ending::StoppedBeforeFirstStep };
    let is_lonely = first.code() == Some(LONELY);
    // It was done, or has a page: that of a run that was stopped, with the state saved, or another.
    if first.code().is_some() && !is_lonely {
        return Ending::Status(exit_status(first));
    }
    if at_once {
        return Ending::StoppedAtOnce;
    }
    // All of them would have ended as rank 0 has.
    let is_early =
        first.is_stop(stops) || ((is_lonely || first.was_ended) && ranks[1..].iter().any(|rank| rank.is_stop(stops)));
    if is_early {
        return Ending::StoppedBeforeFirstStep;
    }
    let lost = lost(ranks).unwrap_or(first);
    Ending::StoppedWithout { rank: format!("rank {}", lost.number), how: lost.ending() }
}

/// The logs of the ranks from 1 on, where one was written.
fn logs(launch: &Launch) -> Option<String> {
    let is_there = (1..launch.processes).any(|number| launch.job.join(format!("rank-{number}.log")).is_file());
    is_there.then(|| launch.job.join("rank-*.log").display().to_string())
}

fn exit_status(rank: &Rank) -> u8 {
    let code = rank.code().or_else(|| rank.status?.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Starts all, waits for all.
fn once(launch: &Launch, arguments: &[OsString], signals: &Signals) -> Result<Vec<Rank>> {
    let failed = |cause: String| Error::new(Kind::Io, "the processes of the run cannot be started").with_cause(cause);
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let store = Store::open(local, 0, true, Duration::from_secs(60)).map_err(failed)?;
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut ranks: Vec<Rank> = Vec::new();
    // A signal is heeded while there are more to start.
    for number in (0..launch.processes).take_while(|_| !signals.came()) {
        match start(launch.processes, &program, arguments, number, store.port()) {
            Ok(rank) => {
                signals.add(&rank.child);
                ranks.push(rank);
            }
            Err(error) => {
                for rank in &mut ranks {
                    let _ = rank.child.kill(); // it may have ended
                    while let Ok(None) = signals.reap(&mut rank.child) {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
                return Err(failed(error.to_string()).with_help("start fewer: --processes N"));
            }
        }
    }
    watch(&mut ranks, signals, launch.stops, launch.timeout.saturating_add(MARGIN));
    let speaks = first_speaks(&ranks);
    for rank in &mut ranks {
        let output = rank.output.take().and_then(|output| output.join().ok()).unwrap_or_default();
        if !speaks {
            keep(&launch.job, rank.number, &output);
        }
    }
    Ok(ranks)
}

fn start(processes: usize, program: &Path, arguments: &[OsString], number: usize, port: u16) -> std::io::Result<Rank> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    let (number_text, size) = (number.to_string(), processes.to_string());
    command.env("RANK", &number_text).env("LOCAL_RANK", &number_text);
    command.env("WORLD_SIZE", &size).env("LOCAL_WORLD_SIZE", &size);
    command.env("MASTER_ADDR", "127.0.0.1").env("MASTER_PORT", port.to_string());
    command.env("TORCHELASTIC_USE_AGENT_STORE", "True").env(BY_DIGITS, &size);
    if std::env::var_os("OMP_NUM_THREADS").is_none() {
        command.env("OMP_NUM_THREADS", (cores / processes).max(1).to_string());
    }
    if number > 0 {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    }
    #[expect(unsafe_code, reason = "what a new process does before its program begins")]
    // SAFETY: prctl is safe between fork and exec, and takes numbers.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            Ok(())
        });
    }
    let mut child = command.spawn()?;
    let output = child.stderr.take().map(read);
    Ok(Rank::new(number, child, output))
}

/// Reads what a process prints, so that it never waits for a reader.
fn read(mut from: ChildStderr) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut output = Vec::new();
        let _ = from.by_ref().take(MOST_OUTPUT).read_to_end(&mut output); // up to here
        let _ = std::io::copy(&mut from, &mut std::io::sink());
        output
    })
}

/// Adds what a rank printed to its log in the job's folder. A folder with nothing in it is no job yet, and stays as it is: a run
/// does not begin in one that holds something else.
fn keep(job: &Path, number: usize, output: &[u8]) {
    let is_job = job.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if output.is_empty() || !is_job {
        return;
    }
    let path = job.join(format!("rank-{number}.log"));
    let file = File::options().append(true).create(true).open(path);
    let _ = file.and_then(|mut file| file.write_all(output)); // the words of another process; the run does not need them
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributed::watch::tests::ranks;

    #[test]
    fn a_run_that_was_asked_to_stop_ends_so_whatever_became_of_its_processes() {
        let (lonely, stopped_well) = (LONELY << 8, 130 << 8);
        let lost = |number: usize, signal: i32| Ending::StoppedWithout {
            rank: format!("rank {number}"),
            how: format!("was ended by signal {signal}"),
        };
        for (statuses, expected) in [
            (vec![], Ending::StoppedBeforeFirstStep),
            (vec![0, 0], Ending::Status(0)),
            (vec![stopped_well, stopped_well], Ending::Status(130)),
            // The disk was full.
            (vec![1 << 8, stopped_well], Ending::Status(1)),
            (vec![15, 15, 15], Ending::StoppedBeforeFirstStep),
            (vec![lonely, 15], Ending::StoppedBeforeFirstStep),
            (vec![lonely, stopped_well], Ending::StoppedBeforeFirstStep),
            (vec![9, lonely], lost(0, 9)),
            (vec![lonely, 9], lost(1, 9)),
            (vec![9, stopped_well], lost(0, 9)),
        ] {
            assert_eq!(stopped(&ranks(&statuses), &[2, 15], false), expected, "{statuses:?}");
        }
        // Rank 0 was writing what came of the run, or had done so.
        let mut insisted = ranks(&[9, stopped_well]);
        insisted[0].was_ended = true;
        assert_eq!(stopped(&insisted, &[2, 15], true), Ending::StoppedAtOnce);
        assert_eq!(stopped(&ranks(&[stopped_well, 9]), &[2, 15], true), Ending::Status(130));
    }

    #[test]
    fn rank_0_has_what_came_of_the_run() {
        let mut whole = ranks(&[0, 9]);
        assert_eq!(failed(&whole).map(|rank| rank.number), Some(1));
        whole[1].was_ended = true;
        assert!(failed(&whole).is_none());
    }

    #[test]
    fn an_empty_folder_stays_empty_and_a_job_gets_the_log() {
        let job = tempfile::tempdir().unwrap();
        keep(job.path(), 1, b"words");
        assert!(job.path().read_dir().unwrap().next().is_none());
        std::fs::write(job.path().join("lock"), "").unwrap();
        keep(job.path(), 1, b"words");
        assert_eq!(std::fs::read(job.path().join("rank-1.log")).unwrap(), b"words");
    }
}
