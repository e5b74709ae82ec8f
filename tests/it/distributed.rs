//! Several processes on loopback: how they are started, and what happens when one is lost or differs.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use digits::{
    job::{EventKind, JobView, Status},
    train::Snapshot,
};

use crate::job::{program, well, workshop};

/// Images in, ten log-probabilities out; what stands for LOSS and MORE is the test's.
const CLASSIFIER: &str = "local net = nn.Sequential():add(nn.MulConstant(0.00390625)):add(nn.View(-1):setNumInputDims(3))\n\
    net:add(nn.Linear(784, 16)):add(nn.Tanh())MORE:add(nn.Linear(16, 10)):add(nn.LogSoftMax())\n\
    LOSS\n\
    return { model = net, loss = loss, trainBatchSize = 12, validationBatchSize = 100 }\n";

pub(crate) fn classifier(loss: &str, more: &str) -> String {
    CLASSIFIER.replace("LOSS", loss).replace("MORE", more)
}

/// A folder with this network file and the built-in dataset.
pub(crate) fn with_network(text: &str) -> tempfile::TempDir {
    let folder = workshop();
    fs::write(folder.path().join("net.lua"), text).unwrap();
    folder
}

/// Names and numbers of the last snapshot, weights first.
pub(crate) fn state(job: &Path) -> Vec<(String, Vec<f64>)> {
    let last = JobView::open(job).unwrap().snapshots().unwrap().pop().unwrap();
    let (snapshot, _) = Snapshot::read(&last.path).unwrap();
    let numbers = |tensor: &tch::Tensor| Vec::try_from(tensor.to_kind(tch::Kind::Double).reshape([-1])).unwrap();
    snapshot.weights.iter().chain(&snapshot.optimizer).map(|(name, tensor)| (name.clone(), numbers(tensor))).collect()
}

pub(crate) fn bits(state: &[(String, Vec<f64>)]) -> Vec<u64> {
    state.iter().flat_map(|(_, numbers)| numbers.iter().map(|number| number.to_bits())).collect()
}

/// The losses of every line, validations among them.
pub(crate) fn losses(job: &Path) -> Vec<(EventKind, u64, f64)> {
    let events = JobView::open(job).unwrap().events().unwrap();
    let told = |kind| matches!(kind, EventKind::Train | EventKind::Validation | EventKind::Epoch);
    events.iter().filter(|e| told(e.event)).map(|e| (e.event, e.iteration, e.loss.unwrap())).collect()
}

/// The processes that this one started, by rank.
fn ranks(parent: &Child, count: usize) -> Vec<i32> {
    let id = parent.id();
    let begun = Instant::now();
    loop {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let found: Vec<i32> = children.split_whitespace().map(|child| child.parse().unwrap()).collect();
        if found.len() >= count {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{found:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(process: i32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// Waits until the job has a snapshot.
fn first_snapshot(job: &Path) {
    let begun = Instant::now();
    while !JobView::open(job).and_then(|job| job.snapshots()).is_ok_and(|all| !all.is_empty()) {
        assert!(begun.elapsed() < Duration::from_secs(120), "no snapshot");
        std::thread::sleep(Duration::from_millis(5));
    }
}

const LONG: [&str; 12] = [
    "run",
    "net.lua",
    "--processes",
    "2",
    "--device",
    "cpu",
    "--epochs",
    "3",
    "--snapshot-interval",
    "0.1",
    "--timeout",
    "5",
];

fn long(folder: &Path, job: &str) -> Child {
    program(folder, &[&LONG[..], &["--job", job]].concat()).spawn().unwrap()
}

pub(crate) fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_killed_rank_is_named_and_the_run_goes_on_by_itself_to_the_same_bits() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ":add(nn.Dropout(0.2))"));
    let path = folder.path();
    assert!(long(path, "whole").wait_with_output().unwrap().status.success());
    let run = long(path, "killed");
    first_snapshot(&path.join("killed"));
    signal(ranks(&run, 2)[1], "-KILL");
    let output = run.wait_with_output().unwrap();
    let words = words(&output);
    assert!(output.status.success(), "{words}");
    assert!(words.contains("rank 1 of 2 is lost"), "{words}");
    assert!(words.contains("rank 1 was ended by signal 9: all 2 processes start anew"), "{words}");
    assert_eq!(bits(&state(&path.join("killed"))), bits(&state(&path.join("whole"))));
    assert_eq!(losses(&path.join("killed")), losses(&path.join("whole")));
}

#[test]
fn the_rank_that_all_others_meet_at_outlives_one_of_them() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ""));
    let run = ["run", "net.lua", "--job", "j", "--device", "cpu", "--epochs", "50", "--snapshot-interval", "0.1"];
    let port = free_port();
    let (first, mut second) = (rank(folder.path(), "0", port, &run), rank(folder.path(), "1", port, &run));
    first_snapshot(&folder.path().join("j"));
    second.kill().unwrap();
    second.wait().unwrap();
    let output = first.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", words(&output));
    assert!(words(&output).contains("rank 1 of 2 is lost"), "{}", words(&output));
}

