//! Signals: which end a run with its state saved, and which the program does not want.

use std::{ffi::CString, mem::MaybeUninit, os::unix::ffi::OsStrExt as _, path::PathBuf, ptr, sync::Arc, thread};

use libc::c_int;
use signal_hook::{SigId, iterator::Signals, low_level};

use crate::error::{Error, Kind, Result};

/// What ends a run after its step, with the state saved: Ctrl-C and Ctrl-\, a closed terminal, `kill`, the warnings that
/// batch systems send before their time limit (USR1, USR2, XCPU), an alarm that was set by who started the program, and a
/// failing power supply. By default each of them ends a process at once.
pub(super) const STOP: &[c_int] = &[
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGXCPU,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGPWR,
];

/// Calls `act` on a thread of its own for each of these signals that comes. One that whoever started the program switched
/// off stays so, as `nohup` and a shell's `&` want it.
///
/// # Errors
/// When the system gives no thread or no handler.
pub(super) fn on(signals: &[c_int], act: impl Fn(c_int) + Send + 'static) -> Result<()> {
    let mut signals = Signals::new(heard(signals)).map_err(failed)?;
    let watch = move || signals.forever().for_each(act);
    thread::Builder::new().name("signals".into()).spawn(watch).map_err(failed)?;
    Ok(())
}

/// While it is there, each of [`STOP`] ends the process at once, with a page: in the handler itself, for a process that is about to
/// fence itself in has no second thread.
#[derive(Debug)]
pub(super) struct Early(Vec<SigId>);

impl Early {
    /// Ends with `page` (nothing is said where it is empty) and exit status `status`, those of the folders `made` removed that are
    /// empty.
    ///
    /// # Errors
    /// When the system takes no handler.
    pub(super) fn new(page: &str, status: u8, made: &[PathBuf]) -> Result<Early> {
        let page: Arc<str> = if page.is_empty() { "".into() } else { format!("{page}\n").into() };
        let folders = made.iter().filter_map(|folder| CString::new(folder.as_os_str().as_bytes()).ok());
        let folders: Arc<[CString]> = folders.collect();
        let mut early = Early(Vec::new());
        for signal in heard(STOP) {
            let (page, folders) = (Arc::clone(&page), Arc::clone(&folders));
            let end = move || {
                #[expect(unsafe_code, reason = "what a handler may call")]
                // SAFETY: three calls of the system that a handler may make, with live memory.
                unsafe {
                    libc::write(libc::STDERR_FILENO, page.as_ptr().cast(), page.len());
                    for folder in folders.iter() {
                        libc::rmdir(folder.as_ptr());
                    }
                    libc::_exit(i32::from(status))
                }
            };
            #[expect(unsafe_code, reason = "the action runs within a handler")]
            // SAFETY: the action neither allocates nor locks nor unwinds.
            let id = unsafe { low_level::register(signal, end) };
            early.0.push(id.map_err(failed)?);
        }
        Ok(early)
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        for id in self.0.drain(..) {
            low_level::unregister(id);
        }
    }
}

/// Stops this process as Ctrl-Z does, until it is told to go on.
pub(super) fn pause() {
    #[expect(unsafe_code, reason = "the standard library has no signals")]
    // SAFETY: the call takes a number.
    unsafe {
        libc::raise(libc::SIGSTOP);
    }
}

fn failed(source: std::io::Error) -> Error {
    Error::new(Kind::Io, "cannot watch for Ctrl-C").with_cause(source.to_string())
}

/// Those that whoever started the program did not switch off.
fn heard(signals: &[c_int]) -> Vec<c_int> {
    signals.iter().copied().filter(|&signal| !is_ignored(signal)).collect()
}

/// A file that reaches the size limit (`ulimit -f`) is an error of the write, with a page, and not a signal's end.
pub(super) fn ignore_size_limit() {
    #[expect(unsafe_code, reason = "the standard library has no signals")]
    // SAFETY: no handler is set; the disposition is a constant.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

fn is_ignored(signal: c_int) -> bool {
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    #[expect(unsafe_code, reason = "the standard library has no signals")]
    // SAFETY: nothing is set; the answer goes to live memory of the right type, which zeros are valid for.
    let before = unsafe {
        libc::sigaction(signal, ptr::null(), before.as_mut_ptr());
        before.assume_init()
    };
    before.sa_sigaction == libc::SIG_IGN
}
