//! The steps of SGD, Adam and Adagrad on many tensors at once, on any device; on CUDA one launch instead of eight.
//!
//! Sources: `at::_fused_sgd_`, `at::_fused_adam_`, `at::_fused_adagrad_`, by way of `fused.cpp`.

use std::ffi::c_char;

use torch_sys::C_tensor;

use super::said::said;
use crate::error::{Error, Kind, Result};

/// Tensors as C++ takes them.
type List = *const *mut C_tensor;

#[expect(unsafe_code, reason = "what fused.cpp defines")]
unsafe extern "C" {
    fn digits_fused_sgd(
        x: List,
        g: List,
        v: List,
        count: usize,
        decay: f64,
        momentum: f64,
        dampening: f64,
        here: f64,
        there: *const C_tensor,
        is_first: bool,
    ) -> *const c_char;

    fn digits_fused_adam(
        x: List,
        g: List,
        m: List,
        v: List,
        count: usize,
        steps: *const C_tensor,
        beta1: f64,
        beta2: f64,
        decay: f64,
        epsilon: f64,
        here: f64,
        there: *const C_tensor,
    ) -> *const c_char;

    fn digits_fused_adagrad(
        x: List,
        g: List,
        s: List,
        count: usize,
        steps: *const C_tensor,
        decay: f64,
        epsilon: f64,
        here: f64,
        there: *const C_tensor,
    ) -> *const c_char;
}

/// A learning rate, and where it stands.
#[derive(Debug)]
pub enum Rate {
    /// Part of the launch.
    Number(f64),
    /// One f32 in the device's memory, read there when the step is taken: a launch that is repeated finds the number of
    /// that time.
    Stored(tch::Tensor),
}

impl Rate {
    /// rate · `t`
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn times(&self, t: &tch::Tensor) -> Result<tch::Tensor> {
        Ok(match self {
            Rate::Number(rate) => t.f_mul_scalar(*rate)?,
            Rate::Stored(rate) => t.f_mul(rate)?,
        })
    }

    /// `t` / rate, in place
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn divides(&self, mut t: tch::Tensor) -> Result<tch::Tensor> {
        Ok(match self {
            Rate::Number(rate) => t.f_div_scalar_(*rate)?,
            Rate::Stored(rate) => t.f_div_(rate)?,
        })
    }

    fn parts(&self) -> (f64, *const C_tensor) {
        match self {
            Rate::Number(rate) => (*rate, std::ptr::null()),
            Rate::Stored(rate) => (0.0, rate.as_ptr()),
        }
    }
}

/// The numbers of an SGD step: g ← g + `decay`·x; v ← g at the first one, else `momentum`·v + (1 − `dampening`)·g;
/// x ← x − rate·v, or rate·g without momentum.
#[derive(Debug, Clone, Copy)]
pub struct SgdNumbers {
    /// Weight decay.
    pub decay: f64,
    /// 0: none, and no velocity is given.
    pub momentum: f64,
    /// See above.
    pub dampening: f64,
    /// Whether the velocity holds nothing yet.
    pub is_first: bool,
}

/// The numbers of an Adam step: g ← g + `decay`·x; m ← `beta1`·m + (1 − `beta1`)·g; v ← `beta2`·v + (1 − `beta2`)·g²;
/// x ← x − rate·m / (√v + `epsilon`). Corrections for the first steps are the rate's affair.
#[derive(Debug, Clone, Copy)]
pub struct AdamNumbers {
    /// Share of the mean that is kept.
    pub beta1: f64,
    /// Share of the mean square that is kept.
    pub beta2: f64,
    /// Weight decay.
    pub decay: f64,
    /// See above.
    pub epsilon: f64,
}

/// The SGD step on parameters `x` with gradients `g` and velocities `v`, in place; does not wait for the device.
///
/// # Errors
/// When libtorch refuses the kind or the device.
///
/// # Panics
/// When the tensors are not contiguous, of one kind and device, and of the same lengths one by one.
#[expect(unsafe_code, reason = "a call into C++")]
pub fn sgd(
    x: &[tch::Tensor],
    g: &[tch::Tensor],
    v: Option<&[tch::Tensor]>,
    numbers: SgdNumbers,
    rate: &Rate,
) -> Result<()> {
    assert!(are_like(x, g) && v.is_none_or(|v| are_like(x, v)), "a gradient and a velocity like each parameter");
    let (count, (here, there)) = (x.len(), rate.parts());
    let (x, g, v) = (pointers(x), pointers(g), v.map(pointers));
    let SgdNumbers { decay, momentum, dampening, is_first } = numbers;
    let v = v.as_ref().map_or(std::ptr::null(), |v| v.as_ptr());
    // SAFETY: the lists hold `count` tensors that live through the call, as the rate does; an exception becomes a text.
    taken("SGD", unsafe {
        digits_fused_sgd(x.as_ptr(), g.as_ptr(), v, count, decay, momentum, dampening, here, there, is_first)
    })
}

