//! The command line: one file a subcommand.
//!
//! **In:** arguments. **Out:** what the user asked for, on standard output; error pages on standard error.
//! **Never:** work that another part could do: each command calls the library and prints.

pub(crate) mod assemble;
pub mod check;
pub mod dataset;
pub mod doctor;
pub mod export;
pub mod head_start;
mod json;
pub(crate) mod options;
mod preview;
mod progress;
mod report;
pub mod run;
mod sweep;
mod t7_weights;
pub mod test;
pub mod th;
mod weights;

use std::io::Write as _;

use clap::Parser;

use crate::data::lmdb;

/// digits-rs trains DIGITS-era Torch7 network files on today's libtorch and looks inside them.
#[derive(Debug, Parser)]
#[command(name = "digits-rs", version, about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    Dataset(dataset::DatasetArgs),
    Check(check::Check),
    Test(test::Test),
    Export(export::Export),
    Th(th::Th),
    Doctor(doctor::DoctorArgs),
}

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
        Command::Run(args) => run::run(*args),
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
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    #[expect(unsafe_code, reason = "the standard library's exit runs every destructor of the process")]
    // SAFETY: fflush(NULL) writes out what C code buffered (a trusted script's io.write); _exit takes any number.
    unsafe {
        libc::fflush(std::ptr::null_mut());
        libc::_exit(i32::from(status))
    }
}
