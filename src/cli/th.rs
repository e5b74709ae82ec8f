//! `digits-rs th [FILE]`: runs Torch7 scripts, or takes Torch7 line by line, as Torch7's own `th` did.

mod prompt;

use std::{
    ffi::OsString,
    io::{IsTerminal, stdin},
    path::Path,
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
    torch::{device::DeviceChoice, guard::keep_large_pages},
};

/// Run a Torch7 script; without one, and with -i, read Torch7 line by line
#[derive(Debug, Clone, clap::Args)]
pub struct Th {
    /// The script, or - for standard input; all behind it is the script's: `arg` and `...` there
    #[arg(trailing_var_arg = true, value_names = ["FILE", "ARGS"])]
    script: Vec<OsString>,
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
    let script = args.script.split_first();
    let has_work = script.is_some() || !args.execute.is_empty() || !args.library.is_empty();
    let has_prompt = args.interactive || !has_work;
    if args.trusted {
        args.fence.limit_memory();
    } else {
        args.fence.enter(&reached(args, has_prompt));
    }
    keep_large_pages();
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
    if let Some((file, arguments)) = script {
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
        shell.run_file(&Source::read(Path::new(file))?, &arguments)?;
    }
    if has_prompt { prompt::run(shell) } else { Ok(()) }
}

/// What the script may read; a prompt also writes its history.
fn reached(args: &Th, has_prompt: bool) -> Reach {
    let file = args.script.first().map(Path::new);
    let reach = file.map(reach::network).into_iter().fold(reach::program(DeviceChoice::Auto), Reach::and);
    let history = prompt::history_file().filter(|_| has_prompt && stdin().is_terminal());
    let Some(folder) = history.as_deref().and_then(|file| file.parent()) else { return reach };
    let _ = std::fs::create_dir_all(folder); // a session without history is no failure
    reach.writing(folder)
}
