//! The ledger of tensor memory: what the storages of this thread hold, and the limit they may not pass.
//!
//! Lua's collector sees a few bytes for a tensor of a gigabyte. This ledger lets the front end start it in time, and
//! turns an absurd size into an error before anything is allocated.

use std::cell::Cell;

use crate::error::{Error, Kind, Result};

/// What a thread may hold unless told otherwise: 8 GiB.
pub const DEFAULT_LIMIT: u64 = 8 << 30;

thread_local! {
    static LIVE: Cell<u64> = const { Cell::new(0) };
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
    static LIMIT: Cell<u64> = const { Cell::new(DEFAULT_LIMIT) };
}

/// Bytes that the storages of this thread hold now.
#[must_use]
pub fn live() -> u64 {
    LIVE.get()
}

/// Bytes that the storages of this thread have taken since it started; never falls.
#[must_use]
pub fn allocated() -> u64 {
    ALLOCATED.get()
}

/// The most bytes that the storages of this thread may hold.
#[must_use]
pub fn limit() -> u64 {
    LIMIT.get()
}

/// Sets the most bytes that the storages of this thread may hold.
pub fn set_limit(bytes: u64) {
    LIMIT.set(bytes);
}

/// Asks whether `count` more elements of `bytes` bytes fit below the limit; `what` names them in the error.
///
/// # Errors
/// `Kind::Limit` when they do not.
pub fn check(count: i64, bytes: usize, what: &str) -> Result<()> {
    let wanted = u64::try_from(count).unwrap_or(0).saturating_mul(bytes as u64);
    if LIVE.get().saturating_add(wanted) <= LIMIT.get() {
        return Ok(());
    }
    Err(Error::new(Kind::Limit, format!("{what} of {count} elements does not fit into the tensor memory"))
        .with_fact("it needs", size_text(wanted))
        .with_fact("in use", size_text(LIVE.get()))
        .with_fact("limit", size_text(LIMIT.get())))
}

fn size_text(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{bytes} bytes") } else { format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)) }
}

/// A storage's entry in the ledger; leaving scope gives the bytes back.
#[derive(Debug)]
pub(super) struct Claim(Cell<u64>);

impl Claim {
    pub(super) fn new(bytes: u64) -> Claim {
        let claim = Claim(Cell::new(0));
        claim.grow_to(bytes);
        claim
    }

    /// Records that the storage has `bytes` bytes now. A storage never gives memory back before it ends.
    pub(super) fn grow_to(&self, bytes: u64) {
        let more = bytes.saturating_sub(self.0.get());
        self.0.set(self.0.get() + more);
        LIVE.set(LIVE.get() + more);
        ALLOCATED.set(ALLOCATED.get() + more);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        LIVE.set(LIVE.get().saturating_sub(self.0.get()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::{Storage, TensorType};

    #[test]
    fn storages_are_counted_while_they_live() {
        let before = live();
        let storage = Storage::zeros(TensorType::DOUBLE, 1000).unwrap();
        let other = storage.clone();
        assert_eq!(live() - before, 8000);
        storage.resize(10).unwrap();
        assert_eq!(live() - before, 8000, "shrinking keeps the memory");
        storage.resize(2000).unwrap();
        assert_eq!(live() - before, 16_000);
        drop(storage);
        assert_eq!(live() - before, 16_000);
        drop(other);
        assert_eq!(live(), before);
    }

    #[test]
    fn the_limit_is_checked_before_memory_is_taken() {
        set_limit(live() + 1000);
        let error = Storage::zeros(TensorType::DOUBLE, 1_000_000).unwrap_err();
        assert_eq!(error.kind(), Kind::Limit);
        assert!(error.message().contains("1000000"));
        set_limit(DEFAULT_LIMIT);
    }
}
