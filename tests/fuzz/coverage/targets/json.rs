//! The JSON files of a job and a dataset; the first byte says which.
#![no_main]

#[path = "../../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let name = parsers::JSON[usize::from(*which) % parsers::JSON.len()];
    let _ = parsers::json(name, bytes, RECORD);
});

/// A whole `job.json`.
const RECORD: &str = r#"{"id":"20261124-065000-1f3a","status":"Done","created":"2026-11-24T06:50:00Z","started":null,
"finished":null,"network":{"name":"net.lua","blake3":"00"},"dataset":{"path":"d","fingerprint":"f"},"seed":7,
"settings":{"epochs":30,"lr":0.01},"program":"digits-rs 0.1.0","libtorch":"2.11.0","error":null}"#;
