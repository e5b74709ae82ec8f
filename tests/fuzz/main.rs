//! Generators that attack the program: damaged files for every reader, and programs that nobody would write for the fenced
//! Lua. Each input must come to a value or a page.
//!
//! `cargo test --test fuzz` takes a fixed number of inputs, the same every time, in a minute or two. At length, as `make fuzz` does:
//! `FUZZ_MINUTES=10 cargo test --test fuzz -- --nocapture` goes on for ten minutes a target from other random numbers
//! (`FUZZ_SEED=2`, or the time), in child processes that are watched (`supervisor`). A finding names the seed, the input and the
//! test that repeat it: `FUZZ_SEED=2 FUZZ_INPUT=1234 cargo test --test fuzz TEST -- --nocapture` takes that one alone; of the
//! programs `FUZZ_LOG=1` prints every call.
//!
//! A panic, a signal, an input that computes for long or that makes the program ask for much memory fails the test.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test may give up at once, and says how many inputs it had"
)]

mod data;
mod job;
mod lmdb;
mod lua_cases;
mod lua_files;
mod lua_programs;
mod mutate;
mod parsers;
mod python_files;
mod supervisor;
mod target;
mod texts;
