//! Snapshots: the state of a run, saved so that it goes on from there in the same bits.

use super::Trainer;
use crate::{
    error::{Error, Kind, Result},
    job::{Best, EventKind, file},
    train::{
        diagnose::{self, Guard},
        snapshot::{Snapshot, SnapshotNote},
    },
};

impl Trainer<'_> {
    /// Saves the state, marks it when it is the best, and removes what is no longer to be kept.
    pub(super) fn snapshot(&mut self, guard: &Guard) -> Result<()> {
        self.collect_losses(guard)?;
        let state = Snapshot::capture(&*self.engine)?;
        if let Some(name) = state.non_finite()?.first() {
            let page = Error::new(Kind::Numeric, format!("{name} is no longer finite")).with_help(diagnose::ADVICE);
            return Err(self.placed(page));
        }
        let epoch = self.position.shown_epoch(&self.plan);
        let name = self.snapshot_name();
        // One that was asked for in between, by a stop or by the clock, leaves the schedule as it is.
        if self.position.reached(self.position.next_snapshot, &self.plan) {
            self.position.set_next_snapshot(&self.plan);
        }
        let loss = self.position.validation_loss.filter(|_| self.position.validated == Some(self.position.iteration));
        let gain = loss.filter(|loss| self.position.best.as_ref().is_none_or(|best| *loss < best.loss));
        if let Some(loss) = gain {
            let iteration = self.position.iteration;
            self.position.best = Some(Best { epoch, iteration, loss, file: name.clone() });
        }
        self.record.observer.snapshot(&self.position, &state)?;
        self.record.log(&format!("Snapshotting to {name}"))?;
        if self.record.job.writes() {
            let job = self.record.job.record();
            let note = SnapshotNote {
                position: self.position.clone(),
                seed: self.plan.seed,
                metrics_len: self.record.job.synced_metrics_len()?,
                dataset: job.dataset.fingerprint.clone(),
                network: job.network.blake3.clone(),
                program: format!("{}, libtorch {}", job.program, job.libtorch),
            };
            self.record.job.replace(&name, &state.to_bytes(&note)?).map_err(|error| self.placed(error))?;
        }
        self.record.log(&format!("Snapshot saved - {name}"))?;
        self.snapshot_saved(name)
    }

    /// What follows a snapshot; done again by a resume, since a kill may have come before it.
    pub(super) fn snapshot_saved(&mut self, name: String) -> Result<()> {
        let mut event = self.event(EventKind::Snapshot);
        event.file = Some(name.clone());
        self.record.write(event)?;
        if let Some(best) = &self.position.best {
            self.record.job.set_best(best)?;
        }
        let Some(keep) = self.plan.keep.filter(|_| self.record.job.writes()) else { return Ok(()) };
        let best = self.position.best.as_ref().map(|best| self.record.job.path().join(&best.file));
        let all = self.record.job.view().snapshots()?;
        for old in all.iter().rev().skip(keep.max(1)).filter(|old| Some(&old.path) != best.as_ref()) {
            let name = old.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            self.record.job.remove(&format!("{}/{name}", file::SNAPSHOTS))?;
        }
        Ok(())
    }
}
