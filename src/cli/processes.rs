//! Several processes of `digits-rs run`: those that `--processes` starts here, and the place of one that a launcher started.

use std::{
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use super::{exit, report, signals, stop};
use crate::{
    distributed::{self, Ending, Group, Launch, Launcher, Place, Program, Signals, Timeouts},
    error::{Error, Kind, Result, shell_path},
    job::JobView,
    tasks::together,
    torch::{
        device::{self, DeviceChoice, Resolved},
        memory,
    },
};

/// Seconds that the other processes are waited for within a step.
pub(super) const TIMEOUT: u64 = 300;

/// How often a run that lost a process starts anew by itself.
const RESTARTS: u32 = 3;

/// How long the others have to come and hear of a mistake that keeps this process from its run.
const HEARING: Duration = Duration::from_secs(20);

/// What a process takes before it has made a network: with less, none comes to its first step.
const LEAST_MEMORY: u64 = 100 << 20;

/// Flags of a run in several processes.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Several processes")]
pub(super) struct ProcessFlags {
    /// Train in N processes of this machine, which share each step; other launchers: torchrun, srun, mpirun
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    processes: Option<u64>,
    /// The batch size is that of all processes together, not of each
    #[arg(long)]
    global_batch: bool,
    /// How long the other processes are waited for within a step; to the first meeting twice as long [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    timeout: Option<u64>,
}

/// The place of this process among several, and what it needs to meet the others.
pub(super) struct Rendezvous {
    place: Place,
    host: IpAddr,
    program: Program,
    timeouts: Timeouts,
}

impl ProcessFlags {
    /// Whether this process only starts others.
    pub(super) fn starts_others(self) -> bool {
        self.processes.is_some_and(|processes| processes > 1)
    }

    /// The parts of a step's batch, where the user says that there is one.
    pub(super) fn shares(self) -> Option<u64> {
        self.global_batch.then_some(1)
    }

    /// How long the others are waited for in a step.
    fn patience(self) -> Duration {
        Duration::from_secs(self.timeout.unwrap_or(TIMEOUT))
    }

    /// Where this process is to meet others; nothing where it is alone. Before it is fenced in: it looks names up.
    ///
    /// # Errors
    /// `Kind::Usage` when a launcher's variables are set by half, or rank 0's machine has no address.
    pub(super) fn rendezvous(self) -> Result<Option<Rendezvous>> {
        let Some(place) = placed()? else { return Ok(None) };
        let host = distributed::locate(&place)?;
        let timeouts = Timeouts::of(self.patience());
        Ok(Some(Rendezvous { place, host, program: together::program(), timeouts }))
    }
}

impl Rendezvous {
    /// Whether another process has the job.
    pub(super) fn follows(&self) -> bool {
        self.place.rank > 0
    }

    /// Whether `--processes` started this process, and sees to its end.
    pub(super) fn is_watched(&self) -> bool {
        self.place.launcher == Launcher::Digits
    }

    /// Refuses what one process of several cannot do: to start others, or, when it `looks_only`, to draw a picture.
    ///
    /// # Errors
    /// `Kind::Usage` then.
    pub(super) fn check(&self, flags: ProcessFlags, looks_only: bool) -> Result<()> {
        let page = |message: &str, help: &str| {
            Err(Error::new(Kind::Usage, message).with_fact("this is", self.place.describe()).with_help(help))
        };
        if flags.processes.is_some() {
            let help = "leave --processes out: the launcher says how many there are";
            return page("--processes is given to a process that a launcher started", help);
        }
        if looks_only {
            let help = "give --plot-lr or --preview-augmentation without the launcher";
            return page("a picture is drawn by one process", help);
        }
        Ok(())
    }

    /// `rank 1 of 2`.
    pub(super) fn name(&self) -> String {
        format!("rank {} of {}", self.place.rank, self.place.size)
    }

    /// Whether this process says how it goes: rank 0 does, of the others one on each machine, and one that somebody started by hand.
    pub(super) fn speaks(&self) -> bool {
        self.place.rank == 0 || self.place.local_rank == 0 || self.place.launcher == Launcher::Hand
    }

    /// Meets the others, and connects the devices.
    ///
    /// # Errors
    /// When they do not come, or are another program; when a rank does not have its device.
    pub(super) fn meet(self, device: DeviceChoice) -> Result<Rc<Group>> {
        // First: libtorch looks for CUDA once, when it is used for the first time.
        let own = device::resolve_for(device, self.place.local_rank);
        self.meet_with(own).map(Rc::new)
    }

    fn meet_with(self, own: Result<Resolved>) -> Result<Group> {
        let speaks = self.speaks();
        let say = &mut |sentence: &str| {
            if speaks {
                report::aside(sentence);
            }
        };
        let mut group = distributed::meet(self.place, self.host, &self.program, self.timeouts, say)?;
        group.connect_devices(own, self.timeouts)?;
        if speaks && !group.is_first() {
            report::aside(&format!("{}; rank 0 shows how it goes", group.place().describe()));
        }
        Ok(group)
    }

    /// Ends this process with a page of its own that keeps it from the run, once the others know of it.
    pub(super) fn refuse(self, page: Error) -> ! {
        report::page(&page);
        let status = page.kind().exit_status();
        let timeouts = Timeouts { meeting: self.timeouts.meeting.min(HEARING), ..self.timeouts };
        let _ = Rendezvous { timeouts, ..self }.meet_with(Err(page)); // they may never come
        exit::end(status)
    }
}

/// Tells the other processes of a run, where this is one of several, of a command line that does not read.
pub(super) fn refuse_command(page: &Error) {
    let is_run = std::env::args_os().nth(1).is_some_and(|command| command == "run");
    let flags = ProcessFlags { processes: None, global_batch: false, timeout: None };
    if is_run && let Ok(Some(others)) = flags.rendezvous() {
        others.refuse(page.clone());
    }
    report::page(page);
}

/// Starts the processes, waits for them, and ends this one with their exit status.
///
/// # Errors
/// When a process cannot be started, or there is no memory for so many; when each would have to read the network file from standard
/// input; `Kind::Interrupted` when they were stopped and none could say so.
pub(super) fn start(flags: ProcessFlags, file: Option<&Path>, named: bool, job: PathBuf) -> Result<()> {
    if file == Some(Path::new("-")) {
        return Err(Error::new(Kind::Usage, "several processes cannot read one standard input")
            .with_help("save the network file, and name it"));
    }
    let processes = flags.processes.unwrap_or(1);
    fit(processes, memory::available())?;
    let mut arguments = without(std::env::args_os().skip(1), "--processes");
    if !named {
        arguments.extend([OsString::from("--job"), job.clone().into_os_string()]);
    }
    // What came after that snapshot is there when they start anew.
    let again = without(arguments.iter().cloned(), "--from-snapshot");
    let launch = Launch {
        processes: processes as usize,
        arguments,
        again,
        job,
        restarts: RESTARTS,
        timeout: flags.patience(),
        stops: signals::STOP,
    };
    let sent = Signals::default();
    let of_handler = sent.clone();
    signals::on(signals::STOP, move |signal| of_handler.send(signal))?;
    let of_handler = sent.clone();
    signals::on(&[libc::SIGTSTP], move |_| {
        of_handler.pause();
        signals::pause();
        of_handler.go_on();
    })?;
    match distributed::launch(&launch, &sent, &mut |sentence| report::aside(sentence))? {
        Ending::Status(0) => Ok(()),
        Ending::Status(status) => exit::end(status),
        Ending::StoppedBeforeFirstStep => Err(stop::before_first_step()),
        Ending::StoppedAtOnce => Err(with_what_is_saved(
            Error::new(Kind::Interrupted, "the run was ended at once, as it was asked to twice"),
            &launch.job,
        )),
        Ending::StoppedWithout { rank, how } => Err(stopped_without(&rank, &how, &launch.job)),
    }
}

/// The page of a run that was stopped while a rank was lost, so that its state could not be saved.
fn stopped_without(rank: &str, how: &str, job: &Path) -> Error {
    let page = Error::new(Kind::Interrupted, format!("the run was stopped without {rank}")).with_fact(rank, how);
    with_what_is_saved(page, job)
}

/// What there is of the run.
fn with_what_is_saved(page: Error, job: &Path) -> Error {
    let has_snapshot = JobView::open(job).and_then(|job| job.snapshots()).is_ok_and(|all| !all.is_empty());
    if has_snapshot {
        page.with_fact("saved", "the last snapshot, and nothing after it")
            .with_help(format!("go on with it: digits-rs run --resume {}", shell_path(job)))
    } else {
        page.with_fact("saved", "nothing: there was no snapshot yet")
    }
}

/// Refuses more processes than there is memory for.
fn fit(processes: u64, available: Option<u64>) -> Result<()> {
    let Some(available) = available.filter(|available| available / LEAST_MEMORY < processes) else { return Ok(()) };
    let most = available / LEAST_MEMORY;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Err(Error::new(Kind::Usage, format!("{processes} processes do not fit into this machine's memory"))
        .with_fact("each needs", format!("{} MiB at least", LEAST_MEMORY >> 20))
        .with_fact("available", format!("{} MiB, enough for {most}", available >> 20))
        .with_fact("processor cores", format!("{cores}: more processes than cores make a step slower"))
        .with_help("start fewer: --processes N"))
}

/// Where this process is among several that a launcher started; nothing where it is alone.
fn placed() -> Result<Option<Place>> {
    Ok(Place::of_environment()?.filter(|place| place.size > 1))
}

/// All words but an option and its value, as `--option VALUE` or `--option=VALUE`.
fn without(mut words: impl Iterator<Item = OsString>, option: &str) -> Vec<OsString> {
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == option {
            words.next();
        } else if !text.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')) {
            kept.push(word);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_processes_than_there_is_memory_for_are_a_page() {
        assert!(fit(2, None).is_ok() && fit(10, Some(LEAST_MEMORY * 10)).is_ok());
        let page = fit(1000, Some(LEAST_MEMORY * 10 + 1)).unwrap_err();
        assert_eq!(page.message(), "1000 processes do not fit into this machine's memory");
        assert!(page.to_string().contains("1000 MiB, enough for 10"), "{page}");
    }

    #[test]
    fn a_stop_without_a_rank_says_what_is_saved() {
        let page = stopped_without("rank 1", "was ended by signal 9", Path::new("/nowhere"));
        assert_eq!(page.kind().exit_status(), 130);
        assert!(page.to_string().contains("nothing: there was no snapshot yet"), "{page}");
    }

    #[test]
    fn a_process_is_not_told_to_start_others() {
        let words = ["run", "a.lua", "--processes", "2", "--job", "j", "--processes=3"].map(OsString::from);
        let kept = without(words.into_iter(), "--processes");
        assert_eq!(kept, ["run", "a.lua", "--job", "j"].map(OsString::from));
        let words = ["run", "--resume", "j", "--from-snapshot=2", "--from-snapshots"].map(OsString::from);
        let kept = without(words.into_iter(), "--from-snapshot");
        assert_eq!(kept, ["run", "--resume", "j", "--from-snapshots"].map(OsString::from));
    }
}
