//! From rows of samples to panels, and from panels to strips (see `kernels/mod.rs`).
#![expect(unsafe_code, reason = "copies through pointers; the callers state why they are good")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

use std::ops::Range;

use super::lanes::Lanes;

/// Features `range` of `filled` rows of `features` numbers to their place in a panel; the columns of missing samples
/// become 0.
///
/// # Safety
/// Both must be good for their size.
#[inline(always)]
pub(in crate::train::engine) unsafe fn to_panel<R: Lanes>(
    rows: *const f32,
    features: usize,
    range: Range<usize>,
    filled: usize,
    panel: *mut f32,
) {
    for k0 in range.clone().step_by(16) {
        if k0 + 16 <= range.end {
            R::transpose(rows.add(k0), features, filled, panel.add(16 * k0));
            continue;
        }
        for k in k0..range.end {
            for i in 0..16 {
                *panel.add(16 * k + i) = if i < filled { *rows.add(i * features + k) } else { 0.0 };
            }
        }
    }
}

/// The way back from [`to_panel`]: features `range` of a panel's first `filled` samples to rows of `features` numbers.
///
/// # Safety
/// Both must be good for their size.
#[inline(always)]
pub(in crate::train::engine) unsafe fn from_panel<R: Lanes>(
    panel: *const f32,
    features: usize,
    range: Range<usize>,
    filled: usize,
    rows: *mut f32,
) {
    let mut block = [0.0f32; 256];
    for k0 in range.clone().step_by(16) {
        let width = (range.end - k0).min(16);
        R::transpose(panel.add(16 * k0), 16, width, block.as_mut_ptr());
        for (i, row) in block.chunks_exact(16).enumerate().take(filled) {
            std::ptr::copy_nonoverlapping(row.as_ptr(), rows.add(i * features + k0), width);
        }
    }
}

/// Where a layer's input lies sixteen features side by side.
#[derive(Debug, Clone, Copy)]
pub(in crate::train::engine) struct Strips {
    /// The first sixteen of sample 0.
    pub(in crate::train::engine) first: *const f32,
    /// From a sample to the next, and from sixteen features to the next.
    pub(in crate::train::engine) next: usize,
    pub(in crate::train::engine) apart: usize,
}

/// A panel of `features` features to strips, `apart` numbers from one strip to the next; what a last, narrow strip
/// lacks becomes 0.
///
/// # Safety
/// `panel` must be good for its size, each strip for sixteen samples.
#[inline(always)]
pub(in crate::train::engine) unsafe fn to_strips<R: Lanes>(
    panel: *const f32,
    features: usize,
    strips: *mut f32,
    apart: usize,
) {
    for strip in 0..features.div_ceil(16) {
        let width = (features - 16 * strip).min(16);
        R::transpose(panel.add(256 * strip), 16, width, strips.add(apart * strip));
    }
}
