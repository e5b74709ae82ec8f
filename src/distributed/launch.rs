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
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{c10d::Store, launcher::BY_DIGITS};
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
}

/// Signals on their way to the processes.
#[derive(Debug, Clone, Default)]
pub struct Signals(Arc<Mutex<Sent>>);

#[derive(Debug, Default)]
struct Sent {
    processes: Vec<u32>,
    /// Whether one was sent: then nothing is started anew.
    any: bool,
}

impl Signals {
    /// Hands a signal on to every process that runs.
    pub fn send(&self, signal: i32) {
        let mut sent = self.lock();
        sent.any = true;
        sent.processes.iter().for_each(|&process| kill(process, signal));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kill(process: u32, signal: i32) {
    let Ok(process) = libc::pid_t::try_from(process) else { return };
    #[expect(unsafe_code, reason = "the standard library sends SIGKILL only")]
    // SAFETY: the call takes numbers; the process is a child that was not waited for, so the number is still its own.
    unsafe {
        libc::kill(process, signal);
    }
}

/// When one process ended by a mistake, the others have this long to end by themselves, and again after they were asked to.
const GRACE: Duration = Duration::from_secs(15);
/// The same when rank 0 ended with a page of its own, perhaps before the others met it.
const SHORT_GRACE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes that are kept of what a rank from 1 on prints.
const MOST_OUTPUT: u64 = 1 << 20;

/// One of the processes.
struct Rank {
    number: usize,
    child: Child,
    status: Option<ExitStatus>,
    output: Option<JoinHandle<Vec<u8>>>,
    /// Whether this process ended it.
    was_ended: bool,
}

/// Runs them to their end; `say` is given sentences for the user. The exit status: 0 when all ended well, else that of rank 0,
/// or of the first that did not.
///
/// # Errors
/// When a process cannot be started.
pub fn launch(launch: &Launch, signals: &Signals, say: &mut dyn FnMut(&str)) -> Result<u8> {
    let mut left = launch.restarts;
    loop {
        let arguments = if left == launch.restarts { &launch.arguments } else { &launch.again };
        let ranks = once(launch, arguments, signals)?;
        let lost = lost(&ranks);
        let failed = ranks.iter().find(|rank| !rank.status.is_some_and(|status| status.success()));
        let Some(failed) = failed else { return Ok(0) };
        let stopped = signals.lock().any;
        if let Some(lost) = lost.filter(|_| !stopped && left > 0) {
            let which = launch.restarts - left + 1;
            say(&format!(
                "rank {} {}: all {} processes start anew and go on from the last snapshot ({which} of {})",
                lost.number,
                ending(lost.status),
                launch.processes,
                launch.restarts
            ));
            left -= 1;
            continue;
        }
        // Rank 0 speaks for all, unless it was killed.
        if failed.status.is_some_and(|status| status.code().is_none()) || failed.number > 0 {
            let words = logs(launch).map_or_else(String::new, |logs| format!("; the others' words are in {logs}"));
            say(&format!("rank {} {}{words}", failed.number, ending(failed.status)));
        }
        return Ok(exit_status(failed.status));
    }
}

/// The logs of the ranks from 1 on, where one was written.
fn logs(launch: &Launch) -> Option<String> {
    let is_there = (1..launch.processes).any(|number| launch.job.join(format!("rank-{number}.log")).is_file());
    is_there.then(|| launch.job.join("rank-*.log").display().to_string())
}

/// The process that was lost: one that was killed; where none ended by a mistake of its own, one that hung and was ended from here,
/// or one that says that it lost another. A mistake would only be repeated by another start.
fn lost(ranks: &[Rank]) -> Option<&Rank> {
    let killed = |rank: &&Rank| rank.status.is_some_and(|status| status.signal().is_some());
    let is_lonely =
        |rank: &&Rank| rank.status.and_then(|status| status.code()) == Some(i32::from(Kind::Lost.exit_status()));
    let mut by_others = ranks.iter().filter(|rank| !rank.was_ended);
    if let Some(rank) = by_others.find(killed) {
        return Some(rank);
    }
    if ranks.iter().any(|rank| rank.status.is_some_and(is_mistake)) {
        return None;
    }
    ranks.iter().find(killed).or_else(|| ranks.iter().find(is_lonely))
}

fn ending(status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.code(), status.signal())) {
        Some((_, Some(signal))) => format!("was ended by signal {signal}"),
        Some((Some(code), _)) => format!("ended with exit status {code}"),
        _ => "ended".to_string(),
    }
}

