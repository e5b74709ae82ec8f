//! The job directory as a user meets it: the files of a run, two runs on one job, folders and disks that refuse.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use digits::job::{EventKind, JobView, Status};

/// A network of two small layers with dropout, so that noise is part of what must repeat.
pub(crate) const NETWORK: &str = "return function(params)\n\
    local net = nn.Sequential()\n\
    net:add(nn.MulConstant(0.00390625))\n\
    net:add(nn.View(-1):setNumInputDims(3))\n\
    net:add(nn.Linear(784, 12))\n\
    net:add(nn.ReLU())\n\
    net:add(nn.Dropout(0.2))\n\
    net:add(nn.Linear(12, 784))\n\
    net:add(nn.View(1, 28, 28):setNumInputDims(1))\n\
    return { model = net, loss = nn.MSECriterion(), trainBatchSize = 50, validationBatchSize = 100,\n\
      labelHook = function(input, dblabel) return input end }\n\
    end\n";

/// A folder with the network file `net.lua` and the built-in dataset in it.
pub(crate) fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("net.lua"), NETWORK).unwrap();
    digits::data::sample::ensure(&folder.path().join("datasets/mnist-sample")).unwrap();
    folder
}

/// `digits-rs ARGUMENTS` in `folder`.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_digits-rs"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// As [`program`], with Ctrl-C heard even where the tests themselves were started with it ignored, as shells start what
/// runs in the background.
pub(crate) fn interruptible(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("env");
    command.current_dir(folder).args(["--default-signal=INT", env!("CARGO_BIN_EXE_digits-rs")]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs the program with arguments apart by spaces; whether it ended well, and both of its streams.
pub(crate) fn ended(folder: &Path, arguments: &str) -> (bool, String) {
    let output = program(folder, &arguments.split_whitespace().collect::<Vec<_>>()).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

/// Runs to a good end; both streams.
pub(crate) fn well(folder: &Path, arguments: &str) -> String {
    let (good, text) = ended(folder, arguments);
    assert!(good, "{arguments}: {text}");
    text
}

/// The page of a command that must fail, with all that came before it.
pub(crate) fn page(folder: &Path, arguments: &str) -> String {
    let (good, text) = ended(folder, arguments);
    assert!(!good, "{arguments}: {text}");
    text
}

/// Runs to a good end; what it printed.
pub(crate) fn printed(folder: &Path, arguments: &str) -> String {
    let output = program(folder, &arguments.split(' ').collect::<Vec<_>>()).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn output(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until `path` is there.
fn wait_for(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

#[test]
fn a_run_leaves_the_files_that_the_documentation_names() {
    let folder = workshop();
    let run = output(folder.path(), &["run", "net.lua", "--epochs", "2", "--job", "j", "--device", "cpu"]);
    assert!(run.status.success(), "{}", stderr(&run));
    let path = folder.path().join("j");
    for name in ["network.lua", "job.json", "metrics.jsonl", "log.txt", "best.json", "loss.svg", "loss.png"] {
        assert!(path.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    assert!(!path.join("error.txt").exists());
    assert_eq!(fs::read_to_string(path.join("network.lua")).unwrap(), NETWORK);
    let view = JobView::open(&path).unwrap();
    let record = view.record().unwrap();
    assert_eq!((record.status, record.settings["batch_size"].as_u64()), (Status::Done, Some(50)));
    let epochs: Vec<f64> = view.snapshots().unwrap().iter().map(|snapshot| snapshot.epoch).collect();
    assert_eq!(epochs, [1.0, 2.0]);

    // Every line is one object with the fields of its kind, in rising order of iterations.
    let mut last = 0;
    for line in fs::read_to_string(path.join("metrics.jsonl")).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let has = |names: &[&str]| names.iter().all(|name| line[name].is_number());
        assert!(has(&["epoch", "iteration", "time"]), "{line}");
        match line["event"].as_str().unwrap() {
            "train" => assert!(has(&["loss", "lr", "images_per_second", "data_wait"]), "{line}"),
            "validation" => assert!(has(&["loss", "images_per_second", "data_wait"]), "{line}"),
            "epoch" => assert!(has(&["loss", "lr"]), "{line}"),
            "snapshot" => assert!(path.join(line["file"].as_str().unwrap()).exists(), "{line}"),
            "start" | "end" => assert!(line["message"].is_string(), "{line}"),
            other => panic!("an event '{other}' in an undisturbed run"),
        }
        assert!(line["iteration"].as_u64().unwrap() >= last);
        last = line["iteration"].as_u64().unwrap();
        assert!(line["data_wait"].as_f64().is_none_or(|share| (0.0..=1.0).contains(&share)), "{line}");
    }
    let losses: Vec<f64> =
        view.events().unwrap().iter().filter(|e| e.event == EventKind::Validation).filter_map(|e| e.loss).collect();
    assert_eq!(losses.len(), 3);
}

#[test]
fn two_runs_on_one_job_do_not_mix() {
    let folder = workshop();
    let arguments = ["run", "net.lua", "--epochs", "1000", "--job", "j", "--device", "cpu"];
    let mut first = program(folder.path(), &arguments).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&folder.path().join("j/metrics.jsonl"));
    for second in [&arguments[..], &["run", "--resume", "j"]] {
        let second = output(folder.path(), second);
        assert_eq!(second.status.code(), Some(1));
        let page = stderr(&second);
        assert!(page.contains(&format!("in use by process {}", first.id())), "{page}");
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(JobView::open(&folder.path().join("j")).unwrap().record().unwrap().status, Status::Aborted);
    let other = fs::read_to_string(folder.path().join("net.lua")).unwrap() + "\n-- another text\n";
    fs::write(folder.path().join("other.lua"), other).unwrap();
    let third = output(folder.path(), &["run", "other.lua", "--epochs", "1000", "--job", "j", "--device", "cpu"]);
    assert!(stderr(&third).contains("holds a job already"), "{}", stderr(&third));
}

#[test]
fn a_changed_network_file_is_not_gone_on_with() {
    let folder = workshop();
    let run = output(folder.path(), &["run", "net.lua", "--epochs", "1", "--job", "j", "--device", "cpu"]);
    assert!(run.status.success(), "{}", stderr(&run));
    fs::write(folder.path().join("j/network.lua"), NETWORK.replace("12", "13")).unwrap();
    let page = stderr(&output(folder.path(), &["run", "--resume", "j"]));
    assert!(page.contains("was changed") && page.contains("help:"), "{page}");
}

#[test]
fn a_folder_that_cannot_be_written_is_a_page() {
    let folder = workshop();
    fs::write(folder.path().join("file"), "in the way").unwrap();
    let run = output(folder.path(), &["run", "net.lua", "--job", "file/j", "--device", "cpu"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(stderr(&run).contains("cannot make the job folder file/j"), "{}", stderr(&run));
}

/// Runs a script with a file system of 3 MiB on `small/`, where the system allows that to this user.
fn on_a_small_disk(folder: &Path, script: &str) -> Option<Output> {
    let mount = "mount -t tmpfs -o size=3m none small";
    let probe = Command::new("unshare").args(["-rm", "sh", "-c", mount]).current_dir(folder).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("skipped: this system does not let its users mount a file system of their own");
        return None;
    }
    let script = format!("{mount} && {script}");
    Some(Command::new("unshare").args(["-rm", "sh", "-c", &script]).current_dir(folder).output().unwrap())
}

#[test]
fn a_full_disk_is_a_page_and_the_snapshots_before_it_stay_whole() {
    let folder = workshop();
    fs::create_dir(folder.path().join("small")).unwrap();
    let program = env!("CARGO_BIN_EXE_digits-rs");
    let run = format!("{program} run net.lua --epochs 200 --job small/j --device cpu --snapshot-interval 0.2");
    let Some(run) = on_a_small_disk(folder.path(), &format!("{run}; code=$?; cp -r small/j kept; exit $code")) else {
        return;
    };
    assert_eq!(run.status.code(), Some(1), "{}", stderr(&run));
    let page = stderr(&run);
    assert!(page.contains("cannot write") && page.contains("free some space"), "{page}");
    let snapshots = JobView::open(&folder.path().join("kept")).unwrap().snapshots().unwrap();
    assert!(snapshots.len() > 2, "{snapshots:?}");
    for snapshot in snapshots {
        digits::train::Snapshot::read(&snapshot.path).unwrap();
    }
    assert!(
        files(&folder.path().join("kept/snapshots")).iter().all(|path| !path.to_string_lossy().contains("partial"))
    );
}

#[test]
fn ctrl_c_saves_and_stops_and_says_how_to_go_on() {
    let folder = workshop();
    let arguments = ["run", "net.lua", "--epochs", "1000", "--job", "j", "--device", "cpu"];
    let child = interruptible(folder.path(), &arguments).spawn().unwrap();
    wait_for(&folder.path().join("j/metrics.jsonl"));
    std::thread::sleep(Duration::from_millis(300));
    let stop = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(stop.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", stderr(&ended));
    assert!(stderr(&ended).contains("digits-rs run --resume j"), "{}", stderr(&ended));
    let view = JobView::open(&folder.path().join("j")).unwrap();
    assert_eq!(view.record().unwrap().status, Status::Aborted);
    assert!(!view.snapshots().unwrap().is_empty());
}

#[test]
fn standard_input_is_a_network_file_too() {
    let folder = workshop();
    let arguments = ["run", "-", "--epochs", "1", "--job", "j", "--device", "cpu"];
    let mut child = program(folder.path(), &arguments).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), NETWORK.as_bytes()).unwrap();
    let run = child.wait_with_output().unwrap();
    assert!(run.status.success(), "{}", stderr(&run));
    assert_eq!(fs::read_to_string(folder.path().join("j/network.lua")).unwrap(), NETWORK);
}

#[test]
fn the_same_command_again_redoes_nothing_and_more_epochs_go_on() {
    let folder = workshop();
    let run = |epochs: &str| {
        output(folder.path(), &["run", "net.lua", "--job", "job", "--epochs", epochs, "--device", "cpu"])
    };
    assert!(run("1").status.success());
    let metrics = folder.path().join("job/metrics.jsonl");
    let before = fs::read(&metrics).unwrap();
    let again = run("1");
    assert!(again.status.success(), "{}", stderr(&again));
    assert!(String::from_utf8_lossy(&again.stdout).contains("is done already"));
    assert_eq!(fs::read(&metrics).unwrap(), before);
    let more = run("2");
    assert!(more.status.success(), "{}", stderr(&more));
    assert!(folder.path().join("job/snapshots/snapshot_2.safetensors").is_file());
}
