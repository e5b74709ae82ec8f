//! The kit for a machine with a card (`tests/cuda`), rehearsed on the processor: its parts run, and a fault in one is seen.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::tree;

/// A kit of this program; the tests of every module run anyway, so it holds none.
fn kit(folder: &Path) {
    for script in ["kit.py", "traces.py"] {
        fs::copy(tree::root().join("tests/cuda").join(script), folder.join(script)).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_digits-rs"), folder.join("digits-rs")).unwrap();
    symlink(tree::root().join("networks"), folder.join("networks")).unwrap();
}

/// Exit status and table of some parts.
fn run(folder: &Path, parts: &str) -> (Option<i32>, String) {
    let mut command = Command::new("python3");
    command.current_dir(folder).args(["kit.py", "--device", "cpu", "--quick", "--unoptimised", "--only", parts]);
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

#[test]
fn the_kit_is_rehearsed_on_the_processor() {
    let folder = tempfile::tempdir().unwrap();
    kit(folder.path());
    let (status, text) = run(folder.path(), "doctor,captured,stops,pages,crosses,processes,profile,suites");
    assert_eq!(status, Some(0), "{text}");
    let table = fs::read_to_string(folder.path().join("kit-out/table.md")).unwrap();
    for part in ["doctor", "captured", "stops", "pages", "crosses", "processes", "profile"] {
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
