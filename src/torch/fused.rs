//! `sgd`: the SGD step on many tensors at once, on any device; on CUDA one launch instead of eight.
//!
//! Source: `at::_fused_sgd_`, by way of `fused.cpp`.

use std::ffi::{CStr, c_char};

use torch_sys::C_tensor;

use crate::error::{Error, Kind, Result};

#[expect(unsafe_code, reason = "what fused.cpp defines")]
unsafe extern "C" {
    fn digits_fused_sgd(
        x: *const *mut C_tensor,
        g: *const *mut C_tensor,
        v: *const *mut C_tensor,
        count: usize,
        decay: f64,
        momentum: f64,
        dampening: f64,
        rate: f64,
        is_first: bool,
    ) -> *const c_char;
}

/// The numbers of a step: g ← g + `decay`·x; v ← g at the first one, else `momentum`·v + (1 − `dampening`)·g;
/// x ← x − `rate`·v, or `rate`·g without momentum.
#[derive(Debug, Clone, Copy)]
pub struct SgdNumbers {
    /// Weight decay.
    pub decay: f64,
    /// 0: none, and no velocity is given.
    pub momentum: f64,
    /// See above.
    pub dampening: f64,
    /// Learning rate.
    pub rate: f64,
    /// Whether the velocity holds nothing yet.
    pub is_first: bool,
}

/// The step on parameters `x` with gradients `g` and velocities `v`, in place; does not wait for the device.
///
/// # Errors
/// When libtorch refuses the kind or the device.
///
/// # Panics
/// When the tensors are not contiguous, of one kind and device, and of the same lengths one by one.
#[expect(unsafe_code, reason = "a call into C++")]
pub fn sgd(x: &[tch::Tensor], g: &[tch::Tensor], v: Option<&[tch::Tensor]>, numbers: SgdNumbers) -> Result<()> {
    // libtorch does not look.
    let is_like = |a: &tch::Tensor, b: &tch::Tensor| {
        let is_usual = a.is_contiguous() && b.is_contiguous() && a.numel() == b.numel();
        is_usual && (a.kind(), a.device()) == (b.kind(), b.device())
    };
    let are_like = |all: &[tch::Tensor]| all.len() == x.len() && all.iter().zip(x).all(|(a, b)| is_like(a, b));
    assert!(are_like(g) && v.is_none_or(are_like), "a gradient and a velocity like each parameter");
    let pointers = |tensors: &[tch::Tensor]| tensors.iter().map(|t| t.as_ptr().cast_mut()).collect::<Vec<_>>();
    let (x, g, v) = (pointers(x), pointers(g), v.map(pointers));
    let SgdNumbers { decay, momentum, dampening, rate, is_first } = numbers;
    // SAFETY: the lists hold `count` tensors that live through the call; an exception becomes a text, which is read
    // before this thread calls again.
    let wrong = unsafe {
        let v = v.as_ref().map_or(std::ptr::null(), |v| v.as_ptr());
        let wrong = digits_fused_sgd(x.as_ptr(), g.as_ptr(), v, x.len(), decay, momentum, dampening, rate, is_first);
        (!wrong.is_null()).then(|| CStr::from_ptr(wrong).to_string_lossy().into_owned())
    };
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(Error::new(Kind::Torch, "libtorch refused a fused SGD step").with_cause(wrong)),
    }
}
