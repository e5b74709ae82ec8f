//! `follow`: a process of a run whose job another one has.

use std::path::PathBuf;

use super::{
    assemble::{self, Run, Start},
    heard::Heard,
    observer::Observer,
    options::RunOptions,
    together::Conductor,
    train_summary::TrainSummary,
    training::train,
};
use crate::{
    data::HeadStart,
    error::{Error, Kind, Result},
    frontend::Source,
    job::{DatasetRef, JobDir, JobRecord, NetworkRef},
    train::Stop,
};

/// Makes the run that rank 0 orders, of this process's own network file (none where the job has it) and options `given`, takes
/// rank 0's state, and trains with it.
///
/// # Errors
/// Those of a training; `Kind::Job` when rank 0 has another file, other options, other data or another network.
pub(super) fn follow(
    source: Option<Source>,
    given: &RunOptions,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
    conductor: &Conductor,
) -> Result<TrainSummary> {
    let ranks = conductor.ranks().expect("a follower has somebody to follow");
    let Some(orders) = conductor.receive(ranks)? else {
        return Ok(TrainSummary::of_another(PathBuf::new()));
    };
    let rank = ranks.group().rank();
    let heard = Heard::new();
    let assemble = || -> Result<(Run, Option<PathBuf>)> {
        let source = match source {
            Some(source) if source.text != orders.text => {
                return Err(Error::new(Kind::Job, format!("rank {rank} has another network file than rank 0"))
                    .with_fact("rank 0 has", format!("{}, {}", orders.name, blake3::hash(orders.text.as_bytes())))
                    .with_fact(
                        format!("rank {rank} has"),
                        format!("{}, {}", source.name, blake3::hash(source.text.as_bytes())),
                    )
                    .with_help("give every process the same file"));
            }
            Some(source) => source,
            None => Source::of_job(&orders.name, orders.text.clone(), orders.folder.as_deref()),
        };
        let options = orders.options_with(given, rank)?;
        let start = if orders.is_fresh { Start::Fresh } else { Start::FromSnapshot };
        let folder = source.absolute_folder();
        let run = assemble::assemble(source, &options, (start, Some(ranks)), head_start, &heard, observer)?;
        Ok((run, folder))
    };
    let (run, folder) = match assemble() {
        Ok((run, folder)) => (Ok(run), folder),
        Err(error) => (Err(error), None),
    };
    let mut run = conductor.assembled(run)?;
    let position = conductor.take_state(ranks, &mut run)?;
    let blake3 = blake3::hash(orders.text.as_bytes()).to_string();
    let network = NetworkRef { blake3, name: orders.name.clone(), folder };
    let dataset = DatasetRef { path: run.dataset_path.clone(), fingerprint: run.fingerprint.word().to_string() };
    let record = JobRecord::new(network, dataset, run.plan.seed, run.settings.to_json()?, String::new());
    let mut job = JobDir::of_another(&orders.job, record);
    train(run, &mut job, position, &heard, observer, stop)
}
