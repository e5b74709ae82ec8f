//! `Queue`: which waiting job starts when: each device trains one at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    folder::REQUEST,
    index::JobIndex,
    start::{Ended, Program},
    summary::{JobSummary, QueuePlace, Status},
};

/// How long a started process may take before its job says that it runs.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
struct State {
    /// Started, and not seen running yet: since when, and on which device.
    starting: BTreeMap<String, (Instant, String)>,
    /// These start beside what runs.
    at_once: BTreeSet<String>,
}

/// The queue in front of the devices.
pub(crate) struct Queue {
    program: Program,
    per_device: usize,
    /// What `auto` means here.
    device: String,
    state: Arc<Mutex<State>>,
}

impl Queue {
    /// Starts jobs with `program`; `device` is what `auto` means here.
    #[must_use]
    pub(crate) fn new(program: Program, per_device: usize, device: String) -> Queue {
        Queue { program, per_device: per_device.max(1), device, state: Arc::default() }
    }

    /// How many trainings run at once on one device.
    #[must_use]
    pub(crate) fn per_device(&self) -> usize {
        self.per_device
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a waiting job start beside what runs.
    pub(crate) fn start_at_once(&self, id: &str) {
        self.state().at_once.insert(id.to_string());
    }

    fn device_of(&self, job: &JobSummary) -> String {
        match job.device.as_str() {
            "auto" | "" => self.device.clone(),
            "cuda" => "cuda:0".into(),
            other => other.to_string(),
        }
    }

    /// Starts what may start; gives the places of those that wait on, and the ids of those whose process could not be
    /// started, with the reason.
    pub(crate) fn pump(&self, jobs: &JobIndex) -> (BTreeMap<String, QueuePlace>, Vec<(String, String)>) {
        let all = jobs.all();
        let mut state = self.state();
        let still = |id: &str, since: &Instant| {
            let job = all.iter().find(|job| job.id == id);
            job.is_some_and(|job| matches!(job.status, Status::Waiting | Status::Initialized))
                && since.elapsed() < PATIENCE
        };
        state.starting.retain(|id, (since, _)| still(id, since));
        let mut busy = BTreeMap::<String, Vec<String>>::new();
        for job in all.iter().filter(|job| job.status == Status::Running) {
            busy.entry(self.device_of(job)).or_default().push(job.name.clone());
        }
        for (id, (_, device)) in &state.starting {
            busy.entry(device.clone()).or_default().push(id.clone());
        }
        let mut waiting: Vec<&JobSummary> =
            all.iter().filter(|job| job.status == Status::Waiting && !state.starting.contains_key(&job.id)).collect();
        waiting.sort_by(|a, b| a.created.cmp(&b.created).then_with(|| a.id.cmp(&b.id)));
        let (mut places, mut failed) = (BTreeMap::new(), Vec::new());
        for job in waiting {
            let device = self.device_of(job);
            let before = busy.entry(device.clone()).or_default();
            if before.len() >= self.per_device && !state.at_once.remove(&job.id) {
                let why = format!("{device} trains {}", before.join(", "));
                places.insert(job.id.clone(), QueuePlace { place: places.len() + 1, why });
                continue;
            }
            let Some(folder) = jobs.folder(&job.id) else { continue };
            if !folder.join(REQUEST).is_file() {
                continue;
            }
            before.push(job.name.clone());
            let (state_of, id) = (Arc::clone(&self.state), job.id.clone());
            let ended = move |_: Ended| {
                state_of.lock().unwrap_or_else(PoisonError::into_inner).starting.remove(&id);
            };
            match self.program.train(&folder, ended) {
                Ok(()) => {
                    state.starting.insert(job.id.clone(), (Instant::now(), device));
                }
                Err(error) => failed.push((job.id.clone(), error.to_string())),
            }
        }
        (places, failed)
    }
}
