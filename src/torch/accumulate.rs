//! Sums with a factor, in place: `x += v·y`, `x += v·a·b` and their kin in one pass over the memory.
//!
//! Sources: `at::Tensor::add_`, `addcmul_`, `addcdiv_`, `addmm_` and those of other ranks, by way of `accumulate.cpp`.

use std::ffi::c_char;

use torch_sys::C_tensor;

use super::said::said;
use crate::error::{Error, Kind, Result};

#[expect(unsafe_code, reason = "what accumulate.cpp defines")]
unsafe extern "C" {
    fn digits_add_scaled(x: *const C_tensor, y: *const C_tensor, v: f64) -> *const c_char;
    fn digits_add_product(x: *const C_tensor, a: *const C_tensor, b: *const C_tensor, v: f64) -> *const c_char;
    fn digits_add_quotient(x: *const C_tensor, a: *const C_tensor, b: *const C_tensor, v: f64) -> *const c_char;
    fn digits_add_matrix_product(
        x: *const C_tensor,
        a: *const C_tensor,
        b: *const C_tensor,
        before: f64,
        v: f64,
    ) -> *const c_char;
}

fn checked(wrong: *const c_char) -> Result<()> {
    said(wrong).map_or(Ok(()), |words| Err(Error::new(Kind::Torch, words)))
}

/// `x += v·y`
///
/// # Errors
/// When libtorch refuses.
pub fn add_scaled(x: &tch::Tensor, y: &tch::Tensor, v: f64) -> Result<()> {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the tensors live through the call, which changes the first one's elements.
    let wrong = unsafe { digits_add_scaled(x.as_ptr(), y.as_ptr(), v) };
    checked(wrong)
}

/// `x += v·a·b`, element by element
///
/// # Errors
/// When libtorch refuses.
pub fn add_product(x: &tch::Tensor, [a, b]: [&tch::Tensor; 2], v: f64) -> Result<()> {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: as above.
    let wrong = unsafe { digits_add_product(x.as_ptr(), a.as_ptr(), b.as_ptr(), v) };
    checked(wrong)
}

/// `x += v·a/b`, element by element
///
/// # Errors
/// When libtorch refuses.
pub fn add_quotient(x: &tch::Tensor, [a, b]: [&tch::Tensor; 2], v: f64) -> Result<()> {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: as above.
    let wrong = unsafe { digits_add_quotient(x.as_ptr(), a.as_ptr(), b.as_ptr(), v) };
    checked(wrong)
}

/// `x = before·x + v·a·b`: of matrices, a matrix and a vector, two vectors (their outer product), or a batch of matrices,
/// whose products are added up where `x` is a matrix. `before` 0 leaves out what `x` holds, also where that is no number.
///
/// # Errors
/// When the sizes do not fit, or libtorch refuses.
pub fn add_matrix_product(x: &tch::Tensor, [a, b]: [&tch::Tensor; 2], before: f64, v: f64) -> Result<()> {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: as above.
    let wrong = unsafe { digits_add_matrix_product(x.as_ptr(), a.as_ptr(), b.as_ptr(), before, v) };
    checked(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(size: &[i64]) -> tch::Tensor {
        let count: i64 = size.iter().product();
        let values: Vec<f64> = (0..count).map(|at| ((at * 7 % 5) - 2) as f64).collect();
        tch::Tensor::from_slice(&values).view(size)
    }

    #[test]
    fn sums_are_as_the_operations_one_by_one_give_them() {
        let (y, a, b) = (numbers(&[2, 3]), numbers(&[2, 3]) + 1, numbers(&[2, 3]) + 4);
        let x = tch::Tensor::ones([2, 3], (tch::Kind::Double, tch::Device::Cpu));
        add_scaled(&x, &y, -2.0).unwrap();
        assert_eq!(x, 1.0 - &y * 2.0);
        add_product(&x, [&a, &b], 3.0).unwrap();
        assert_eq!(x, 1.0 - &y * 2.0 + &a * &b * 3.0);
        let _ = x.shallow_clone().fill_(0.0);
        add_quotient(&x, [&a, &b], 0.5).unwrap();
        assert!((&x - &a / &b * 0.5).abs().max().double_value(&[]) < 1e-12);
        assert!(add_scaled(&x, &numbers(&[4]), 1.0).is_err());
    }

    #[test]
    fn products_go_by_the_ranks() {
        for (x, a, b, product) in [
            (vec![2, 4], vec![2, 3], vec![3, 4], tch::Tensor::matmul as fn(&tch::Tensor, &tch::Tensor) -> tch::Tensor),
            (vec![2], vec![2, 3], vec![3], tch::Tensor::matmul),
            (vec![2, 3], vec![2], vec![3], tch::Tensor::outer),
            (vec![5, 2, 4], vec![5, 2, 3], vec![5, 3, 4], tch::Tensor::matmul),
            (vec![2, 4], vec![5, 2, 3], vec![5, 3, 4], |a, b| {
                a.matmul(b).sum_dim_intlist(&[0][..], false, tch::Kind::Double)
            }),
        ] {
            let (x, a, b) = (numbers(&x), numbers(&a), numbers(&b));
            let wanted = &x * 2.0 + product(&a, &b) * 3.0;
            add_matrix_product(&x, [&a, &b], 2.0, 3.0).unwrap();
            assert_eq!(x, wanted);
            let _ = x.shallow_clone().fill_(f64::NAN);
            add_matrix_product(&x, [&a, &b], 0.0, 1.0).unwrap();
            assert_eq!(x, product(&a, &b));
        }
    }
}
