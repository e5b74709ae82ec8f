//! Work that waits for the disk: it runs where no other request waits for it.

use axum::http::StatusCode;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::refusal::{Answer, Refusal};
use crate::error::{Error, Kind};

/// Runs what reads files on a thread that may wait.
///
/// # Errors
/// As `work`; 500 when it panics.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Answer<T> + Send + 'static) -> Answer<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(_) => {
            let page = Error::new(Kind::Io, "the request could not be carried out");
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &page))
        }
    }
}

/// Runs what reads a file or two in place; the other requests of this thread go on elsewhere meanwhile.
pub(crate) fn in_place<T>(work: impl FnOnce() -> T) -> T {
    let has_others = Handle::try_current().is_ok_and(|of| of.runtime_flavor() == RuntimeFlavor::MultiThread);
    if has_others { tokio::task::block_in_place(work) } else { work() }
}
