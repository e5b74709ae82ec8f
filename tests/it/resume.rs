//! `kill -9` at any moment, then `run --resume`: the final weights equal the uninterrupted run's bit for bit.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use digits::{data::Random, job::JobView, train::Snapshot};

use crate::job::{program, workshop};

const EPOCHS: &str = "3";

/// Starts a run, or goes on with it when the folder holds one.
fn arguments(job: &Path) -> Vec<&str> {
    let name = job.to_str().unwrap();
    if job.join("job.json").exists() {
        return vec!["run", "--resume", name, "--device", "cpu"];
    }
    vec!["run", "net.lua", "--job", name, "--epochs", EPOCHS, "--snapshot-interval", "0.1", "--device", "cpu"]
}

/// Runs to the end; how long that took.
fn finish(folder: &Path, job: &Path) -> Duration {
    let start = Instant::now();
    let run = program(folder, &arguments(job)).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    start.elapsed()
}

/// Weights and optimiser state of the last snapshot, as bytes with their names.
fn state(job: &Path) -> Vec<(String, Vec<u8>)> {
    let last = JobView::open(job).unwrap().snapshots().unwrap().pop().unwrap();
    assert_eq!(last.epoch.to_string(), EPOCHS);
    let (snapshot, _) = Snapshot::read(&last.path).unwrap();
    let mut all: Vec<(String, Vec<u8>)> = snapshot
        .weights
        .iter()
        .chain(&snapshot.optimizer)
        .map(|(name, tensor)| {
            let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
            tensor.copy_data_u8(&mut bytes, tensor.numel());
            (name.clone(), bytes)
        })
        .collect();
    all.sort();
    all
}

/// Every train and validation point: epoch, iteration, loss bits.
fn points(job: &Path) -> Vec<(u64, u64, u64)> {
    let events = JobView::open(job).unwrap().events().unwrap();
    events.iter().filter_map(|e| Some((e.epoch.to_bits(), e.iteration, e.loss?.to_bits()))).collect()
}

#[test]
fn killed_ten_times_at_random_moments_it_ends_in_the_same_bits() {
    let folder = workshop();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let seed = std::env::var("DIGITS_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
    });
    eprintln!("DIGITS_TEST_SEED={seed} repeats the moments of this test");
    let mut random = Random::new(&[seed]);
    let time = finish(folder.path(), &whole).as_millis() as u64;

    for _ in 0..10 {
        // Each life is long enough to start and to train a little, so the run can come to its end in between.
        let moment = Duration::from_millis(time / 10 + random.below(time * 9 / 10));
        let mut child =
            program(folder.path(), &arguments(&killed)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(moment);
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
    }
    finish(folder.path(), &killed);
    assert!(state(&killed) == state(&whole), "the weights differ; seed {seed}");
    assert_eq!(points(&killed), points(&whole), "the metrics differ; seed {seed}");
}

#[test]
fn the_same_seed_twice_gives_the_same_bits() {
    let folder = workshop();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    finish(folder.path(), &one);
    finish(folder.path(), &two);
    assert!(state(&one) == state(&two));
    assert_eq!(points(&one), points(&two));
}
