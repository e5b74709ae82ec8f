//! The loop on a small network: rhythm, resume, stop, divergence.

use crate::job::JobDir;
use std::path::Path;

use super::*;
use crate::{
    error::Kind,
    job::{Event, JobView, Status, testing::job},
    train::{
        cadence::Interval,
        observer::Silent,
        testing::{MadeUp, RECORDS, cramped_engine, noisy_engine, plan, tensors, trainer},
    },
};

fn events(path: &Path) -> Vec<Event> {
    JobView::open(path).unwrap().events().unwrap()
}

fn epochs(path: &Path, kind: EventKind) -> Vec<f64> {
    events(path).iter().filter(|event| event.event == kind).map(|event| event.epoch).collect()
}

/// Trains to the end in `path`.
fn whole(path: &Path, plan: Plan) -> Outcome {
    trainer(&mut job(path), plan, &mut Silent).run().unwrap()
}

/// What `digits-rs run --resume` does.
fn resume(path: &Path, plan: Plan) -> Result<Outcome> {
    let mut job = JobDir::resume(path).unwrap();
    let last = job.view().snapshots().unwrap().pop();
    let mut observer = Silent;
    let position = match last {
        None => {
            job.rewind_metrics(0).unwrap();
            Position::start(&plan)
        }
        Some(file) => {
            let (snapshot, note) = Snapshot::read(&file.path).unwrap();
            job.rewind_metrics(note.metrics_len).unwrap();
            let mut trainer = trainer(&mut job, plan, &mut observer);
            snapshot.restore(&mut *trainer.engine).unwrap();
            trainer.position = note.position;
            return trainer.run();
        }
    };
    let mut trainer = trainer(&mut job, plan, &mut observer);
    trainer.position = position;
    trainer.run()
}

#[test]
fn the_rhythm_is_digits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let outcome = whole(&path, plan());
    assert_eq!(outcome.position.iteration, 18);
    // 23 records: a line every ceil(23/8) = 3 images, so after every batch of 4 or 3.
    assert_eq!(epochs(&path, EventKind::Train).len(), 18);
    assert_eq!(epochs(&path, EventKind::Train)[..2], [0.2, 0.3]); // one digit: 4·10 > 23
    assert_eq!(epochs(&path, EventKind::Validation), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
    let snapshots = epochs(&path, EventKind::Snapshot);
    assert_eq!((snapshots[0], *snapshots.last().unwrap()), (0.3, 3.0));
    let all = events(&path);
    assert_eq!((all[0].event, all.last().unwrap().event), (EventKind::Start, EventKind::End));
    let record = JobView::open(&path).unwrap().record().unwrap();
    assert_eq!(record.status, Status::Done);
    let log = std::fs::read_to_string(path.join(file::LOG)).unwrap();
    assert!(log.contains("[INFO ] Training (epoch 0.2): loss = "), "{log}");
    assert!(log.contains("[INFO ] Snapshot saved - snapshots/snapshot_0.3.safetensors"), "{log}");
}

#[test]
fn one_seed_gives_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let last = |name: &str, seed: u64| {
        let path = folder.path().join(name);
        whole(&path, Plan { seed, ..plan() });
        Snapshot::read(&path.join("snapshots/snapshot_3.safetensors")).unwrap().0.weights.pop().unwrap().1
    };
    assert_eq!(last("a", 7), last("b", 7));
    assert_ne!(last("c", 8), last("d", 7));
}