#[test]
fn a_rank_that_stops_answering_is_noticed() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ""));
    let run = long(folder.path(), "j");
    first_snapshot(&folder.path().join("j"));
    signal(ranks(&run, 2)[1], "-STOP");
    let output = run.wait_with_output().unwrap();
    let words = words(&output);
    assert!(words.contains("rank 1 of 2 is lost"), "{words}");
    assert!(words.contains("rank 1 hung and was ended: all 2 processes start anew"), "{words}");
    assert!(output.status.success(), "{words}");
}

#[test]
fn a_stop_is_everybody_s_and_the_state_is_saved() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ""));
    let job = folder.path().join("j");
    let run = long(folder.path(), "j");
    first_snapshot(&job);
    // One that was stopped goes on, so that it takes part.
    signal(ranks(&run, 2)[1], "-STOP");
    signal(run.id() as i32, "-TERM");
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", words(&output));
    assert_eq!(words(&output).matches("the state is saved").count(), 1, "{}", words(&output));
    assert_eq!(JobView::open(&job).unwrap().record().unwrap().status, Status::Aborted);
    let before = losses(&job).last().unwrap().1;
    assert!(long(folder.path(), "j").wait_with_output().unwrap().status.success());
    assert!(losses(&job).last().unwrap().1 > before);
}

#[test]
fn a_stop_before_the_processes_have_met_is_a_stop() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ""));
    let run = long(folder.path(), "j");
    ranks(&run, 1);
    signal(run.id() as i32, "-TERM");
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", words(&output));
    assert_eq!(words(&output).trim(), "stopped: before the first step: there was nothing to save");
    assert!(!folder.path().join("j").exists());
    // A rank of another launcher, whose others do not come.
    let run = rank(folder.path(), "0", free_port(), &["run", "net.lua", "--job", "j", "--device", "cpu"]);
    let begun = Instant::now();
    while !folder.path().join("j").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
    signal(run.id() as i32, "-TERM");
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", words(&output));
    assert_eq!(words(&output).trim(), "stopped: before the first step: there was nothing to save");
    assert!(!folder.path().join("j").exists());
}

/// A process as torchrun starts it, without torchrun's store.
fn rank(folder: &Path, rank: &str, port: u16, arguments: &[&str]) -> Child {
    let mut command = program(folder, arguments);
    command.env("RANK", rank).env("LOCAL_RANK", rank).env("WORLD_SIZE", "2").env("LOCAL_WORLD_SIZE", "2");
    command.env("MASTER_ADDR", "127.0.0.1").env("MASTER_PORT", port.to_string()).env("OMP_NUM_THREADS", "1");
    command.stdout(Stdio::piped()).spawn().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Both ranks' words, of a run that each starts with arguments of its own.
fn both(folder: &Path, first: &[&str], second: &[&str]) -> [(bool, String); 2] {
    let port = free_port();
    let runs = [rank(folder, "0", port, first), rank(folder, "1", port, second)];
    runs.map(|run| {
        let output = run.wait_with_output().unwrap();
        (output.status.success(), words(&output))
    })
}

#[test]
fn every_process_may_come_first_to_the_sample_that_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("net.lua"), classifier("loss = nn.ClassNLLCriterion()", "")).unwrap();
    well(
        folder.path(),
        "run net.lua --job j --processes 3 --device cpu --epochs 1 --batch-size 500 --validation-interval 0",
    );
}

