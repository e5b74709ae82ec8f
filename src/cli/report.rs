//! Error pages on the terminal, and panics as pages.

use std::{
    io::{self, IsTerminal, Write},
    panic::set_hook,
    path::Path,
    sync::OnceLock,
};

use indicatif::HumanCount;

use super::held;
use crate::{
    error::{Error, Kind, Result, escaped, escaped_json},
    frontend::end_overruns,
    job::JobDir,
    tasks::panic,
};

/// Why standard output took no more, when it did not.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Runs `command`; an error or a panic is printed as a page and becomes the exit status.
pub(super) fn guarded(command: impl FnOnce() -> Result<()>) -> u8 {
    set_hook(Box::new(panic::note));
    end_overruns(overrun);
    match panic::guarded(command) {
        Ok(()) => 0,
        Err(error) => {
            let status = error.kind().exit_status();
            print(&held::explained(error).to_string());
            status
        }
    }
}

/// The watchdog's end of a process whose call into a library does not come back: its page, which its job keeps, too, and
/// the exit status. No destructor runs, since the thread that hangs may be anywhere.
fn overrun(page: &Error) {
    JobDir::set_all_failed(page);
    print(&page.to_string());
    let _ = io::stdout().flush();
    #[expect(unsafe_code, reason = "std's exit runs destructors")]
    // SAFETY: it takes a number and does not come back.
    unsafe {
        libc::_exit(i32::from(page.kind().exit_status()))
    }
}

/// Prints a result to standard output. A reader that went away (`| head`) is no error; a full disk is one, which
/// [`guarded_output`] tells at the end. Text of users' files cannot command the terminal.
pub(super) fn line(text: &str) {
    raw_line(&escaped(text));
}

/// As [`line`], of a value in JSON.
pub(super) fn json_line(json: &str) {
    raw_line(&escaped_json(json));
}

/// As [`line`], of a script of the user's own: what it prints goes out as it is.
pub(super) fn raw_line(text: &str) {
    if let Err(source) = writeln!(io::stdout(), "{text}") {
        note_lost(source);
    }
}

/// Writes a file to standard output, as [`line`] does a text.
pub(super) fn bytes(bytes: &[u8]) {
    if let Err(source) = io::stdout().write_all(bytes) {
        note_lost(source);
    }
}

fn note_lost(source: io::Error) {
    if source.kind() != io::ErrorKind::BrokenPipe {
        let _ = LOST.set(source); // the first reason counts
    }
}

/// The exit status when the command's was `status` and the last output went like this: with a page, and not 0, when
/// standard output took less than was printed.
pub(super) fn guarded_output(last: io::Result<()>, status: u8) -> u8 {
    last.unwrap_or_else(note_lost);
    match LOST.get() {
        Some(source) if status == 0 => {
            let page = Error::io("write to", Path::new("standard output"), source);
            print(&page.to_string());
            Kind::Io.exit_status()
        }
        _ => status,
    }
}

/// A line of standard error, where standard output has another reader.
pub(super) fn aside(text: &str) {
    let _ = writeln!(io::stderr(), "{}", escaped(text)); // standard error is closed: nobody is left to be told
}

/// A line of standard error about a choice of the user.
pub(super) fn warning(text: &str) {
    let _ = writeln!(io::stderr(), "warning: {}", escaped(text)); // standard error is closed: nobody is left to be told
}

/// A line of standard error about a database that takes long to go through.
pub(super) fn long_wait(folder: &Path, seen: u64, all: u64) {
    let _ = writeln!(
        io::stderr(),
        "opening {}: {} % of {} records found",
        escaped(&folder.display().to_string()),
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
    let mut out = io::stderr();
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
