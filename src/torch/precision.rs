//! How exactly CUDA devices compute in f32: as the processor does, or with inputs rounded to TF32.
//!
//! libtorch's own default lets convolutions round to TF32 (10 bits of fraction in place of 23) and matrix products not, and
//! leaves cuDNN free to choose kernels that add in another order each time. Here both keep f32 unless the user asks, and one
//! seed is to give one run. Source: PyTorch's notes on numerical accuracy and on reproducibility.

use std::ffi::{c_char, c_int};

use serde::Serialize;

use super::said::said;
use crate::error::{Error, Kind, Result};

#[expect(unsafe_code, reason = "what precision.cpp defines")]
unsafe extern "C" {
    fn digits_set_precision(tf32: bool) -> *const c_char;
    fn digits_precision() -> c_int;
}

/// What f32 means on CUDA devices, for the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Products of f32 as they are.
    #[default]
    Full,
    /// Inputs of matrix products and convolutions rounded to 10 bits of fraction: `--tf32`.
    Tf32,
}

/// Sets it, and that cuDNN keeps to kernels that repeat their bits. Of no effect on the processor.
///
/// # Errors
/// When libtorch refuses.
pub fn set(precision: Precision) -> Result<()> {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: it takes a truth value; an exception becomes a text.
    let wrong = said(unsafe { digits_set_precision(precision == Precision::Tf32) });
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(Error::new(Kind::Device, "libtorch refused a setting of CUDA devices").with_cause(wrong)),
    }
}

/// What holds now; `None` when matrix products and convolutions differ, as in libtorch's own default.
#[must_use]
pub fn current() -> Option<Precision> {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: it reads settings of libtorch's.
    let bits = unsafe { digits_precision() };
    match bits {
        4 => Some(Precision::Full),
        7 => Some(Precision::Tf32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_is_f32_unless_it_is_asked_for() {
        for precision in [Precision::Tf32, Precision::Full] {
            set(precision).unwrap();
            assert_eq!(current(), Some(precision));
        }
        assert_eq!(Precision::default(), Precision::Full);
    }
}