#[test]
fn a_resume_from_any_snapshot_ends_in_the_same_bits_and_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let reference = folder.path().join("whole");
    whole(&reference, plan());
    let points = |path: &Path| -> Vec<(EventKind, f64, u64, Option<u64>)> {
        let all = events(path).into_iter().filter(|e| e.event != EventKind::Resume && e.event != EventKind::Start);
        all.map(|e| (e.event, e.epoch, e.iteration, e.loss.map(f64::to_bits))).collect()
    };
    let names = JobView::open(&reference).unwrap().snapshots().unwrap();
    assert!(names.len() > 5);
    for cut in 0..names.len() {
        // As a kill right after the snapshot `cut` (or before the first) leaves the folder.
        let path = folder.path().join(format!("cut{cut}"));
        whole(&path, plan());
        for file in JobView::open(&path).unwrap().snapshots().unwrap().iter().skip(cut) {
            std::fs::remove_file(&file.path).unwrap();
        }
        resume(&path, plan()).unwrap();
        let end = "snapshots/snapshot_3.safetensors";
        assert!(tensors(&path.join(end)) == tensors(&reference.join(end)), "cut {cut}");
        assert_eq!(points(&path), points(&reference), "cut {cut}");
    }
}

#[test]
fn a_stop_saves_the_state_and_the_resume_ends_in_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let reference = folder.path().join("whole");
    whole(&reference, plan());
    let path = folder.path().join("stopped");
    {
        let mut job = job(&path);
        let mut observer = Silent;
        let mut trainer = trainer(&mut job, plan(), &mut observer);
        let stop_at = Some((1, 3, trainer.stop.clone()));
        trainer.train = Box::new(MadeUp { stop_at, ..MadeUp::new(RECORDS) });
        let page = trainer.run().unwrap_err();
        assert_eq!(page.kind(), Kind::Interrupted);
        assert!(page.to_string().contains("--resume"), "{page}");
    }
    assert_eq!(JobView::open(&path).unwrap().record().unwrap().status, Status::Aborted);
    resume(&path, plan()).unwrap();
    let end = "snapshots/snapshot_3.safetensors";
    assert!(tensors(&path.join(end)) == tensors(&reference.join(end)));
}

#[test]
fn snapshots_follow_the_epochs_and_not_the_sittings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let plan = Plan { snapshot_interval: Interval::Epochs(1.0), ..plan() };
    {
        let mut job = job(&path);
        let mut observer = Silent;
        let mut trainer = trainer(&mut job, plan.clone(), &mut observer);
        // In the last third of the second epoch: nearer to the end of it than to its beginning.
        let stop_at = Some((1, 4, trainer.stop.clone()));
        trainer.train = Box::new(MadeUp { stop_at, ..MadeUp::new(RECORDS) });
        assert_eq!(trainer.run().unwrap_err().kind(), Kind::Interrupted);
    }
    resume(&path, plan).unwrap();
    let epochs: Vec<f64> = JobView::open(&path).unwrap().snapshots().unwrap().iter().map(|s| s.epoch).collect();
    let (between, whole): (Vec<f64>, Vec<f64>) = epochs.into_iter().partition(|epoch| epoch.fract() != 0.0);
    assert_eq!(whole, [1.0, 2.0, 3.0]);
    assert!(between.len() == 1 && between[0] > 1.5, "{between:?}");
}

#[test]
fn more_epochs_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    whole(&path, plan());
    let outcome = resume(&path, Plan { epochs: 5, ..plan() }).unwrap();
    assert_eq!(outcome.position.epoch, 5);
    assert!(path.join("snapshots/snapshot_5.safetensors").exists());
}

#[test]
fn best_and_last_snapshots_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    whole(&path, Plan { keep: Some(2), snapshot_interval: Interval::Epochs(0.5), ..plan() });
    let view = JobView::open(&path).unwrap();
    let best = view.best().unwrap().unwrap();
    let losses = events(&path).into_iter().filter(|e| e.event == EventKind::Validation && e.epoch > 0.0);
    let lowest = losses.filter_map(|e| e.loss).fold(f64::MAX, f64::min);
    assert_eq!(best.loss, lowest);
    assert!(path.join(&best.file).exists());
    let kept: Vec<f64> = view.snapshots().unwrap().iter().map(|s| s.epoch).filter(|&e| e != best.epoch).collect();
    assert!(kept.len() == 2 && (kept.contains(&3.0) || best.epoch == 3.0), "{kept:?}");
}

