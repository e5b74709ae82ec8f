//! A training in its job, from the first step to the summary: the trainer runs, and who watches hears of it.

use std::{
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use super::{
    assemble::Run,
    board::Board,
    curves,
    heard::Heard,
    kept,
    observer::Observer,
    panic,
    profiling::Profiling,
    train_summary::{self, BestAccuracy, TrainSummary},
    views,
};
use crate::{
    error::{Error, Result},
    job::{Event, JobDir, Level},
    nn::View,
    train::{EpochSummary, Evaluated, Plan, Position, Snapshot, Stop, TrainObserver},
};

/// Trains from `position` on.
///
/// # Errors
/// Those of the trainer; a panic below it is a page.
pub(super) fn train(
    mut run: Run,
    job: &mut JobDir,
    position: Position,
    heard: &Heard,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<TrainSummary> {
    heard.log_into(job)?;
    if job.writes() {
        kept::keep_beside(job.path(), &(run.read_files)())?;
    }
    if let Some(ranks) = &run.ranks {
        let place = ranks.group().place().describe();
        let shared = shared_out(run.settings.step_size(), ranks.group().size() as u64);
        for text in iter::once(place.as_str()).chain(shared.as_deref()).chain(ranks.group().way()) {
            observer.line(text);
            job.log(Level::Info, text)?;
        }
    }
    observer.line(&format!("{} on {}, job {}", run.title, run.dataset_path, job.path().display()));
    for sentence in &run.warnings {
        observer.warning(sentence);
        job.log(Level::Warning, sentence)?;
    }
    if let (Some(path), Some(transfer)) = (&run.settings.weights, &run.transfer) {
        let text = format!("weights of {}\n{transfer}", path.display());
        observer.line(&text);
        job.log(Level::Info, &text)?;
    }
    job.log(Level::Info, &format!("Network definition:\n{}\nNetwork definition ends", run.printed))?;
    let read_files = std::mem::replace(&mut run.read_files, Box::new(Vec::new));
    let (began, should_fall) = (Instant::now(), run.should_fall);
    let (ranks, spent_before) = (run.ranks.clone(), run.ranks.as_ref().map(|ranks| ranks.group().spent()));
    let board = if run.settings.tensorboard && job.writes() {
        Some(Board::begin(job, &run, position.iteration, observer)?)
    } else {
        None
    };
    let profiling = run.settings.profile.filter(|_| job.writes()).map(|steps| Profiling::of(steps, &run, job.path()));
    let mut painter = Painter { observer, heard, board, profiling };
    let trained = catch_unwind(AssertUnwindSafe(|| run.trainer(job, position, &mut painter, stop.clone()).run()));
    let unfinished = painter.profiling.take().and_then(Profiling::unfinished);
    heard.tell_all(observer);
    unfinished.into_iter().for_each(|sentence| observer.warning(&sentence));
    if job.writes() {
        // A hook may have required more.
        let _ = kept::keep_beside(job.path(), &read_files());
        // Whatever happened, the curve up to here is worth a look.
        let _ = curves::paint(job);
    }
    let outcome = match trained {
        Ok(outcome) => outcome?,
        Err(payload) => {
            let page = panic::page(&*payload);
            let _ = job.set_failed(&page); // it is printed in any case
            return Err(page);
        }
    };
    if let Some(why) = &outcome.stopped_early {
        observer.line(&format!("stopped early: {why}"));
    }
    if !job.writes() {
        return Ok(TrainSummary::of_another(job.path().to_path_buf()));
    }
    if let (Some(ranks), Some(before)) = (&ranks, spent_before) {
        let share = (ranks.group().spent() - before).as_secs_f64() / began.elapsed().as_secs_f64().max(1e-9);
        let text = format!("{:.1} % of the time went into sums over {} processes", share * 100.0, ranks.group().size());
        observer.line(&text);
        job.log(Level::Info, &text)?;
    }
    let events = job.view().events()?;
    let summary = TrainSummary {
        job: job.path().to_path_buf(),
        was_done: false,
        epochs: outcome.position.epoch,
        iterations: outcome.position.iteration,
        seconds: began.elapsed().as_secs_f64(),
        best: outcome.position.best,
        best_accuracy: BestAccuracy::among(&events),
        stopped_early: outcome.stopped_early,
        hint: train_summary::hint(outcome.position.epoch, should_fall, &events),
    };
    observer.finished(&summary);
    Ok(summary)
}

/// What of a batch each process has, where that is not the same for all.
fn shared_out(batch: u64, processes: u64) -> Option<String> {
    let least = batch / processes;
    (!batch.is_multiple_of(processes)).then(|| {
        format!("each of the {processes} processes has {least} or {} samples of a batch of {batch}", least + 1)
    })
}

/// Hands on what the trainer says, and paints the curves at each epoch's end.
struct Painter<'a> {
    observer: &'a mut dyn Observer,
    heard: &'a Heard,
    board: Option<Board>,
    profiling: Option<Profiling>,
}

/// An error in one line.
fn one_line(error: &Error) -> String {
    iter::once(error.message()).chain(error.causes().iter().map(String::as_str)).collect::<Vec<_>>().join(": ")
}

impl TrainObserver for Painter<'_> {
    fn begin(&mut self, plan: &Plan, position: &Position) {
        self.observer.begin(plan, position);
    }

    fn validation(&mut self) {
        self.observer.validation();
    }

    fn without_accuracy(&mut self, reason: &str) {
        self.observer.warning(&format!("no accuracy is counted: {reason}"));
    }

    fn step(&mut self, position: &Position) {
        self.heard.tell(self.observer);
        match self.profiling.as_mut().map(Profiling::step) {
            Some(Ok(Some(sentence))) => self.observer.line(&sentence),
            Some(Err(error)) => self.observer.warning(&format!("no profile was made: {}", one_line(&error))),
            Some(Ok(None)) | None => {}
        }
        self.observer.step(position);
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        self.heard.tell(self.observer);
        self.observer.event(event);
        self.board.as_mut().map_or(Ok(()), |board| board.event(event))
    }

    fn evaluated(&mut self, position: &Position, batch: &Evaluated<'_>) -> Result<()> {
        self.board.as_mut().map_or(Ok(()), |board| board.evaluated(position, batch))
    }

    fn viewed(&mut self, job: &JobDir, position: &Position, views: &[View]) -> Result<()> {
        let drawn = views.iter().map(views::drawn).collect::<Result<Vec<_>>>()?;
        views::write(job, &drawn)?;
        self.board.as_mut().map_or(Ok(()), |board| board.viewed(position, &drawn))
    }

    fn snapshot(&mut self, position: &Position, state: &Snapshot) -> Result<()> {
        self.board.as_mut().map_or(Ok(()), |board| board.snapshot(position, state))
    }

    fn epoch(&mut self, job: &JobDir, summary: &EpochSummary) -> Result<()> {
        let painted = if job.writes() { curves::paint(job) } else { Ok(()) };
        self.observer.epoch(summary);
        painted
    }
}
