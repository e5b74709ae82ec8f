//! `Identities`: numbers that tell objects apart without saying where they lie.
//!
//! An address shown to a file would help it to make use of a fault in memory. The number is the address in a secret order
//! that this machine draws: the same object has the same number, two that live at once have two, and nothing has to be kept.

use std::hash::{BuildHasher, RandomState};

/// The secret order of one machine.
#[derive(Clone)]
pub(in crate::frontend::lua) struct Identities(RandomState);

/// Bits of one half of a number: all addresses of a process fit into two.
const HALF: u32 = 24;
const MASK: u64 = (1 << HALF) - 1;

impl Identities {
    pub(in crate::frontend::lua) fn new() -> Identities {
        Identities(RandomState::new())
    }

    /// The number of the object at this address, below 2⁴⁸, exact as a Lua number; 0 for none.
    pub(in crate::frontend::lua) fn of(&self, address: usize) -> u64 {
        if address == 0 {
            return 0;
        }
        // Four rounds of a Feistel network: a permutation whatever the round function is.
        let (mut left, mut right) = (address as u64 >> HALF & MASK, address as u64 & MASK);
        for round in 0..4u8 {
            (left, right) = (right, left ^ self.0.hash_one((round, right)) & MASK);
        }
        left << HALF | right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_unique_stay_and_are_no_addresses() {
        let (one, other) = (Identities::new(), Identities::new());
        let addresses = (0..10_000).map(|i| 0x7f12_3456_0000 + 16 * i);
        let numbers: HashSet<u64> = addresses.clone().map(|address| one.of(address)).collect();
        assert_eq!(numbers.len(), 10_000);
        assert!(addresses.clone().all(|address| one.of(address) == one.of(address) && one.of(address) < 1 << 48));
        let near = addresses.clone().filter(|&address| one.of(address) >> 20 == address as u64 >> 20).count();
        assert!(near < 10, "{near}");
        assert!(addresses.clone().filter(|&address| one.of(address) == other.of(address)).count() < 10);
        assert_eq!(one.of(0), 0);
    }
}
