//! `Profiling`: what a run's step costs and what it is made of (`run --profile`): some steps timed, then a few recorded.

use std::{
    fs, mem,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::assemble::Run;
use crate::{
    error::{Error, Result, shell_path},
    job::{Stamp, file, replace},
    torch::profile::{self, Event, Moment, Profile},
};

/// Steps before the first that is timed: a device's libraries choose their kernels in them, and steps are captured.
const WARM_UP: u64 = 10;
/// Steps that are recorded after those that are timed. The first pays for the profiler's own beginning.
const RECORDED: u64 = 5;

/// Where it stands.
enum Stage {
    /// So many steps have been taken.
    WarmingUp(u64),
    /// Timed from this moment on; steps since.
    Timing(Moment, u64),
    /// Recorded; seconds of the timed ones, steps since.
    Recording(Profile, f64, u64),
    /// It is over, well or not.
    Over,
}

/// Times steps of a run and records some.
pub(super) struct Profiling {
    stage: Stage,
    facts: Facts,
    device: tch::Device,
    folder: PathBuf,
}

/// `summary.json`.
#[derive(Debug, Clone, Serialize)]
struct Facts {
    /// How steps are carried out.
    engine: String,
    /// Whether products round their inputs to TF32.
    tf32: bool,
    /// Images a step.
    batch_size: u64,
    /// When the device had done the first step of this process: seconds since 1970.
    first_step_at: Option<f64>,
    /// Steps that were timed.
    steps: u64,
    /// What a timed step took, the time between steps included, by the device's clock where there is one.
    seconds_a_step: Option<f64>,
    /// The most bytes that libtorch held at a time on the device: handed out, and with those kept for later.
    peak_memory: Option<[u64; 2]>,
}

/// `trace.json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    trace_events: Vec<Event>,
}

impl Profiling {
    /// For a run in the job's folder `job`: `steps` are to be timed.
    pub(super) fn of(steps: u64, run: &Run, job: &Path) -> Profiling {
        let facts = Facts {
            engine: run.engine.describe(),
            tf32: run.settings.tf32,
            batch_size: run.plan.batch_size,
            first_step_at: None,
            steps,
            seconds_a_step: None,
            peak_memory: None,
        };
        let folder = job.join(file::PROFILE);
        Profiling { stage: Stage::WarmingUp(0), facts, device: run.engine.network().device, folder }
    }

    /// A step was given to the device. A sentence when there is something to tell.
    ///
    /// # Errors
    /// When libtorch or the disk refuses; nothing more is done then.
    pub(super) fn step(&mut self) -> Result<Option<String>> {
        self.stage = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::WarmingUp(taken) => {
                if taken == 0 {
                    profile::wait(self.device)?;
                    self.facts.first_step_at = Some(Stamp::now().unix());
                }
                match taken + 1 {
                    WARM_UP => Stage::Timing(Moment::now(self.device)?, 0),
                    taken => Stage::WarmingUp(taken),
                }
            }
            Stage::Timing(since, taken) if taken + 1 == self.facts.steps => {
                let seconds = since.until(&Moment::now(self.device)?)?;
                Stage::Recording(Profile::begin(self.device)?, seconds, 0)
            }
            Stage::Timing(since, taken) => Stage::Timing(since, taken + 1),
            Stage::Recording(profile, seconds, taken) if taken + 1 == RECORDED => {
                profile::wait(self.device)?;
                return self.write(profile, seconds).map(Some);
            }
            Stage::Recording(profile, seconds, taken) => Stage::Recording(profile, seconds, taken + 1),
            Stage::Over => Stage::Over,
        };
        Ok(None)
    }

    /// Writes both files; a sentence about them.
    fn write(&mut self, profile: Profile, seconds: f64) -> Result<String> {
        let trace = Trace { trace_events: profile.end()? };
        let a_step = seconds / self.facts.steps as f64;
        self.facts.seconds_a_step = Some(a_step);
        self.facts.peak_memory = profile::peak_memory(self.device)?;
        fs::create_dir_all(&self.folder).map_err(|source| Error::io("make", &self.folder, &source))?;
        let path = self.folder.join("trace.json");
        replace(&path, &json(&trace))?;
        replace(&self.folder.join("summary.json"), &json(&self.facts))?;
        Ok(format!(
            "a step takes {:.3} ms ({:.0} images/s, mean of {}); what it is made of: {} (chrome://tracing, Perfetto)",
            a_step * 1e3,
            self.facts.batch_size as f64 / a_step.max(1e-12),
            self.facts.steps,
            shell_path(&path)
        ))
    }

    /// Why there is no profile when the run is over, where its steps were too few.
    pub(super) fn unfinished(self) -> Option<String> {
        let wanted = WARM_UP + self.facts.steps + RECORDED;
        let is_over = matches!(self.stage, Stage::Over);
        (!is_over).then(|| format!("no profile was made: it takes {wanted} steps, and the run had fewer"))
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("numbers, texts and lists are JSON")
}