#[test]
fn torchrun_s_variables_start_a_run_and_ranks_that_differ_are_refused() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ""));
    let path = folder.path();
    let run = ["run", "net.lua", "--job", "j", "--device", "cpu", "--epochs", "1"];
    let [(good, words), (other_good, others)] = both(path, &run, &run);
    assert!(good && other_good, "{words}{others}");
    assert!(words.contains("rank 0 of 2, started by hand, meeting at 127.0.0.1:"), "{words}");
    let mut lines = others.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("rank 1 of 2, started by hand, meeting at 127.0.0.1:")));
    assert_eq!(lines.next(), Some("rank 1 of 2 has ended with the run; what came of it is with rank 0"));
    // Nothing is left to do.
    let [(good, words), (other_good, others)] = both(path, &run, &run);
    assert!(good && other_good && words.contains("is done already"), "{words}{others}");

    let other = ["run", "net.lua", "--job", "k", "--device", "cpu", "--epochs", "2"];
    let run = ["run", "net.lua", "--job", "k", "--device", "cpu", "--epochs", "1"];
    for (good, words) in both(path, &run, &other) {
        assert!(!good && words.contains("rank 1 was given other options than rank 0"), "{words}");
        assert!(words.contains("1 on rank 0, 2 on rank 1"), "{words}");
    }
    fs::write(path.join("other.lua"), classifier("loss = nn.ClassNLLCriterion()", ":add(nn.Identity())")).unwrap();
    let other = ["run", "other.lua", "--job", "k", "--device", "cpu", "--epochs", "1"];
    for (good, words) in both(path, &run, &other) {
        assert!(!good && words.contains("rank 1 has another network file than rank 0"), "{words}");
    }
    fs::create_dir(path.join("datasets/other")).unwrap();
    for file in ["train_db", "val_db", "labels.txt", "mean.binaryproto"] {
        copy(&path.join("datasets/mnist-sample").join(file), &path.join("datasets/other").join(file));
    }
    // The same records but for the split.
    fs::remove_dir_all(path.join("datasets/other/train_db")).unwrap();
    copy(&path.join("datasets/mnist-sample/val_db"), &path.join("datasets/other/train_db"));
    let other = [&run[..], &["--dataset", "datasets/other"]].concat();
    let first = [&run[..], &["--dataset", "datasets/mnist-sample"]].concat();
    for (good, words) in both(path, &first, &other) {
        assert!(!good && words.contains("rank 1 does not have what rank 0 has"), "{words}");
        assert!(words.contains("dataset of rank 0") && words.contains("records to train with, fingerprint"), "{words}");
    }
    for (good, words) in both(path, &first, &run) {
        assert!(!good && words.contains("--dataset") && words.contains("not given on rank 1"), "{words}");
    }
}

#[test]
fn what_keeps_one_rank_from_the_run_is_told_to_the_other_at_once() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ""));
    let path = folder.path();
    let run = ["run", "net.lua", "--job", "j", "--device", "cpu", "--epochs", "1"];
    let absent = ["run", "absent.lua", "--job", "j", "--device", "cpu", "--epochs", "1"];
    let wrong = ["run", "net.lua", "--job", "j", "--device", "cpu", "--epochs", "none"];
    fs::write(path.join("file"), "").unwrap();
    let nowhere = ["run", "net.lua", "--job", "file/j", "--device", "cpu", "--epochs", "1"];
    let resumed = ["run", "--resume", "absent", "--device", "cpu"];
    for (first, second, told) in [
        (&absent[..], &run[..], "absent.lua"),
        (&run, &absent, "absent.lua"),
        (&wrong, &run, "--epochs"),
        (&nowhere, &run, "file/j"),
        (
            &run,
            &[&run[..], &["--processes", "2"]].concat(),
            "--processes is given to a process that a launcher started",
        ),
        (&run, &["run", "net.lua", "--preview-augmentation", "2"], "a picture is drawn by one process"),
        (&run, &[&run[..], &["--lr", "0.1,0.2"]].concat(), "a sweep is not shared out among 2 processes"),
        (&resumed, &resumed, "absent is not a job directory"),
        (&run, &resumed, "absent is no job on this machine, and no dataset is named"),
    ] {
        let begun = Instant::now();
        let pages = both(path, first, second);
        let heard = if first == second { &pages[..1] } else { &pages[..] };
        for (good, words) in heard {
            assert!(!good && words.contains(told), "{words}");
        }
        assert!(begun.elapsed() < Duration::from_secs(25), "{told}");
    }
}

