//! Records. `cargo fuzz run --fuzz-dir tests/fuzz/coverage datum` (cargo-fuzz, nightly Rust) in the folder of the repository;
//! `FUZZ_CORPUS=tests/fuzz/coverage/corpus cargo test --test fuzz damaged` gives it whole files to begin with.
#![no_main]

#[path = "../../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = parsers::datum(bytes);
});
