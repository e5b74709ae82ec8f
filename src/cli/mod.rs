//! The command line: one file a subcommand.
//!
//! **In:** arguments. **Out:** what the user asked for, on standard output; error pages on standard error.
//! **Never:** work that another part could do: each command calls the library and prints.

pub mod check;
mod command;
pub mod dataset;
pub mod doctor;
pub mod export;
mod fenced;
pub mod head_start;
mod json;
mod progress;
mod report;
pub mod run;
mod run_flags;
mod signals;
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
            let status = u8::try_from(page.exit_code()).unwrap_or(2);
            return report::guarded_output(page.print(), status);
        }
    };
    signals::ignore_size_limit();
    lmdb::tell_of_long_waits(report::long_wait);
    report::guarded(|| match cli.command {
        Command::Run(args) => run::run(*args, head_start::take()),
        Command::Dataset(args) => dataset::run(args),
        Command::Check(args) => check::run(args),
        Command::Test(args) => test::run(args),
        Command::Export(args) => export::run(args),
        Command::Th(args) => th::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    })
}

/// Ends the process with this exit status, without the destructors of libtorch's tables: they take 70 ms to free
/// memory that the system takes back anyway.
pub fn end(status: u8) -> ! {
    let status = report::guarded_output(std::io::stdout().flush(), status);
    let _ = std::io::stderr().flush();
    #[expect(unsafe_code, reason = "C code has buffers of its own")]
    // SAFETY: fflush(NULL) writes out what C code buffered (a trusted script's io.write).
    let flushed = unsafe { libc::fflush(std::ptr::null_mut()) };
    let flushed = if flushed == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) };
    end_now(report::guarded_output(flushed, status))
}

/// Ends the process with this exit status and nothing else: for a thread beside the one that works.
fn end_now(status: u8) -> ! {
    #[expect(unsafe_code, reason = "the standard library's exit runs every destructor of the process")]
    // SAFETY: _exit takes any number.
    unsafe {
        libc::_exit(i32::from(status))
    }
}