fn exit_status(status: Option<ExitStatus>) -> u8 {
    let code = status.and_then(|status| status.code().or_else(|| status.signal().map(|signal| 128 + signal)));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Starts all, waits for all.
fn once(launch: &Launch, arguments: &[OsString], signals: &Signals) -> Result<Vec<Rank>> {
    let failed = |cause: String| Error::new(Kind::Io, "the processes of the run cannot be started").with_cause(cause);
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let store = Store::open(local, 0, true, Duration::from_secs(60)).map_err(failed)?;
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut ranks = Vec::new();
    for number in 0..launch.processes {
        match start(launch.processes, &program, arguments, number, store.port()) {
            Ok(rank) => {
                signals.lock().processes.push(rank.child.id());
                ranks.push(rank);
            }
            Err(error) => {
                ranks.iter_mut().for_each(|rank: &mut Rank| {
                    let _ = rank.child.kill(); // it may have ended
                    let _ = rank.child.wait();
                });
                signals.lock().processes.clear();
                return Err(failed(error.to_string()));
            }
        }
    }
    watch(&mut ranks, signals);
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
    Ok(Rank { number, child, status: None, output, was_ended: false })
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

/// Whether the others may take their time: rank 0 may still be writing what came of the run.
fn ended_in_order(status: ExitStatus) -> bool {
    status.success() || status.code() == Some(i32::from(Kind::Interrupted.exit_status()))
}

/// Whether a process ended with a page of its own.
fn is_mistake(status: ExitStatus) -> bool {
    status.code().is_some_and(|code| code != 0 && code != i32::from(Kind::Lost.exit_status()))
}

/// Whether rank 0 ended so: every mistake of the others is on its page, and the job may not even be this run's.
fn first_speaks(ranks: &[Rank]) -> bool {
    ranks.first().and_then(|rank| rank.status).is_some_and(is_mistake)
}

/// Waits until all have ended. When one has by a mistake, the others have some time, are then asked, and at last ended.
fn watch(ranks: &mut [Rank], signals: &Signals) {
    let mut first_end: Option<Instant> = None;
    let mut was_asked = false;
    loop {
        for rank in ranks.iter_mut().filter(|rank| rank.status.is_none()) {
            // Under the lock: a number that was waited for may be another process's.
            let mut sent = signals.lock();
            if let Ok(Some(status)) = rank.child.try_wait() {
                rank.status = Some(status);
                let process = rank.child.id();
                sent.processes.retain(|&known| known != process);
                if !ended_in_order(status) {
                    first_end.get_or_insert_with(Instant::now);
                }
            }
        }
        if ranks.iter().all(|rank| rank.status.is_some()) {
            return;
        }
        let since = first_end.map_or(Duration::ZERO, |end| end.elapsed());
        let grace = if first_speaks(ranks) { SHORT_GRACE } else { GRACE };
        if since > grace {
            for rank in ranks.iter_mut().filter(|rank| rank.status.is_none()) {
                if since > grace * 2 {
                    rank.was_ended = true;
                    let _ = rank.child.kill(); // it may have ended just now
                } else if !was_asked {
                    rank.was_ended = true;
                    kill(rank.child.id(), libc::SIGTERM);
                }
            }
            was_asked = true;
        }
        thread::sleep(PAUSE);
    }
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

    /// A process of each of these wait statuses: an exit status times 256, or a signal.
    fn ranks(statuses: &[i32]) -> Vec<Rank> {
        let rank = |(number, status): (usize, &i32)| {
            let mut child = Command::new("true").spawn().unwrap();
            child.wait().unwrap();
            Rank { number, child, status: Some(ExitStatus::from_raw(*status)), output: None, was_ended: false }
        };
        statuses.iter().enumerate().map(rank).collect()
    }

    #[test]
    fn a_lost_process_is_told_from_a_mistake() {
        let lonely = i32::from(Kind::Lost.exit_status()) << 8;
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
        let mut waited = ranks(&[1 << 8, 15]);
        waited[1].was_ended = true;
        assert!(lost(&waited).is_none());
        // It hung, and the first one says so.
        let mut hung = ranks(&[lonely, 9]);
        hung[1].was_ended = true;
        assert_eq!(lost(&hung).map(|rank| rank.number), Some(1));
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
