//! `Text`: a string's letters, and how many they are.

use super::heap::Charge;

/// A string: immutable, indexed by code points.
pub struct Text {
    pub(super) text: Box<str>,
    /// Code points; equal to the bytes for ASCII, where an index is then an offset.
    pub(super) length: usize,
    pub(super) _charge: Charge,
}