#[test]
fn a_run_goes_on_with_the_same_batches_in_other_words_and_processes() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ""));
    let path = folder.path();
    well(path, "run net.lua --job j --device cpu --epochs 1 --batch-size 12 --processes 2 --validation-interval 0");
    well(path, "run --resume j --device cpu --epochs 2 --batch-size 24 --validation-interval 0");
    let words =
        well(path, "run --resume j --device cpu --epochs 3 --batch-size 4 --processes 6 --validation-interval 0");
    assert!(!words.contains("samples of a batch"), "{words}");
    let words = well(path, "run --resume j --device cpu --epochs 4 --processes 5 --validation-interval 0");
    assert!(words.contains("each of the 5 processes has 4 or 5 samples of a batch of 24"), "{words}");
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        if from.exists() {
            fs::copy(from, to).unwrap();
        }
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

#[test]
fn a_mistake_of_one_rank_is_a_page_of_all() {
    // Rank 1's hook fails; which rank it is, it learns from the environment of its noise: the records that it sees.
    let text = classifier("loss = nn.ClassNLLCriterion()", "").replace(
        "return { model",
        "local seen = 0\n\
         local function hook(input, labels)\n\
           seen = seen + input:size(1)\n\
           if seen > 600 and input:sum() % 2 == 1 then error('cannot go on') end\n\
           return labels\n\
         end\n\
         return { labelHook = hook, model",
    );
    let folder = with_network(&text);
    let run = ["run", "net.lua", "--job", "j", "--device", "cpu", "--epochs", "2", "--subtract-mean", "none"];
    let port = free_port();
    let runs = [rank(folder.path(), "0", port, &run), rank(folder.path(), "1", port, &run)];
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("cannot go on"), "{words}");
    }
    let job = JobView::open(&folder.path().join("j")).unwrap();
    assert_eq!(job.record().unwrap().status, Status::Error);
    assert!(job.record().unwrap().error.unwrap().contains("cannot go on"));
}

#[test]
fn an_environment_that_is_set_by_half_is_a_page() {
    let folder = with_network(&classifier("loss = nn.ClassNLLCriterion()", ""));
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = program(folder.path(), arguments).envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), words(&output))
    };
    let (status, page) = run(&[("RANK", "0"), ("WORLD_SIZE", "2")], &["run", "net.lua"]);
    assert_eq!(status, Some(2));
    assert!(page.contains("the variables of torchrun are set by half"), "{page}");
    assert!(page.contains("LOCAL_RANK, MASTER_ADDR, MASTER_PORT"), "{page}");
    let (_, doctor) =
        run(&[("PMI_RANK", "1"), ("PMI_SIZE", "4"), ("MPI_LOCALRANKID", "1"), ("MPI_LOCALNRANKS", "4")], &["doctor"]);
    assert!(doctor.contains("rank 1 of 4, started by MPICH, meeting at 127.0.0.1:29500"), "{doctor}");
    let (_, doctor) = run(&[("SLURM_STEP_ID", "0"), ("SLURM_PROCID", "1")], &["doctor"]);
    assert!(doctor.contains("none: the variables of Slurm are set by half"), "{doctor}");
    assert!(doctor.contains("missing: SLURM_STEP_NUM_TASKS, SLURM_LOCALID\n"), "{doctor}");
    let (status, page) = run(&[("RANK", ""), ("WORLD_SIZE", "")], &["run", "net.lua"]);
    assert!(status == Some(2) && page.contains("empty           RANK, WORLD_SIZE\n"), "{page}");
    let quick = ["run", "net.lua", "--global-batch", "--epochs", "1", "--batch-size", "500", "--device", "cpu"];
    let (status, line) = run(&[], &quick);
    assert!(status == Some(0) && line.contains("this run is one process, which has the whole batch"), "{line}");
    let (status, page) = run(&[], &["run", "-", "--processes", "2"]);
    assert!(status == Some(2) && page.contains("several processes cannot read one standard input"), "{page}");
    let (status, page) = run(&[], &["run", "net.lua", "--processes", "2", "--lr", "0.1,0.2", "--epochs", "1"]);
    assert!(status == Some(2) && page.contains("a sweep is not shared out among 2 processes"), "{page}");
}
