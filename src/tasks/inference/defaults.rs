//! What a test does unless its request says otherwise.

use crate::torch::device::DeviceChoice;

/// How many of the likeliest classes are listed.
pub const TOP: u64 = 5;

/// How many of the worst images are drawn.
pub const WORST: u64 = 60;

/// No more of the worst images are drawn: one sheet holds them.
pub const MOST_WORST: u64 = 400;

/// The processor: a card is only worth its start-up where much is tested.
pub const DEVICE: DeviceChoice = DeviceChoice::Cpu;

/// [`DEVICE`], for serde.
pub(super) fn device() -> DeviceChoice {
    DEVICE
}

/// [`TOP`], for serde.
pub(super) fn top() -> u64 {
    TOP
}

/// [`WORST`], for serde.
pub(super) fn worst() -> u64 {
    WORST
}
