//! `Lanes`: sixteen f32 side by side, as AVX-512, as AVX2, and in plain Rust.
#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]
#![expect(unsafe_op_in_unsafe_fn, reason = "every function is one such operation; its contract is the trait's")]

/// Sixteen f32.
///
/// # Safety
/// All functions need the processor features of the type; pointers must be good for sixteen f32. They are inlined
/// into functions compiled for those features (see `kernels/mod.rs`).
pub(in crate::train::engine) trait Lanes: Copy {
    /// Rows of a register tile: with sixteen columns they fill the vector registers without spilling.
    const ROWS: usize;
    /// Whether there are registers for two such tiles.
    const PAIRS: bool = false;
    /// Of a wide tile: its vectors side by side, and its rows. It needs fewer loads than a pair of tiles.
    const WIDE: (usize, usize) = (1, Self::ROWS);
    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn mul(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    /// self · b + c, rounded once where the processor can.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    /// max(self, 0); NaN stays NaN, as in libtorch.
    unsafe fn relu(self) -> Self;
    /// self where `gate` is not ≤ 0, else 0: the gradient of a ReLU whose output was `gate`.
    unsafe fn gated(self, gate: Self) -> Self;
    /// self without its subnormal numbers, which become 0: they cost a processor many times what others do.
    unsafe fn normal(self) -> Self;
    /// `b` where it is larger or NaN, else self: a maximum that keeps the first of equals, as in libtorch.
    unsafe fn larger(self, b: Self) -> Self;
    /// self where x = y, else 0; and self where not, else 0.
    unsafe fn split(self, x: Self, y: Self) -> (Self, Self);
    /// Sixteen rows from `count` rows of sixteen that begin `row` apart, transposed; columns of missing rows become 0.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, row: usize, count: usize, to: *mut f32) {
        for i in 0..16 {
            for k in 0..16 {
                *to.add(16 * k + i) = if i < count { *from.add(row * i + k) } else { 0.0 };
            }
        }
    }
    /// The registers of this level one by one, for tiles that need no more than one.
    type Vector: Vector;
}

/// One register of f32.
///
/// # Safety
/// As for [`Lanes`]; pointers must be good for WIDTH f32.
pub(in crate::train::engine) trait Vector: Copy {
    /// Numbers in it, a divisor of sixteen.
    const WIDTH: usize;
    unsafe fn zero() -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// self · b + c, rounded once where the processor can.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    unsafe fn add(self, b: Self) -> Self;
    /// The sum of its numbers, in an order that depends on the level only.
    unsafe fn sum(self) -> f32;
}

/// Plain Rust, for every processor.
#[derive(Clone, Copy)]
pub(in crate::train::engine) struct Portable([f32; 16]);

/// `std::array::from_fn`, which is not always inlined.
#[inline(always)]
fn lanes<const N: usize>(of: impl Fn(usize) -> f32) -> [f32; N] {
    let mut lanes = [0.0; N];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = of(i);
    }
    lanes
}

impl Lanes for Portable {
    const ROWS: usize = 2;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Portable([x; 16])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Portable(from.cast::<[f32; 16]>().read_unaligned())
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        to.cast::<[f32; 16]>().write_unaligned(self.0);
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Portable(lanes(|i| self.0[i] * b.0[i]))
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Portable(lanes(|i| self.0[i] - b.0[i]))
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Portable(lanes(|i| self.0[i] * b.0[i] + c.0[i]))
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        Portable(lanes(|i| if self.0[i] <= 0.0 { 0.0 } else { self.0[i] }))
    }
    #[inline(always)]
    unsafe fn gated(self, gate: Self) -> Self {
        Portable(lanes(|i| if gate.0[i] <= 0.0 { 0.0 } else { self.0[i] }))
    }
    #[inline(always)]
    unsafe fn normal(self) -> Self {
        Portable(lanes(|i| if self.0[i].is_subnormal() { 0.0 } else { self.0[i] }))
    }
    #[inline(always)]
    unsafe fn larger(self, b: Self) -> Self {
        Portable(lanes(|i| if b.0[i] > self.0[i] || b.0[i].is_nan() { b.0[i] } else { self.0[i] }))
    }
    #[inline(always)]
    unsafe fn split(self, x: Self, y: Self) -> (Self, Self) {
        let keep = |same: bool| Portable(lanes(|i| if (x.0[i] == y.0[i]) == same { self.0[i] } else { 0.0 }));
        (keep(true), keep(false))
    }
    type Vector = Eight;
}

/// Eight f32 in plain Rust.
#[derive(Clone, Copy)]
pub(in crate::train::engine) struct Eight([f32; 8]);

