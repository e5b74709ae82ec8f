//! Network files in Python, run and lowered.
#![no_main]

#[path = "../../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = std::str::from_utf8(bytes).map(parsers::python_file);
});
