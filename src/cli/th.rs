//! `digits-rs th [FILE]`: runs Torch7 scripts, or takes Torch7 line by line, as Torch7's own `th` did.

mod prompt;

use std::{
    io::{IsTerminal, stdin},
    path::PathBuf,
    rc::Rc,
};

use super::{fenced::FenceFlags, report};
use crate::{
    error::Result,
    fence::Reach,
    frontend::{
        Source,
        lua::{
            Shell,
            vm::{Output, VmOptions},
        },
    },
    tasks::reach,
    torch::device::DeviceChoice,
};

/// Run a Torch7 script; without one, and with -i, read Torch7 line by line
#[derive(Debug, Clone, clap::Args)]
pub struct Th {
    /// The script, or - for standard input
    pub file: Option<PathBuf>,
    /// Its arguments: `arg` and `...` in the script
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub arguments: Vec<String>,
    /// Read lines after the script and the code
    #[arg(short)]
    pub interactive: bool,
    /// Run this code first; may be given several times
    #[arg(short, value_name = "CODE")]
    pub execute: Vec<String>,
    /// Require this package first; may be given several times
    #[arg(short, value_name = "NAME")]
    pub library: Vec<String>,
    /// Give the script io, os, debug and package, and lift the limits on time and memory: for your own scripts only
    #[arg(long)]
    pub trusted: bool,
    #[command(flatten)]
    fence: FenceFlags,
}

/// Runs the command.
///
/// # Errors
/// The page for what a script raised.
pub fn run(args: &Th) -> Result<()> {
    let has_work = args.file.is_some() || !args.execute.is_empty() || !args.library.is_empty();
    let has_prompt = args.interactive || !has_work;
    if args.trusted {
        args.fence.limit_memory();
    } else {
        args.fence.enter(&reached(args, has_prompt));
    }
    let line = if args.trusted { report::raw_line } else { report::line };
    let output = Output::new(line).capped(usize::MAX);
    let options = VmOptions { output, trusted: args.trusted, ..VmOptions::default() };
    let memory_limit = if args.trusted { 0 } else { options.memory_limit };
    let shell = Rc::new(Shell::new(VmOptions { memory_limit, ..options })?);
    for name in &args.library {
        shell.run_code("-l", &format!("require {name:?}"))?;
    }
    for code in &args.execute {
        shell.run_code("-e", code)?;
    }
    if let Some(file) = &args.file {
        shell.run_file(&Source::read(file)?, &args.arguments)?;
    }
    if has_prompt { prompt::run(shell) } else { Ok(()) }
}

/// What the script may read; a prompt also writes its history.
fn reached(args: &Th, has_prompt: bool) -> Reach {
    let reach =
        args.file.as_deref().map(reach::network).into_iter().fold(reach::program(DeviceChoice::Auto), Reach::and);
    let history = prompt::history_file().filter(|_| has_prompt && stdin().is_terminal());
    let Some(folder) = history.as_deref().and_then(|file| file.parent()) else { return reach };
    let _ = std::fs::create_dir_all(folder); // a session without history is no failure
    reach.writing(folder)
}
