//! The register tile: up to ROWS × 16 dot products at once, and how rows are cut into tiles.
#![expect(unsafe_code, reason = "loops over pointers; the callers in `phases` state why they are good")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the whole body is such operations; the contract is in the docs")]

use std::ops::Range;

use super::{lanes::Lanes, memory::share};

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

/// acc[r][s][c] += Σ_k a[r·row + k·step] · b[k·next + s·apart + c]: [`tile`] on S right sides at once, which needs fewer
/// loads: for lanes with registers for S · M sums.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
pub(super) unsafe fn tile_wide<R: Lanes, const M: usize, const S: usize>(
    a: *const f32,
    (row, step): (usize, usize),
    b: *const f32,
    (next, apart): (usize, usize),
    count: usize,
    mut acc: [[R; S]; M],
) -> [[R; S]; M] {
    for k in 0..count {
        let mut x = [R::splat(0.0); S];
        for (s, x) in x.iter_mut().enumerate() {
            *x = R::load(b.add(k * next + s * apart));
        }
        for (r, acc) in acc.iter_mut().enumerate() {
            let w = R::splat(*a.add(r * row + k * step));
            for (acc, x) in acc.iter_mut().zip(x) {
                *acc = w.mul_add(x, *acc);
            }
        }
    }
    acc
}

/// A product with several right sides, such as the panels of a batch. A trait, not closures: its functions must be inlined
/// into code compiled for the processor.
pub(super) trait Product {
    /// The left side's first element for row `at`, its steps from row to row and along a row, and a row's length.
    ///
    /// # Safety
    /// As the implementor's pointers demand; so for the others.
    unsafe fn left(&self, at: usize) -> (*const f32, (usize, usize), usize);
    /// Right side `p`.
    unsafe fn right(&self, p: usize) -> *const f32;
    /// Takes rows `at..at + M` of the product with right side `p`.
    unsafe fn take<R: Lanes, const M: usize>(&self, at: usize, p: usize, sums: [R; M]);

    /// Rows `at..at + M` with every right side of `all`, in pairs where the registers allow it.
    #[inline(always)]
    unsafe fn multiply<R: Lanes, const M: usize>(&self, at: usize, all: Range<usize>) {
        let (a, (row, step), count) = self.left(at);
        let mut p = all.start;
        while R::PAIRS && p + 2 <= all.end {
            let b = self.right(p);
            let apart = self.right(p + 1).offset_from_unsigned(b);
            let sums = tile_wide::<R, M, 2>(a, (row, step), b, (16, apart), count, [[R::splat(0.0); 2]; M]);
            self.take(at, p, sums.map(|[first, _]| first));
            self.take(at, p + 1, sums.map(|[_, second]| second));
            p += 2;
        }
        for p in p..all.end {
            self.take(at, p, tile::<R, M>(a, row, step, self.right(p), count, [R::splat(0.0); M]));
        }
    }
}

/// Work on M neighbouring rows.
pub(in crate::train::engine) trait Rows {
    /// Rows `at..at + M`.
    ///
    /// # Safety
    /// As the implementor's pointers demand.
    unsafe fn rows<R: Lanes, const M: usize>(&self, at: usize);

    /// The most rows at once.
    #[inline(always)]
    fn most<R: Lanes>() -> usize {
        R::ROWS
    }
}

/// Cuts `from..to` into tiles of nearly equal height, none above `most`: no tile is too low to keep the units busy.
///
/// # Safety
/// As [`Rows::rows`].
#[inline(always)]
pub(in crate::train::engine) unsafe fn each_even_tile<R: Lanes, W: Rows>(from: usize, to: usize, work: &W) {
    each_tile_of::<R, W>(from, to, (0, 1), work);
}

/// The same tiles, of which one thread takes its share: this one of so many.
///
/// # Safety
/// As [`Rows::rows`].
#[inline(always)]
pub(in crate::train::engine) unsafe fn each_tile_of<R: Lanes, W: Rows>(
    from: usize,
    to: usize,
    (thread, threads): (usize, usize),
    work: &W,
) {
    let most = W::most::<R>();
    let tiles = (to - from).div_ceil(most);
    for i in share(tiles, 1, thread, threads) {
        let (at, end) = (from + (to - from) * i / tiles, from + (to - from) * (i + 1) / tiles);
        match end - at {
            1 => work.rows::<R, 1>(at),
            2 => work.rows::<R, 2>(at),
            3 if most > 2 => work.rows::<R, 3>(at),
            4 if most > 2 => work.rows::<R, 4>(at),
            5 if most > 2 => work.rows::<R, 5>(at),
            6 if most > 2 => work.rows::<R, 6>(at),
            7 if most > 6 => work.rows::<R, 7>(at),
            8 if most > 6 => work.rows::<R, 8>(at),
            9 if most > 6 => work.rows::<R, 9>(at),
            10 if most > 6 => work.rows::<R, 10>(at),
            11 if most > 6 => work.rows::<R, 11>(at),
            12 if most > 6 => work.rows::<R, 12>(at),
            _ => unreachable!("a tile has 1 to `most` rows"),
        }
    }
}
