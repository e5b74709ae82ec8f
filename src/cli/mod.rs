//! The command line: one file a subcommand.
//!
//! **In:** arguments. **Out:** what the user asked for, on standard output; error pages on standard error.
//! **Never:** work that another part could do: each command calls the library and prints.

mod aside;
pub mod check;
mod command;
pub mod dataset;
pub mod doctor;
mod early_thread;
mod exit;
pub mod export;
mod fenced;
pub mod head_start;
mod held;
mod image_args;
pub mod jobs;
mod json;
mod live_line;
mod mistakes;
mod numbers;
pub mod pack;
mod pairs_args;
mod processes;
mod progress;
mod report;
pub mod run;
mod run_flags;
pub mod serve;
pub mod shell_files;
mod signals;
mod stack;
mod stop;
mod table;
pub mod test;
mod text_args;
pub mod th;

use clap::CommandFactory as _;
use command::{Cli, Command};
pub use exit::end;

use crate::data::lmdb;

/// The program: reads the arguments, carries out the command, reports.
#[must_use]
pub fn main() -> u8 {
    stack::with_enough(carry_out)
}

fn carry_out() -> u8 {
    let cli = match command::parsed(std::env::args_os()) {
        Ok(cli) => cli,
        Err(page) => {
            if let Some(page) = mistakes::page(&page) {
                processes::refuse_command(&page);
                return page.kind().exit_status();
            }
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
        Command::Jobs(args) => jobs::run(args),
        Command::Watch(args) => jobs::watch(&args),
        Command::Pack(args) => pack::run(args),
        Command::Unpack(args) => pack::run_unpack(args),
        Command::Serve(args) => serve::run(args),
        Command::Work(args) => serve::work(args),
        Command::Th(args) => th::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => shell_files::completions(&args, Cli::command()),
        Command::Man(args) => shell_files::man(&args, Cli::command()),
    })
}
