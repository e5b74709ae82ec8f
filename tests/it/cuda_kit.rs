//! The kit for a machine with a card (`tests/cuda`), rehearsed on the processor: its parts run, and a fault in one is seen.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::tree;

/// A kit of this program; the tests of every module run anyway, so it holds none.
fn kit(folder: &Path) {
    for entry in fs::read_dir(tree::root().join("tests/cuda")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
    symlink(env!("CARGO_BIN_EXE_digits-rs"), folder.join("digits-rs")).unwrap();
    symlink(tree::root().join("networks"), folder.join("networks")).unwrap();
}

/// The command of some parts on the processor: an unoptimised program needs more than the time of a lent card.
fn command(folder: &Path, parts: &str) -> Command {
    let mut command = Command::new("python3");
    command.current_dir(folder).env_remove("LIBTORCH").env("PYTHONDONTWRITEBYTECODE", "1");
    command.args(["kit.py", "--device", "cpu", "--quick", "--unoptimised", "--minutes", "60", "--only", parts]);
    command
}

/// Exit status and table of some parts.
fn run(folder: &Path, parts: &str) -> (Option<i32>, String) {
    let output = command(folder, parts).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

#[test]
fn the_kit_is_rehearsed_on_the_processor() {
    let folder = tempfile::tempdir().unwrap();
    kit(folder.path());
    let (status, text) = run(folder.path(), "doctor,captured,stops,pages,crosses,processes,profile,solvers,suites");
    assert_eq!(status, Some(0), "{text}");
    let table = fs::read_to_string(folder.path().join("kit-out/table.md")).unwrap();
    for part in ["doctor", "captured", "stops", "pages", "crosses", "processes", "profile", "solvers"] {
        assert!(table.contains(&format!("| {part} | ok |")), "{table}");
    }
    assert!(table.contains("| suites | skipped |"), "{table}");
    // The profile's own table, below that of the parts: a product of matrices is among what a step is made of.
    assert!(
        table.contains("A step of autoencoder.lua, autograd:") && table.contains("| aten::addmm | 4.0 |"),
        "{table}"
    );
    // Without the tests beside it that part is a fault, and the next one goes on.
    let (status, text) = run(folder.path(), "modules,pages");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("| modules | FAULT |") && text.contains("| pages | ok |"), "{text}");
}

#[test]
fn a_kit_that_is_stopped_leaves_its_table_and_no_process() {
    let folder = tempfile::tempdir().unwrap();
    kit(folder.path());
    let mut child = command(folder.path(), "stops,pages").stdout(Stdio::null()).spawn().unwrap();
    let job = folder.path().join("kit-out/stopped");
    while !job.is_dir() {
        assert!(child.try_wait().unwrap().is_none(), "the kit ended before its first job began");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let table = fs::read_to_string(folder.path().join("kit-out/table.md")).unwrap();
    assert!(table.contains("| stops | stopped |") && table.contains("| pages | not reached |"), "{table}");
    let program = folder.path().join("digits-rs");
    let left = Command::new("pgrep").arg("-f").arg(&program).output().unwrap();
    assert!(left.stdout.is_empty(), "alive: {}", String::from_utf8_lossy(&left.stdout));
}

#[test]
fn a_kit_that_cannot_begin_says_why() {
    let folder = tempfile::tempdir().unwrap();
    kit(folder.path());
    fs::write(folder.path().join("taken"), "").unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["--device", "gpu"], "'gpu' is none of cpu, cuda, cuda:N"),
        (&["--only", " , "], "it names no part"),
        (&["--minutes", "0"], "no number above 0"),
        (&["--out", "taken"], "cannot be written"),
        (&["--out", "."], "not empty"),
    ];
    for (words, page) in cases {
        let output = command(folder.path(), "pages").args(words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
        assert!(text.contains(page), "{words:?}: {text}");
    }
    let output = command(folder.path(), "pages").env("LIBTORCH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("LIBTORCH holds no libtorch"));
}
