//! Signals: which end a run with its state saved, and which the program does not want.

use std::{mem::MaybeUninit, ptr, thread};

use libc::c_int;
use signal_hook::iterator::Signals;

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
    let failed =
        |source: std::io::Error| Error::new(Kind::Io, "cannot watch for Ctrl-C").with_cause(source.to_string());
    let heard: Vec<c_int> = signals.iter().copied().filter(|&signal| !is_ignored(signal)).collect();
    let mut signals = Signals::new(heard).map_err(failed)?;
    let watch = move || signals.forever().for_each(act);
    thread::Builder::new().name("signals".into()).spawn(watch).map_err(failed)?;
    Ok(())
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