#[test]
fn snapshots_are_taken_by_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let (often, never) = (folder.path().join("often"), folder.path().join("never"));
    whole(&often, Plan { snapshot_interval: Interval::Minutes(1e-9), ..plan() });
    assert_eq!(epochs(&often, EventKind::Snapshot).len(), 18, "one a step");
    whole(&never, Plan { snapshot_interval: Interval::Minutes(1e6), ..plan() });
    assert_eq!(epochs(&never, EventKind::Snapshot), [3.0], "the one at the end");
}

#[test]
fn patience_ends_a_run_that_no_longer_gains() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let mut job = job(&path);
    let plan = Plan { epochs: 50, patience: Some(2), validation_interval: 1.0, ..plan() };
    let mut observer = Silent;
    let mut trainer = trainer(&mut job, plan, &mut observer);
    trainer.rate = Box::new(|_, _| 0.0); // nothing is learned: the first validation stays the lowest
    let outcome = trainer.run().unwrap();
    assert_eq!(outcome.position.epoch, 2);
    assert!(outcome.stopped_early.is_some());
    assert!(path.join("snapshots/snapshot_2.safetensors").exists());
}

#[test]
fn a_loss_that_is_not_finite_names_the_layer_and_keeps_the_last_good_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    let page = {
        let mut job = job(&path);
        let mut observer = Silent;
        let mut trainer = trainer(&mut job, Plan { validation_interval: 0.0, ..plan() }, &mut observer);
        trainer.engine = noisy_engine(0.9); // weights grow from 0.5 towards the root of 2
        trainer.run().unwrap_err()
    };
    assert_eq!(page.kind(), Kind::Numeric);
    let text = page.to_string();
    assert!(text.contains("the training loss is inf") && text.contains("(2) Noisy"), "{text}");
    assert!(text.contains("at iteration") && text.contains("--lr"), "{text}");
    let view = JobView::open(&path).unwrap();
    assert_eq!(view.record().unwrap().status, Status::Error);
    assert_eq!(std::fs::read_to_string(path.join(file::ERROR)).unwrap().trim_end(), text);
    for file in view.snapshots().unwrap() {
        assert!(Snapshot::read(&file.path).unwrap().0.non_finite().unwrap().is_empty());
    }
    assert_eq!(events(&path).last().unwrap().event, EventKind::Error);
}

#[test]
fn a_rate_that_blows_the_weights_up_is_found_by_repeating_the_step() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(&folder.path().join("j"));
    let mut observer = Silent;
    let mut trainer = trainer(&mut job, plan(), &mut observer);
    trainer.rate = Box::new(|t, _| if t == 8 { f64::INFINITY } else { 0.01 });
    let page = trainer.run().unwrap_err().to_string();
    assert!(page.contains("the update of 1.weight") || page.contains("1.weight and"), "{page}");
}

#[test]
fn a_step_that_does_not_fit_names_a_batch_that_does() {
    let folder = tempfile::tempdir().unwrap();
    for (room, wanted) in
        [(3, "a batch that fits  3, found by trying; it was 4"), (0, "a batch of one  does not fit either")]
    {
        let (mut job, mut observer) = (job(&folder.path().join(room.to_string())), Silent);
        let mut trainer = trainer(&mut job, Plan { validation_interval: 0.0, ..plan() }, &mut observer);
        trainer.engine = cramped_engine(room);
        let before = trainer.engine.network().parameters.flat.view().copy();
        let flat = trainer.engine.network().parameters.flat.clone();
        let page = trainer.run().unwrap_err();
        assert!(page.is_out_of_memory() && page.to_string().contains(wanted), "{page}");
        assert!(page.to_string().contains("--batch-size"), "{page}");
        assert!(flat.view().equal(&before), "tries change no parameter");
    }
}
