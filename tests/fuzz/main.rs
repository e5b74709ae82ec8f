//! Generators of damaged files: every reader of the program meets them, and must answer with a value or a page.
//!
//! `cargo test --test fuzz` takes a fixed number of inputs, the same every time, in some seconds. By hand:
//! `FUZZ_MINUTES=10 cargo test --test fuzz -- --nocapture` goes on for ten minutes a target from other random numbers
//! (`FUZZ_SEED=2`, or the time), `FUZZ_INPUT=1234` takes that one alone, as a failure names it.
//!
//! A panic, an input that takes seconds or that makes the program ask for much memory fails the test; a signal or an
//! abort ends it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may give up at once, and says how many inputs it had"
)]

mod data;
mod job;
mod lmdb;
mod mutate;
mod target;
