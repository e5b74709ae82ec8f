//! The ledger of tensor memory: what the storages of this thread hold, and the limit they may not pass.
//!
//! Lua's collector sees a few bytes for a tensor of a gigabyte. This ledger lets the front end start it in time, and
//! turns an absurd size into an error before anything is allocated. libtorch asks here before each large allocation of its
//! own (`guard`): a result is measured before it is made, whatever the operation.

use std::{
    cell::Cell,
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::error::{Error, Kind, Result};

/// What a thread may hold by default, at most: 8 GiB.
pub const DEFAULT_LIMIT: u64 = 8 << 30;

/// The limit of threads that have set none of their own; 0 until it is known.
static COMMON_LIMIT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static LIVE: Cell<u64> = const { Cell::new(0) };
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
    static LIMIT: Cell<Option<u64>> = const { Cell::new(None) };
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

/// The most bytes that the storages of this thread may hold: its own limit, else the common one, else what
/// [`default_limit`] finds.
#[must_use]
pub fn limit() -> u64 {
    if let Some(own) = LIMIT.get() {
        return own;
    }
    match COMMON_LIMIT.load(Ordering::Relaxed) {
        0 => {
            let found = default_limit();
            COMMON_LIMIT.store(found, Ordering::Relaxed);
            found
        }
        common => common,
    }
}

/// Sets the most bytes that the storages of this thread may hold.
pub fn set_limit(bytes: u64) {
    LIMIT.set(Some(bytes));
}

/// Sets the limit of every thread that has none of its own: `--memory-limit`. 0 goes back to the default.
pub fn set_common_limit(bytes: u64) {
    COMMON_LIMIT.store(bytes, Ordering::Relaxed);
}

/// [`DEFAULT_LIMIT`], or three quarters of what the machine has to give where that is less.
#[must_use]
pub fn default_limit() -> u64 {
    available().map_or(DEFAULT_LIMIT, |bytes| DEFAULT_LIMIT.min(bytes / 4 * 3))
}

/// Bytes that this process could still take: what the system calls available, and what its control group has left. `None`
/// where the system does not say.
#[must_use]
pub fn available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.split_ascii_whitespace().next()?.parse::<u64>().ok()? << 10;
    let number = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    let group = number("memory.max").map(|most| most.saturating_sub(number("memory.current").unwrap_or(0)));
    Some(group.map_or(machine, |left| machine.min(left)))
}

/// Asks whether `count` more elements of `bytes` bytes fit below the limit; `what` names them in the error. Every size that
/// is made of a user's numbers comes by here, or by libtorch's own question ([`may_take`]).
///
/// # Errors
/// `Kind::Limit` when they do not.
pub fn check(count: i64, bytes: usize, what: &str) -> Result<()> {
    let wanted = u64::try_from(count).unwrap_or(0).saturating_mul(bytes as u64);
    if may_take(wanted) {
        return Ok(());
    }
    Err(Error::new(Kind::Limit, format!("{what} of {count} elements does not fit into the tensor memory"))
        .with_fact("it needs", size_text(wanted))
        .with_fact("in use", size_text(LIVE.get()))
        .with_fact("limit", size_text(limit())))
}

/// [`check`] for numbers that are computed as doubles before they become elements.
///
/// # Errors
/// As [`check`].
pub fn check_values(count: i64, what: &str) -> Result<()> {
    check(count, size_of::<f64>(), what)
}

/// Below this nobody asks the system: such blocks come and go all the time.
pub(super) const LARGE: u64 = 64 << 20;

/// Whether `bytes` more fit below the limit of this thread, and into what the system has left.
#[must_use]
pub fn may_take(bytes: u64) -> bool {
    LIVE.get().saturating_add(bytes) <= limit() && (bytes < LARGE || available().is_none_or(|left| bytes <= left))
}

fn size_text(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{bytes} bytes") } else { format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)) }
}

/// An entry in the ledger, of a storage or of a file in memory; leaving scope gives the bytes back.
#[derive(Debug, Default)]
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
        LIMIT.set(None);
    }

    #[test]
    fn the_default_is_what_the_machine_has_at_most() {
        let available = available().unwrap();
        assert!(available > 1 << 20 && default_limit() <= DEFAULT_LIMIT, "{available}");
        assert!(!may_take(1 << 62) && may_take(1000));
        assert!(check_values(1 << 61, "numbers").is_err() && check_values(1000, "numbers").is_ok());
    }

    #[test]
    fn a_result_of_libtorch_is_measured_before_it_is_made() {
        let one = Storage::zeros(TensorType::BYTE, 1).unwrap().flat();
        let wide = one.f_expand([1i64 << 40], false).unwrap();
        let words = wide.f_add_scalar(1).unwrap_err().to_string();
        assert!(words.contains(crate::error::NO_ROOM), "{words}");
        assert!(wide.f_to_kind(tch::Kind::Double).is_err() && wide.f_contiguous().is_err());
    }
}
