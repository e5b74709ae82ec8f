//! The command line: one file a subcommand.
//!
//! **In:** arguments. **Out:** what the user asked for, on standard output; error pages on standard error.
//! **Never:** work that another part could do: each command calls the library and prints.

pub mod check;
mod command;
pub mod dataset;
pub mod doctor;
pub mod export;
pub mod head_start;
mod json;
mod progress;
mod report;
pub mod run;
mod run_flags;
pub mod serve;
mod stop;
pub mod test;
pub mod th;

use std::io::Write as _;

use clap::Parser as _;
use command::{Cli, Command};

use crate::data::lmdb;

/// The program: reads the arguments, carries out the command, reports.
#[must_use]
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(page) => {
            let _ = page.print(); // nobody is left to be told
            return u8::try_from(page.exit_code()).unwrap_or(2);
        }
    };
    lmdb::tell_of_long_waits(report::long_wait);
    report::guarded(|| match cli.command {
        Command::Run(args) => run::run(*args, head_start::take()),
        Command::Dataset(args) => dataset::run(args),
        Command::Check(args) => check::run(args),
        Command::Test(args) => test::run(args),
        Command::Export(args) => export::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Work(args) => serve::work(args),
        Command::Th(args) => th::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    })
}

/// Ends the process with this exit status, without the destructors of libtorch's tables: they take 70 ms to free
/// memory that the system takes back anyway.
pub fn end(status: u8) -> ! {
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    #[expect(unsafe_code, reason = "the standard library's exit runs every destructor of the process")]
    // SAFETY: fflush(NULL) writes out what C code buffered (a trusted script's io.write); _exit takes any number.
    unsafe {
        libc::fflush(std::ptr::null_mut());
        libc::_exit(i32::from(status))
    }
}
