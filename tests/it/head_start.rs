//! The program's start: the loader finds the head start, and a run with it gives the numbers of a run without.

use std::fs;

use digits::job::{EventKind, JobView};

use crate::job::{program, workshop};

/// `DT_PREINIT_ARRAY` of elf.h.
const PREINIT_ARRAY: u64 = 32;

#[test]
fn the_loader_is_told_of_the_head_start() {
    let file = fs::read(env!("CARGO_BIN_EXE_digits-rs")).unwrap();
    let long = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap());
    let short = |at: usize| usize::from(u16::from_le_bytes(file[at..at + 2].try_into().unwrap()));
    let (table, each, count) = (long(32) as usize, short(54), short(56));
    let dynamic = (0..count).map(|i| table + i * each).find(|&at| file[at..at + 4] == 2u32.to_le_bytes()).unwrap();
    let (start, length) = (long(dynamic + 8) as usize, long(dynamic + 32) as usize);
    let tags: Vec<u64> = (start..start + length).step_by(16).map(long).collect();
    assert!(tags.contains(&PREINIT_ARRAY), "main.rs's HEAD_START is not in the executable: {tags:?}");
}

#[test]
fn a_run_with_and_without_it_has_the_same_losses() {
    let folder = workshop();
    let losses = |job: &str, budget: &str| {
        let arguments = ["run", "net.lua", "--epochs", "1", "--job", job, "--memory", budget];
        let output = program(folder.path(), &arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let events = JobView::open(&folder.path().join(job)).unwrap().events().unwrap();
        let told = |kind| matches!(kind, EventKind::Train | EventKind::Validation);
        events.iter().filter(|e| told(e.event)).map(|e| (e.iteration, e.loss)).collect::<Vec<_>>()
    };
    let kept = losses("kept", "2048");
    assert!(kept.len() > 3, "{kept:?}");
    // 0 MiB keep nothing: the head start opens the dataset and decodes nothing.
    assert_eq!(kept, losses("streamed", "0"));
}
