//! Golden error pages: each folder of `tests/golden/errors/` is one bad input and the page that the program answers with.
//!
//! A case holds `cmd` (the arguments of `digits-rs`, separated by spaces; further lines are comments), its input files,
//! and `expected.txt` (exit status and page). It runs in a copy of its folder, so it may write where it likes.
//! A case that needs more than files has `run.sh`, which prepares it and starts the program (`"$DIGITS" "$@"`); it answers
//! 77 where the machine does not allow what it needs, and the case is passed over.
//! `BLESS=1 cargo test --test it errors` rewrites every `expected.txt`; the diff is then reviewed by eye.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use digits::error::Kind;
use rayon::prelude::*;

use crate::tree;

/// No page may take longer to appear, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A `run.sh` ends so where the machine does not allow what the case needs (mounting a small disk, say).
const CANNOT: i32 = 77;

const KINDS: [Kind; 14] = [
    Kind::Usage,
    Kind::Network,
    Kind::Argument,
    Kind::Shape,
    Kind::Lua,
    Kind::Limit,
    Kind::Data,
    Kind::Job,
    Kind::Numeric,
    Kind::Device,
    Kind::Io,
    Kind::Lost,
    Kind::Torch,
    Kind::Interrupted,
];

#[test]
fn every_bad_input_gets_its_page() {
    let bless = std::env::var_os("BLESS").is_some();
    let differing: Vec<String> = cases()
        .into_par_iter()
        .filter_map(|name| {
            let folder = tree::root().join("tests/golden/errors").join(&name);
            let answer = answer(&folder);
            let expected = folder.join("expected.txt");
            if answer.starts_with(&format!("exit status: {CANNOT}\n")) {
                return None;
            }
            if bless {
                fs::write(&expected, &answer).expect("the golden folder is writable");
                return None;
            }
            let wanted = fs::read_to_string(&expected).unwrap_or_else(|_| "(no expected.txt yet)\n".into());
            (wanted != answer).then(|| format!("── {name}: expected\n{wanted}── {name}: came\n{answer}"))
        })
        .collect();
    assert!(differing.is_empty(), "pages differ (BLESS=1 accepts them):\n{}", differing.join("\n"));
}

/// The names of the cases, sorted. A case is a folder with a `cmd`.
fn cases() -> Vec<String> {
    let files = tree::files("tests/golden/errors");
    let names: Vec<String> = files.iter().filter_map(|path| path.strip_suffix("/cmd").map(str::to_string)).collect();
    assert!(!names.is_empty(), "tests/golden/errors has no cases");
    names
}

/// Runs a case in a copy of its folder: `exit status: 1`, an empty line, the page.
fn answer(case: &Path) -> String {
    let home = tempfile::tempdir().expect("a temporary folder");
    for file in fs::read_dir(case).expect("the case was just listed").flatten() {
        if file.file_type().is_ok_and(|kind| kind.is_file()) && file.file_name() != "expected.txt" {
            fs::copy(file.path(), home.path().join(file.file_name())).expect("a copy of a small file");
        }
    }
    let cmd = fs::read_to_string(case.join("cmd")).expect("every case has a cmd");
    let arguments = cmd.lines().next().unwrap_or_default().split_whitespace();
    // A file rather than a pipe: a program that writes much must not wait for us.
    let errors = home.path().join("stderr.txt");
    let program = env!("CARGO_BIN_EXE_digits-rs");
    let mut command = Command::new(if case.join("run.sh").is_file() { "sh" } else { program });
    if case.join("run.sh").is_file() {
        command.arg("run.sh").env("DIGITS", program);
    }
    let mut child = command
        .args(arguments)
        .current_dir(home.path())
        .env("NO_COLOR", "1")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&errors).expect("a file in a temporary folder"))
        .spawn()
        .expect("the binary of this package");
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            break status.code().map_or_else(|| "none: ended by a signal".to_string(), |code| code.to_string());
        }
        if began.elapsed() > PATIENCE {
            child.kill().expect("our own child");
            child.wait().expect("our own child");
            break format!("none: still running after {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    };
    let text = String::from_utf8_lossy(&fs::read(&errors).expect("the file was just made")).into_owned();
    format!("exit status: {status}\n\n{}\n", page(&text, home.path()))
}

/// The page within what the program wrote to stderr (progress lines may come before it), without what varies.
fn page(stderr: &str, home: &Path) -> String {
    let is_title = |line: &&str| {
        KINDS.iter().any(|kind| {
            line.strip_prefix(kind.title()).is_some_and(|rest| rest.starts_with(": ") || rest.starts_with(" #"))
        })
    };
    let lines: Vec<&str> = stderr.lines().collect();
    let start = lines.iter().position(is_title).unwrap_or(0);
    let page = lines[start..].iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
    let real = fs::canonicalize(home).unwrap_or_else(|_| home.to_path_buf());
    let page = page.replace(&*real.to_string_lossy(), "[HERE]").replace(&*home.to_string_lossy(), "[HERE]");
    let libtorch = digits::torch::device::libtorch_folder().unwrap_or_default();
    let page = page.replace(&*libtorch.to_string_lossy(), "[LIBTORCH]");
    without_process_numbers(page.trim_end())
}

/// `in use by process 1234` → `in use by process [PID]`.
fn without_process_numbers(page: &str) -> String {
    let mut parts = page.split("process ");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        text + "process " + if rest.len() < part.len() { "[PID]" } else { "" } + rest
    })
}

#[test]
fn a_page_is_found_among_progress_lines_and_freed_from_its_folder() {
    let home = Path::new("/tmp/somewhere");
    let text = "epoch 1\nLua error: odd\n\n  /tmp/somewhere/net.lua:1\n\n";
    assert_eq!(page(text, home), "Lua error: odd\n\n  [HERE]/net.lua:1");
    assert_eq!(page("no page at all\n", home), "no page at all");
}
