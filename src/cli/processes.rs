//! Several processes of `digits-rs run`: those that `--processes` starts here, and the place of one that a launcher started.

use std::{
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use super::{exit, report, signals};
use crate::{
    distributed::{self, Group, Launch, Place, Program, Signals, Timeouts},
    error::{Error, Kind, Result},
    tasks::together,
    torch::device::{self, DeviceChoice},
};

/// Seconds that the other processes are waited for within a step.
pub(super) const TIMEOUT: u64 = 300;

/// How often a run that lost a process starts anew by itself.
const RESTARTS: u32 = 3;

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

    /// Where this process is to meet others; nothing where it is alone. Before it is fenced in: it looks names up.
    ///
    /// # Errors
    /// `Kind::Usage` when a launcher's variables are set by half, or rank 0's machine has no address.
    pub(super) fn rendezvous(self) -> Result<Option<Rendezvous>> {
        let Some(place) = placed()? else { return Ok(None) };
        if self.processes.is_some() {
            return Err(within_a_launcher(&place));
        }
        let host = distributed::locate(&place)?;
        let timeouts = Timeouts::of(Duration::from_secs(self.timeout.unwrap_or(TIMEOUT)));
        Ok(Some(Rendezvous { place, host, program: together::program(), timeouts }))
    }
}

impl Rendezvous {
    /// Whether another process has the job.
    pub(super) fn follows(&self) -> bool {
        self.place.rank > 0
    }

    /// Meets the others, and connects the devices.
    ///
    /// # Errors
    /// When they do not come, or are another program; when a rank does not have its device.
    pub(super) fn meet(self, device: DeviceChoice) -> Result<Rc<Group>> {
        // First: libtorch looks for CUDA once, when it is used for the first time.
        let own = device::resolve_for(device, self.place.local_rank);
        let mut group = distributed::meet(self.place, self.host, &self.program, self.timeouts)?;
        group.connect_devices(own, self.timeouts)?;
        Ok(Rc::new(group))
    }
}

/// Starts the processes, waits for them, and ends this one with their exit status.
///
/// # Errors
/// When a process cannot be started; when each would have to read the network file from standard input.
pub(super) fn start(flags: ProcessFlags, file: Option<&Path>, named: bool, job: PathBuf) -> Result<()> {
    if let Some(place) = placed()? {
        return Err(within_a_launcher(&place));
    }
    if file == Some(Path::new("-")) {
        return Err(Error::new(Kind::Usage, "several processes cannot read one standard input")
            .with_help("save the network file, and name it"));
    }
    let processes = flags.processes.map_or(1, |processes| processes as usize);
    let mut arguments = without(std::env::args_os().skip(1), "--processes");
    if !named {
        arguments.extend([OsString::from("--job"), job.clone().into_os_string()]);
    }
    // What came after that snapshot is there when they start anew.
    let again = without(arguments.iter().cloned(), "--from-snapshot");
    let launch = Launch { processes, arguments, again, job, restarts: RESTARTS };
    let sent = Signals::default();
    let of_handler = sent.clone();
    signals::on(signals::STOP, move |signal| of_handler.send(signal))?;
    let status = distributed::launch(&launch, &sent, &mut |sentence| report::aside(sentence))?;
    if status == 0 { Ok(()) } else { exit::end(status) }
}

/// Where this process is among several that a launcher started; nothing where it is alone.
fn placed() -> Result<Option<Place>> {
    Ok(Place::of_environment()?.filter(|place| place.size > 1))
}

fn within_a_launcher(place: &Place) -> Error {
    Error::new(Kind::Usage, "--processes is given to a process that a launcher started")
        .with_fact("this is", place.describe())
        .with_help("leave --processes out: the launcher says how many there are")
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
    fn a_process_is_not_told_to_start_others() {
        let words = ["run", "a.lua", "--processes", "2", "--job", "j", "--processes=3"].map(OsString::from);
        let kept = without(words.into_iter(), "--processes");
        assert_eq!(kept, ["run", "a.lua", "--job", "j"].map(OsString::from));
        let words = ["run", "--resume", "j", "--from-snapshot=2", "--from-snapshots"].map(OsString::from);
        let kept = without(words.into_iter(), "--from-snapshot");
        assert_eq!(kept, ["run", "--resume", "j", "--from-snapshots"].map(OsString::from));
    }
}
