//! `digits-rs completions SHELL` and `digits-rs man`: files for a shell and for `man`, made of the arguments themselves.

use clap::Command;

use super::report;
use crate::error::{Error, Kind, Result};

/// Print a completion script: digits-rs completions bash > ~/.local/share/bash-completion/completions/digits-rs
#[derive(Debug, Clone, clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Print the manual page: digits-rs man > ~/.local/share/man/man1/digits-rs.1
#[derive(Debug, Clone, clap::Args)]
pub struct Man {
    /// The page of this command instead of the program's
    command: Option<String>,
}

/// Runs `completions` for the whole program.
///
/// # Errors
/// None that is not a mistake of this crate.
pub fn completions(args: &Completions, mut program: Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "digits-rs", &mut script);
    // In bash's script the dash of our name is written in two ways, and its cases never match.
    let script = String::from_utf8_lossy(&script).replace("digits__subcmd__rs", "digits__rs");
    print(script.as_bytes());
    Ok(())
}

/// Runs `man` for the whole program.
///
/// # Errors
/// When there is no such command.
pub fn man(args: &Man, program: Command) -> Result<()> {
    let (command, title) = match &args.command {
        None => (program, "digits-rs".to_string()),
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            let page = || Error::new(Kind::Usage, format!("there is no command {name}")).with_help("digits-rs --help");
            (found.ok_or_else(page)?, format!("digits-rs-{name}"))
        }
    };
    let mut page = Vec::new();
    let failed = |source: std::io::Error| Error::new(Kind::Io, "cannot write the page").with_cause(source.to_string());
    clap_mangen::Man::new(command).title(title).render(&mut page).map_err(failed)?;
    print(&page);
    Ok(())
}

fn print(bytes: &[u8]) {
    report::line(String::from_utf8_lossy(bytes).trim_end());
}
