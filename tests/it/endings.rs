//! How the program ends: signals save a run, limits and full disks are pages, a reader that goes away is no error.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use digits::job::JobView;

use crate::job::{program, workshop};

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// The exit status, which must come soon.
fn end(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if start.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn wait(what: &str, mut until: impl FnMut() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what}: not seen");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_signal_that_means_an_end_saves_the_run() {
    let folder = workshop();
    for signal in ["TERM", "HUP", "QUIT", "USR1", "USR2", "XCPU", "ALRM"] {
        let arguments = ["run", "net.lua", "--epochs", "1000", "--job", signal, "--snapshot-interval", "0"];
        // Whoever started the tests may have switched some off: nohup, a shell's `&`.
        let mut command = Command::new("env");
        command.arg("--default-signal").arg(env!("CARGO_BIN_EXE_digits-rs")).args(arguments);
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let job = folder.path().join(signal);
        wait(signal, || fs::metadata(job.join("metrics.jsonl")).map_or(0, |data| data.len()) > 0);
        send(signal, &child);
        assert_eq!(end(&mut child), Some(130), "{signal}");
        assert_eq!(JobView::open(&job).unwrap().snapshots().unwrap().len(), 1, "{signal}: no state was saved");
    }
}

#[test]
fn before_the_first_step_a_signal_ends_the_program_at_once() {
    let folder = workshop();
    for job in [&["--job", "j"][..], &[]] {
        // Standard input that neither speaks nor ends.
        let arguments: Vec<&str> = ["run", "-"].iter().chain(job).copied().collect();
        let mut child = program(folder.path(), &arguments).stdin(Stdio::piped()).spawn().unwrap();
        let names = format!("/proc/{}/task", child.id());
        let watches =
            |entry: fs::DirEntry| fs::read_to_string(entry.path().join("comm")).is_ok_and(|n| n.trim() == "signals");
        wait("the thread", || fs::read_dir(&names).unwrap().flatten().any(watches));
        send("TERM", &child);
        assert_eq!(end(&mut child), Some(130));
        let output = child.wait_with_output().unwrap();
        let page = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(page.contains("before the first step"), "{page}");
    }
    assert!(!folder.path().join("j").exists() && !folder.path().join("jobs").exists());
}

#[test]
fn what_whoever_started_the_program_ignores_stays_ignored() {
    let folder = workshop();
    let line = format!("trap '' HUP; exec {} run net.lua --epochs 1000 --job j", env!("CARGO_BIN_EXE_digits-rs"));
    let mut child = shell(folder.path(), &line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait("a step", || fs::metadata(folder.path().join("j/metrics.jsonl")).map_or(0, |data| data.len()) > 0);
    send("HUP", &child);
    thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "as nohup wants it, a closed terminal does not end it");
    send("TERM", &child);
    assert_eq!(end(&mut child), Some(130));
}

fn shell(folder: &Path, line: &str) -> Command {
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_limit_on_the_size_of_files_is_a_page() {
    let folder = workshop();
    let line = format!("ulimit -f 40; exec {} run net.lua --epochs 1 --job j", env!("CARGO_BIN_EXE_digits-rs"));
    let output = shell(folder.path(), &line).output().unwrap();
    let page = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{page}");
    assert!(page.contains("File too large") && page.contains("help"), "{page}");
}

#[test]
fn a_full_disk_behind_standard_output_is_a_page_and_a_closed_pipe_is_none() {
    let folder = workshop();
    let program = env!("CARGO_BIN_EXE_digits-rs");
    for arguments in [
        "check net.lua",
        "check net.lua --json",
        "doctor",
        "doctor --json",
        "--help",
        "dataset info datasets/mnist-sample",
        "th -e 'print(1)'",
    ] {
        let output = shell(folder.path(), &format!("exec {program} {arguments} > /dev/full")).output().unwrap();
        let page = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {page}");
        assert!(page.contains("cannot write to standard output"), "{arguments}: {page}");
        let line = format!("{{ {program} {arguments}; echo $? > status; }} | true");
        let output = shell(folder.path(), &line).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments}");
        assert_eq!(fs::read_to_string(folder.path().join("status")).unwrap().trim(), "0", "{arguments}");
    }
}
