//! Results as JSON on standard output: what `--json` prints.

use serde::Serialize;

use super::report;
use crate::error::{Error, Kind, Result};

/// Prints a result.
///
/// # Errors
/// As [`text`].
pub(super) fn print(value: &impl Serialize) -> Result<()> {
    report::json_line(&text(value)?);
    Ok(())
}

/// The result, indented.
///
/// # Errors
/// When it has no form in JSON: a mistake in this crate.
pub(super) fn text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Error::new(Kind::Io, "cannot write the result as JSON").with_cause(error.to_string()))
}
