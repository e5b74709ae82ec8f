//! Signals as a wish to stop.

use super::{exit::end_now, signals};
use crate::{
    error::{Error, Kind, Result},
    train::Stop,
};

/// The page of a run that was stopped while there was nothing to save.
pub(super) fn before_first_step() -> Error {
    Error::new(Kind::Interrupted, "before the first step: there was nothing to save")
}

/// The first Ctrl-C (or another signal of [`signals::STOP`]) asks for a stop after the step; the second ends the process.
///
/// # Errors
/// When the system refuses.
pub(super) fn on_signals() -> Result<Stop> {
    let stop = Stop::default();
    let flag = stop.clone();
    signals::on(signals::STOP, move |_| {
        if flag.request() {
            end_now(Kind::Interrupted.exit_status());
        }
    })?;
    Ok(stop)
}