/// The Adam step on parameters `x` with gradients `g`, means `m` and mean squares `v`, in place; does not wait for the
/// device. `many` is one f32 on their device that [`many_steps`] made.
///
/// # Errors
/// When libtorch refuses the kind or the device.
///
/// # Panics
/// As [`sgd`].
#[expect(unsafe_code, reason = "a call into C++")]
pub fn adam(
    x: &[tch::Tensor],
    g: &[tch::Tensor],
    [m, v]: [&[tch::Tensor]; 2],
    many: &tch::Tensor,
    numbers: AdamNumbers,
    rate: &Rate,
) -> Result<()> {
    assert!([g, m, v].iter().all(|list| are_like(x, list)), "a gradient and two states like each parameter");
    let (count, (here, there)) = (x.len(), rate.parts());
    let [x, g, m, v] = [x, g, m, v].map(pointers);
    let [x, g, m, v] = [&x, &g, &m, &v].map(|list| list.as_ptr());
    let AdamNumbers { beta1, beta2, decay, epsilon } = numbers;
    // SAFETY: as in `sgd`.
    taken("Adam", unsafe {
        digits_fused_adam(x, g, m, v, count, many.as_ptr(), beta1, beta2, decay, epsilon, here, there)
    })
}

/// The Adagrad step on parameters `x` with gradients `g` and sums of squares `s`, in place; does not wait for the device:
/// g ← g + `decay`·x; s ← s + g²; x ← x − rate·g / (√s + `epsilon`). `many` as for [`adam`].
///
/// # Errors
/// When libtorch refuses the kind or the device.
///
/// # Panics
/// As [`sgd`].
#[expect(unsafe_code, reason = "a call into C++")]
pub fn adagrad(
    x: &[tch::Tensor],
    g: &[tch::Tensor],
    s: &[tch::Tensor],
    many: &tch::Tensor,
    [decay, epsilon]: [f64; 2],
    rate: &Rate,
) -> Result<()> {
    assert!(are_like(x, g) && are_like(x, s), "a gradient and a state like each parameter");
    let (count, (here, there)) = (x.len(), rate.parts());
    let [x, g, s] = [x, g, s].map(pointers);
    let [x, g, s] = [&x, &g, &s].map(|list| list.as_ptr());
    // SAFETY: as in `sgd`.
    taken("Adagrad", unsafe { digits_fused_adagrad(x, g, s, count, many.as_ptr(), decay, epsilon, here, there) })
}

/// A count of steps so large that libtorch's own corrections for the first steps are 1.
///
/// # Errors
/// When the memory cannot be had.
pub fn many_steps(device: tch::Device) -> Result<tch::Tensor> {
    Ok(tch::Tensor::f_full([1i64; 0], 1e9, (tch::Kind::Float, device))?)
}

/// libtorch does not look.
fn are_like(x: &[tch::Tensor], others: &[tch::Tensor]) -> bool {
    let is_like = |a: &tch::Tensor, b: &tch::Tensor| {
        let is_usual = a.is_contiguous() && b.is_contiguous() && a.numel() == b.numel();
        is_usual && (a.kind(), a.device()) == (b.kind(), b.device())
    };
    others.len() == x.len() && others.iter().zip(x).all(|(a, b)| is_like(a, b))
}

fn pointers(tensors: &[tch::Tensor]) -> Vec<*mut C_tensor> {
    tensors.iter().map(|tensor| tensor.as_ptr().cast_mut()).collect()
}

/// What a call of fused.cpp gave.
fn taken(rule: &str, wrong: *const c_char) -> Result<()> {
    let page =
        |words: String| Error::new(Kind::Torch, format!("libtorch refused a fused step of {rule}")).with_cause(words);
    said(wrong).map_or(Ok(()), |words| Err(page(words)))
}
