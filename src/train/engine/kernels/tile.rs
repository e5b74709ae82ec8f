//! The register tile: up to ROWS × 16 dot products at once, and how rows are cut into tiles.
#![expect(unsafe_code, reason = "loops over pointers; the callers in `phases` state why they are good")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the whole body is such operations; the contract is in the docs")]

use super::lanes::Lanes;

/// acc[r][c] += Σ_k a[r·row + k·step] · b[16·k + c], k from 0 to `count`, in this order.
///
/// # Safety
/// All addressed elements must be readable.
#[inline(always)]
pub(in crate::train::engine) unsafe fn tile<R: Lanes, const M: usize>(
    a: *const f32,
    row: usize,
    step: usize,
    b: *const f32,
    count: usize,
    mut acc: [R; M],
) -> [R; M] {
    for k in 0..count {
        let x = R::load(b.add(16 * k));
        for (r, acc) in acc.iter_mut().enumerate() {
            *acc = R::splat(*a.add(r * row + k * step)).mul_add(x, *acc);
        }
    }
    acc
}

/// Work on M neighbouring rows.
pub(in crate::train::engine) trait Rows {
    /// Rows `at..at + M`.
    ///
    /// # Safety
    /// As the implementor's pointers demand.
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize);
}

/// Cuts `from..to` into tiles, as many of full height as fit.
///
/// # Safety
/// As [`Rows::rows`].
#[inline(always)]
pub(in crate::train::engine) unsafe fn each_tile<R: Lanes>(from: usize, to: usize, work: &impl Rows) {
    let mut at = from;
    while to - at >= R::ROWS {
        match R::ROWS {
            12 => work.rows::<R, 12>(at),
            6 => work.rows::<R, 6>(at),
            _ => work.rows::<R, 2>(at),
        }
        at += R::ROWS;
    }
    if R::ROWS > 8 && to - at >= 8 {
        work.rows::<R, 8>(at);
        at += 8;
    }
    if R::ROWS > 4 && to - at >= 4 {
        work.rows::<R, 4>(at);
        at += 4;
    }
    if R::ROWS > 2 && to - at >= 2 {
        work.rows::<R, 2>(at);
        at += 2;
    }
    if to > at {
        work.rows::<R, 1>(at);
    }
}

/// Cuts `from..to` into tiles of nearly equal height, none above ROWS: no tile is too low to keep the units busy.
///
/// # Safety
/// As [`Rows::rows`].
#[inline(always)]
pub(in crate::train::engine) unsafe fn each_even_tile<R: Lanes>(from: usize, to: usize, work: &impl Rows) {
    let tiles = (to - from).div_ceil(R::ROWS);
    for i in 0..tiles {
        let (at, end) = (from + (to - from) * i / tiles, from + (to - from) * (i + 1) / tiles);
        match end - at {
            1 => work.rows::<R, 1>(at),
            2 => work.rows::<R, 2>(at),
            3 if R::ROWS > 2 => work.rows::<R, 3>(at),
            4 if R::ROWS > 2 => work.rows::<R, 4>(at),
            5 if R::ROWS > 2 => work.rows::<R, 5>(at),
            6 if R::ROWS > 2 => work.rows::<R, 6>(at),
            7 if R::ROWS > 6 => work.rows::<R, 7>(at),
            8 if R::ROWS > 6 => work.rows::<R, 8>(at),
            9 if R::ROWS > 6 => work.rows::<R, 9>(at),
            10 if R::ROWS > 6 => work.rows::<R, 10>(at),
            11 if R::ROWS > 6 => work.rows::<R, 11>(at),
            12 if R::ROWS > 6 => work.rows::<R, 12>(at),
            _ => unreachable!("a tile has 1 to ROWS rows"),
        }
    }
}
