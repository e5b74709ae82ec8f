//! Error pages on the terminal, and panics as pages.

use std::{
    io::{IsTerminal, Write},
    panic::set_hook,
    path::Path,
};

use indicatif::HumanCount;

use crate::{
    error::{Error, Result},
    tasks::panic,
};

/// Runs `command`; an error or a panic is printed as a page and becomes the exit status.
pub(super) fn guarded(command: impl FnOnce() -> Result<()>) -> u8 {
    set_hook(Box::new(panic::note));
    match panic::guarded(command) {
        Ok(()) => 0,
        Err(error) => {
            print(&error.to_string());
            error.kind().exit_status()
        }
    }
}

/// Prints a result to standard output. A reader that went away (`| head`) is no error.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line of standard error about a database that takes long to go through.
pub(super) fn long_wait(folder: &Path, seen: u64, all: u64) {
    let _ = writeln!(
        std::io::stderr(),
        "opening {}: {} % of {} records found",
        folder.display(),
        100 * seen / all.max(1),
        HumanCount(all)
    );
}

/// Prints an error page to standard error and goes on.
pub(super) fn page(error: &Error) {
    print(&error.to_string());
}

/// Prints a page to standard error, with colour on a terminal that wants it.
fn print(page: &str) {
    let mut out = std::io::stderr();
    let is_coloured = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let page = if is_coloured { coloured(page) } else { page.to_string() };
    let _ = writeln!(out, "{page}"); // standard error is closed: nobody is left to be told
}

/// The title in red, `help:` in green, the rest as it is.
fn coloured(page: &str) -> String {
    let (title, rest) = page.split_once(": ").unwrap_or((page, ""));
    let rest = rest.replacen("\n  help:", "\n  \x1b[1;32mhelp\x1b[0m:", 1);
    format!("\x1b[1;31m{title}\x1b[0m: {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_changes_no_word() {
        let page = "shape mismatch: it: does not fit\n\n  help: do this";
        let plain = coloured(page).replace("\x1b[1;31m", "").replace("\x1b[1;32m", "").replace("\x1b[0m", "");
        assert_eq!(plain, page);
    }
}
