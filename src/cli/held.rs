//! What the fence of this process holds, for error pages.

use std::sync::OnceLock;

use crate::{error::Error, fence::Held};

static HELD: OnceLock<Held> = OnceLock::new();

/// Remembers what holds from now on; a process has one fence.
pub(super) fn note(held: Held) {
    let _ = HELD.set(held);
}

/// The page with a word about the fence, when the system refused something that the fence may have refused.
pub(super) fn explained(error: Error) -> Error {
    let page = error.to_string();
    let refused = [libc::EACCES, libc::EPERM].iter().any(|code| page.contains(&format!("(os error {code})")));
    match HELD.get() {
        Some(held) if refused && (held.files.is_some() || held.calls) => error.with_fact(
            "the fence",
            "a network file's process reads what its command names and writes its job; if you trust the file: --no-fence",
        ),
        _ => error,
    }
}
