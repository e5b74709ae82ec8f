//! `Timeouts`: how long a run's processes wait for each other.

use std::time::Duration;

/// How long the others are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until all have come and are connected.
    pub meeting: Duration,
    /// In one collective.
    pub collective: Duration,
}

impl Timeouts {
    /// `collective`, and twice that for the meeting.
    #[must_use]
    pub fn of(collective: Duration) -> Timeouts {
        Timeouts { meeting: collective.saturating_mul(2), collective }
    }
}
