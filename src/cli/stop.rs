//! Ctrl-C and SIGTERM as a wish to stop.

use crate::{
    error::{Error, Kind, Result},
    train::Stop,
};

/// The first Ctrl-C (or SIGTERM) asks for a stop after the step; the second ends the process.
///
/// # Errors
/// When the system refuses.
pub(super) fn on_signals() -> Result<Stop> {
    let stop = Stop::default();
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.request() {
            std::process::exit(i32::from(Kind::Interrupted.exit_status()));
        }
    })
    .map_err(|source| Error::new(Kind::Io, "cannot watch for Ctrl-C").with_cause(source.to_string()))?;
    Ok(stop)
}
