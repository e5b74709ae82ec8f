//! Damaged `.t7` and safetensors files, and damaged JSON of jobs and datasets.

use std::collections::HashMap;

use digits::{
    data::Random,
    job::{Event, EventKind},
};
use safetensors::{Dtype, tensor::TensorView};

use crate::{
    mutate::{any, below, damage},
    parsers,
    target::{self, Answer, Target, file as repository_file},
};

#[test]
fn damaged_t7_files_get_a_page() {
    let whole = ["net", "net_ascii", "net_b32", "net_old", "snapshot_1_Model"]
        .map(|name| repository_file(&format!("tests/golden/t7/{name}.t7")));
    Target { name: "t7", test: "job::damaged_t7_files_get_a_page", inputs: 2500, memory: 256 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::t7(bytes)));
}

#[test]
fn damaged_safetensors_files_get_a_page() {
    let (floats, integers) = ([1u8; 48], [2u8; 16]);
    let tensors = || {
        [
            ("3.weight", TensorView::new(Dtype::F32, vec![3, 4], &floats).unwrap()),
            ("optimizer.momentum", TensorView::new(Dtype::F32, vec![12], &floats).unwrap()),
            ("3.count", TensorView::new(Dtype::I64, vec![2], &integers).unwrap()),
        ]
    };
    let note = r#"{"position":{},"seed":1,"metrics_len":100,"dataset":"d","network":"n","program":"p"}"#;
    let header = HashMap::from([("digits-rs".to_string(), note.to_string())]);
    let whole =
        [safetensors::serialize(tensors(), None).unwrap(), safetensors::serialize(tensors(), Some(header)).unwrap()];
    Target { name: "safetensors", test: "job::damaged_safetensors_files_get_a_page", inputs: 8000, memory: 64 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::safetensors(bytes)));
}

const RECORD: &str = r#"{"id":"20261124-065000-1f3a","status":"Running","created":"2026-11-24T06:50:00Z","started":null,
"finished":null,"network":{"name":"net.lua","blake3":"00"},"dataset":{"path":"d","fingerprint":"f"},"seed":7,
"settings":{"epochs":30,"lr":0.01},"program":"digits-rs 0.1.0","libtorch":"2.11.0","error":null}"#;
const BEST: &str = r#"{"epoch":3.0,"loss":0.5,"file":"snapshots/snapshot_3.safetensors"}"#;
const SWEEP: &str = r#"{"created":"2026-11-24T06:50:00Z","network":"net.lua","settings":{"epochs":30},"jobs":[{"folder":"a","lr":0.1,"batch_size":16}]}"#;
const DATASET: &str = r#"{"format":1,"kind":"generic","shape":[1,28,28],"labels":0,"encoding":null,"resize":null,"seed":null,
"splits":{"train":{"images":"train_db","labels":null,"entries":10,"classes":null}},"mean":"mean.binaryproto","skipped":0}"#;

/// Words that are valid JSON where something else is wanted.
const WORDS: &[&str] = &[
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "0.1",
    "[]",
    "{}",
    "\"\"",
    "\"\\ud800\"",
    "[[[[[[[[",
    "{\"a\":",
    "\"../../../etc/passwd\"",
];

#[test]
fn damaged_json_gets_a_page() {
    let mut event = Event::new(EventKind::Train, 0.5, 352);
    event.loss = Some(0.25);
    let line = serde_json::to_string(&event).unwrap();
    let metrics = format!("{line}\n{line}\n{line}");
    let whole = [RECORD, BEST, SWEEP, DATASET, &metrics].map(|text| text.as_bytes().to_vec());
    let names = parsers::JSON;
    // In `coverage/` the first byte says which.
    let marked = whole.iter().enumerate().map(|(which, bytes)| [&[which as u8][..], bytes].concat());
    target::keep("JSON", &marked.collect::<Vec<_>>());
    let of = std::cell::Cell::new(0);
    Target { name: "JSON", test: "job::damaged_json_gets_a_page", inputs: 8000, memory: 64 << 20 }.run(
        &mut |random: &mut Random| {
            of.set(below(random, names.len()));
            let mut bytes = whole[of.get()].clone();
            if below(random, 3) == 0 {
                let (at, word) = (below(random, bytes.len()), any(random, WORDS));
                let end = (at + below(random, 12)).min(bytes.len());
                bytes.splice(at..end, word.bytes());
            } else {
                damage(random, &mut bytes, &whole);
            }
            bytes
        },
        &mut |bytes| Answer::of(parsers::json(names[of.get()], bytes, RECORD)),
    );
}
