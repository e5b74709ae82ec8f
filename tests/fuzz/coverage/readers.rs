//! One target of libFuzzer for every reader: the environment's `FUZZ_READER` names it (`run` says how).
#![no_main]

#[path = "../parsers.rs"]
mod parsers;

use std::sync::LazyLock;

type Reader = fn(&[u8]);

/// Every reader by its name.
const READERS: &[(&str, Reader)] = &[
    ("datum", |bytes| drop(parsers::datum(bytes))),
    ("folders", |bytes| drop(parsers::folders(bytes))),
    ("hdf5", |bytes| drop(parsers::hdf5(bytes))),
    ("idx", idx),
    ("json", json),
    ("lmdb", |bytes| drop(parsers::lmdb(bytes))),
    ("lua", |bytes| drop(std::str::from_utf8(bytes).map(parsers::lua_file))),
    ("mat", |bytes| drop(parsers::mat(bytes))),
    ("mean", |bytes| drop(parsers::mean(bytes))),
    ("npz", |bytes| drop(parsers::npz(bytes))),
    ("pictures", |bytes| drop(parsers::pictures(bytes))),
    ("python", |bytes| drop(std::str::from_utf8(bytes).map(parsers::python_file))),
    ("safetensors", |bytes| drop(parsers::safetensors(bytes))),
    ("t7", |bytes| drop(parsers::t7(bytes))),
    ("texts", |bytes| drop(parsers::texts(bytes))),
];

static READER: LazyLock<Reader> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_READER").unwrap_or_default();
    let found = READERS.iter().find(|(known, _)| *known == name);
    let names: Vec<&str> = READERS.iter().map(|(name, _)| *name).collect();
    found.unwrap_or_else(|| panic!("FUZZ_READER is {name:?} and not one of {}", names.join(", "))).1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| READER(bytes));

/// IDX files, in the place of the images and in that of the labels.
fn idx(bytes: &[u8]) {
    let images = [&[0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 3][..], &[7; 9 * 12]].concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 9][..], &[3; 9]].concat();
    let _ = parsers::idx(bytes, &images, &labels);
}

/// The JSON files of a job and a dataset; the first byte says which.
fn json(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let name = parsers::JSON[usize::from(*which) % parsers::JSON.len()];
    let _ = parsers::json(name, bytes, RECORD);
}

/// A whole `job.json`.
const RECORD: &str = r#"{"id":"20261124-065000-1f3a","status":"Done","created":"2026-11-24T06:50:00Z","started":null,
"finished":null,"network":{"name":"net.lua","blake3":"00"},"dataset":{"path":"d","fingerprint":"f"},"seed":7,
"settings":{"epochs":30,"lr":0.01},"program":"digits-rs 0.1.0","libtorch":"2.11.0","error":null}"#;