impl Vector for Eight {
    const WIDTH: usize = 8;
    #[inline(always)]
    unsafe fn zero() -> Self {
        Eight([0.0; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Eight(from.cast::<[f32; 8]>().read_unaligned())
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Eight(lanes(|i| self.0[i] * b.0[i] + c.0[i]))
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Eight(lanes(|i| self.0[i] + b.0[i]))
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        self.0.iter().sum()
    }
}

#[cfg(target_arch = "x86_64")]
pub(in crate::train::engine) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Lanes, Vector};

    /// The bits of an exponent; none of them is set in zeros and subnormal numbers.
    const EXPONENT: i32 = 0x7f80_0000;

    /// AVX2 and FMA: two registers of eight. 6 rows · 2 = 12 accumulators of the 16 registers.
    #[derive(Clone, Copy)]
    pub(in crate::train::engine) struct Avx2(__m256, __m256);

    impl Lanes for Avx2 {
        const ROWS: usize = 6;
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            let x = _mm256_set1_ps(x);
            Avx2(x, x)
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Avx2(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8)))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            Avx2(_mm256_mul_ps(self.0, b.0), _mm256_mul_ps(self.1, b.1))
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            Avx2(_mm256_sub_ps(self.0, b.0), _mm256_sub_ps(self.1, b.1))
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            Avx2(_mm256_fmadd_ps(self.0, b.0, c.0), _mm256_fmadd_ps(self.1, b.1, c.1))
        }
        #[inline(always)]
        unsafe fn relu(self) -> Self {
            // maxps gives its second operand when either is NaN.
            let zero = _mm256_setzero_ps();
            Avx2(_mm256_max_ps(zero, self.0), _mm256_max_ps(zero, self.1))
        }
        #[inline(always)]
        unsafe fn gated(self, gate: Self) -> Self {
            let zero = _mm256_setzero_ps();
            Avx2(
                _mm256_and_ps(self.0, _mm256_cmp_ps::<_CMP_NLE_UQ>(gate.0, zero)),
                _mm256_and_ps(self.1, _mm256_cmp_ps::<_CMP_NLE_UQ>(gate.1, zero)),
            )
        }
        #[inline(always)]
        unsafe fn normal(self) -> Self {
            let normal = |a: __m256| {
                let exponent = _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(EXPONENT));
                let none = _mm256_cmpeq_epi32(exponent, _mm256_setzero_si256());
                _mm256_andnot_ps(_mm256_castsi256_ps(none), a)
            };
            Avx2(normal(self.0), normal(self.1))
        }
        #[inline(always)]
        unsafe fn larger(self, b: Self) -> Self {
            let larger = |a: __m256, b: __m256| {
                let or_nan = _mm256_or_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(b, a), _mm256_cmp_ps::<_CMP_UNORD_Q>(b, b));
                _mm256_blendv_ps(a, b, or_nan)
            };
            Avx2(larger(self.0, b.0), larger(self.1, b.1))
        }
        #[inline(always)]
        unsafe fn split(self, x: Self, y: Self) -> (Self, Self) {
            let (m0, m1) = (_mm256_cmp_ps::<_CMP_EQ_OQ>(x.0, y.0), _mm256_cmp_ps::<_CMP_EQ_OQ>(x.1, y.1));
            let hit = Avx2(_mm256_and_ps(m0, self.0), _mm256_and_ps(m1, self.1));
            (hit, Avx2(_mm256_andnot_ps(m0, self.0), _mm256_andnot_ps(m1, self.1)))
        }
        type Vector = Ymm;
    }

    /// One register of AVX2.
    #[derive(Clone, Copy)]
    pub(in crate::train::engine) struct Ymm(__m256);

    impl Vector for Ymm {
        const WIDTH: usize = 8;
        #[inline(always)]
        unsafe fn zero() -> Self {
            Ymm(_mm256_setzero_ps())
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Ymm(_mm256_loadu_ps(from))
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            Ymm(_mm256_fmadd_ps(self.0, b.0, c.0))
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            Ymm(_mm256_add_ps(self.0, b.0))
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            let half = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)))
        }
    }

    /// AVX-512: one register of sixteen. 2 · 12 accumulators of the 32 registers.
    #[derive(Clone, Copy)]
    pub(in crate::train::engine) struct Avx512(__m512);

    impl Lanes for Avx512 {
        const ROWS: usize = 12;
        const PAIRS: bool = true;
        const WIDE: (usize, usize) = (4, 6);
        #[inline(always)]
        unsafe fn transpose(from: *const f32, row: usize, count: usize, to: *mut f32) {
            // A loop: the closure of `std::array::from_fn` is a function of its own that lacks the processor's features.
            let mut x = [_mm512_setzero_ps(); 16];
            for (i, x) in x.iter_mut().enumerate() {
                if i < count {
                    *x = _mm512_loadu_ps(from.add(row * i));
                }
            }
            let x = exchanged::<1>(exchanged::<2>(exchanged::<4>(exchanged::<8>(x))));
            for (k, x) in x.into_iter().enumerate() {
                _mm512_storeu_ps(to.add(16 * k), x);
            }
        }
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            Avx512(_mm512_set1_ps(x))
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Avx512(_mm512_loadu_ps(from))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            _mm512_storeu_ps(to, self.0);
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            Avx512(_mm512_mul_ps(self.0, b.0))
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            Avx512(_mm512_sub_ps(self.0, b.0))
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            Avx512(_mm512_fmadd_ps(self.0, b.0, c.0))
        }
        #[inline(always)]
        unsafe fn relu(self) -> Self {
            Avx512(_mm512_max_ps(_mm512_setzero_ps(), self.0))
        }
        #[inline(always)]
        unsafe fn gated(self, gate: Self) -> Self {
            Avx512(_mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(gate.0, _mm512_setzero_ps()), self.0))
        }
        #[inline(always)]
        unsafe fn normal(self) -> Self {
            let normal = _mm512_test_epi32_mask(_mm512_castps_si512(self.0), _mm512_set1_epi32(EXPONENT));
            Avx512(_mm512_maskz_mov_ps(normal, self.0))
        }
        #[inline(always)]
        unsafe fn larger(self, b: Self) -> Self {
            let greater = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(b.0, self.0);
            Avx512(_mm512_mask_mov_ps(self.0, greater | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(b.0, b.0), b.0))
        }
        #[inline(always)]
        unsafe fn split(self, x: Self, y: Self) -> (Self, Self) {
            let same = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(x.0, y.0);
            (Avx512(_mm512_maskz_mov_ps(same, self.0)), Avx512(_mm512_maskz_mov_ps(!same, self.0)))
        }
        type Vector = Avx512;
    }

    /// A step of a transposition: of rows `APART` apart, the lower one's upper lanes of each 2 · `APART` change places
    /// with the upper one's lower lanes.
    #[inline(always)]
    unsafe fn exchanged<const APART: usize>(x: [__m512; 16]) -> [__m512; 16] {
        // Lane k of the lower row of the two: from 16 on, the upper row's.
        let of_lower = |k: usize| if k & APART == 0 { k } else { 16 + (k ^ APART) };
        let (mut lower, mut upper) = ([0i32; 16], [0i32; 16]);
        for (k, (lower, upper)) in lower.iter_mut().zip(&mut upper).enumerate() {
            (*lower, *upper) = (of_lower(k) as i32, (of_lower(k) ^ APART) as i32);
        }
        let (lower, upper) = (_mm512_loadu_epi32(lower.as_ptr()), _mm512_loadu_epi32(upper.as_ptr()));
        let mut exchanged = x;
        for (i, to) in exchanged.iter_mut().enumerate() {
            let lanes = if i & APART == 0 { lower } else { upper };
            *to = _mm512_permutex2var_ps(x[i & !APART], lanes, x[i | APART]);
        }
        exchanged
    }

    impl Vector for Avx512 {
        const WIDTH: usize = 16;
        #[inline(always)]
        unsafe fn zero() -> Self {
            Avx512(_mm512_setzero_ps())
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Avx512(_mm512_loadu_ps(from))
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, c: Self) -> Self {
            Avx512(_mm512_fmadd_ps(self.0, b.0, c.0))
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            Avx512(_mm512_add_ps(self.0, b.0))
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            _mm512_reduce_add_ps(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lanes;
    use crate::train::engine::kernels::level::{Level, Work};

    struct Normal<'a>(&'a [f32; 16], *mut f32);

    impl Work for Normal<'_> {
        unsafe fn run<R: Lanes>(&self) {
            R::load(self.0.as_ptr()).normal().store(self.1);
        }
    }

    #[test]
    fn only_subnormal_numbers_become_zero() {
        let kept = [f32::MIN_POSITIVE, -f32::MIN_POSITIVE, 1.0, -3.5, f32::MAX, f32::INFINITY, f32::NEG_INFINITY];
        let lost =
            [1e-40, -1e-40, f32::from_bits(1), f32::MIN_POSITIVE / 2.0, -f32::MIN_POSITIVE / 2.0, 0.0, -0.0, 1e-45];
        let mut numbers = [f32::NAN; 16];
        numbers[..7].copy_from_slice(&kept);
        numbers[7..15].copy_from_slice(&lost);
        for level in Level::available() {
            let mut result = [7.0f32; 16];
            // SAFETY: the processor has the level, and both ends are sixteen f32.
            unsafe { level.run(&Normal(&numbers, result.as_mut_ptr())) };
            assert_eq!(result[..7], kept, "{level:?}");
            assert_eq!(result[7..15], [0.0; 8], "{level:?}");
            assert!(result[15].is_nan(), "{level:?}");
        }
    }
}
