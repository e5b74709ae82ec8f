//! `digits-rs th [FILE]`: runs Torch7 scripts, as Torch7's own `th` did.

use std::path::PathBuf;

use crate::{
    error::Result,
    frontend::{
        Source,
        lua::{
            Shell,
            vm::{Output, VmOptions},
        },
    },
};

/// Run a Torch7 script (or, without one, code given with -e)
#[derive(Debug, Clone, clap::Args)]
pub struct Th {
    /// The script, or - for standard input
    pub file: Option<PathBuf>,
    /// Its arguments: `arg` and `...` in the script
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub arguments: Vec<String>,
    /// Run this code first; may be given several times
    #[arg(short, value_name = "CODE")]
    pub execute: Vec<String>,
    /// Require this package first; may be given several times
    #[arg(short, value_name = "NAME")]
    pub library: Vec<String>,
    /// Give the script io, os, debug and package, and lift the limits on time and memory: for your own scripts only
    #[arg(long)]
    pub trusted: bool,
}

/// Runs the command.
///
/// # Errors
/// The page for what a script raised.
pub fn run(args: &Th) -> Result<()> {
    let output = Output::new(super::report::line).capped(usize::MAX);
    let options = VmOptions { output, trusted: args.trusted, ..VmOptions::default() };
    let memory_limit = if args.trusted { 0 } else { options.memory_limit };
    let shell = Shell::new(VmOptions { memory_limit, ..options })?;
    for name in &args.library {
        shell.run_code("-l", &format!("require {name:?}"))?;
    }
    for code in &args.execute {
        shell.run_code("-e", code)?;
    }
    match &args.file {
        Some(file) => shell.run_file(&Source::read(file)?, &args.arguments),
        None => Ok(()),
    }
}
