//! Generators that attack the program with what nobody would write: each runs for some seconds with a fixed seed among the
//! other tests, and for as long as wanted by hand (`FUZZ_SECONDS`, `FUZZ_SEED`; `-- --nocapture` prints the counts).

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test may give up at once, and says what it did"
)]

mod lua_cases;
mod lua_programs;
