//! Gradients that tch does not wrap: by autograd, of a weighted sum of tensors without making the sum; of a convolution, in
//! closed form.
//!
//! Sources: `torch::autograd::Engine::execute`, `at::convolution_backward`, by way of `backward.cpp`.

use std::{ffi::c_char, ptr};

use torch_sys::C_tensor;

use super::said::said;
use crate::error::{Error, Kind, Result};

#[expect(unsafe_code, reason = "what backward.cpp defines")]
unsafe extern "C" {
    fn digits_gradients(
        outputs: *const *const C_tensor,
        weights: *const *const C_tensor,
        count: usize,
        leaves: *const *const C_tensor,
        wanted: usize,
        keep_graph: bool,
        gradients: *mut *mut C_tensor,
    ) -> *const c_char;

    fn digits_convolution_gradients(
        grad: *const C_tensor,
        input: *const C_tensor,
        weight: *const C_tensor,
        window: *const i64,
        dims: usize,
        groups: i64,
        wanted: *const bool,
        gradients: *mut *mut C_tensor,
    ) -> *const c_char;
}

/// A tensor in a graph, and what each of its elements counts in the sum that is differentiated.
#[derive(Debug)]
pub struct Weighted {
    /// The tensor.
    pub output: tch::Tensor,
    /// As large as `output` and of its type; `None` for ones.
    pub weight: Option<tch::Tensor>,
}

/// The gradient of Σ weight · output by each leaf; `None` of one that no output depends on. `keep_graph` leaves the graph for
/// another call.
///
/// # Errors
/// When libtorch refuses: an output outside a graph, a weight of another size, a graph that is gone.
pub fn gradients(outputs: &[Weighted], leaves: &[&tch::Tensor], keep_graph: bool) -> Result<Vec<Option<tch::Tensor>>> {
    let roots: Vec<_> = outputs.iter().map(|o| o.output.as_ptr()).collect();
    let weight = |o: &Weighted| o.weight.as_ref().map_or(ptr::null(), |w| w.as_ptr());
    let weights: Vec<_> = outputs.iter().map(weight).collect();
    let ends: Vec<_> = leaves.iter().map(|leaf| leaf.as_ptr()).collect();
    let mut found = vec![ptr::null_mut(); leaves.len()];
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: each list is as long as its count says, its tensors live through the call, and an exception becomes a text.
    let wrong = said(unsafe {
        digits_gradients(
            roots.as_ptr(),
            weights.as_ptr(),
            roots.len(),
            ends.as_ptr(),
            ends.len(),
            keep_graph,
            found.as_mut_ptr(),
        )
    });
    refused(wrong)?;
    Ok(found.into_iter().map(owned).collect())
}

/// How the kernels of a convolution move, one number for each dim of an image, the outermost first.
#[derive(Debug)]
pub struct Window<'a> {
    /// Steps.
    pub stride: &'a [i64],
    /// Zeros on both sides.
    pub padding: &'a [i64],
    /// Distance between elements of the kernel.
    pub dilation: &'a [i64],
    /// Runs of planes that see each other.
    pub groups: i64,
}

/// The gradients of Σ grad · convolution(input, weight) by input `[n, in, …]`, weight `[out, in / groups, …]` and bias
/// `[out]`, each where it is `wanted`.
///
/// # Errors
/// When libtorch refuses.
///
/// # Panics
/// When the lists of `window` differ in length.
pub fn convolution(
    grad: &tch::Tensor,
    input: &tch::Tensor,
    weight: &tch::Tensor,
    window: &Window<'_>,
    wanted: [bool; 3],
) -> Result<[Option<tch::Tensor>; 3]> {
    let dims = window.stride.len();
    assert!(window.padding.len() == dims && window.dilation.len() == dims, "one number for each dim");
    let numbers = [window.stride, window.padding, window.dilation].concat();
    let mut found = [ptr::null_mut(); 3];
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the lists are as long as it reads, the tensors live through the call, and an exception becomes a text.
    let wrong = said(unsafe {
        digits_convolution_gradients(
            grad.as_ptr(),
            input.as_ptr(),
            weight.as_ptr(),
            numbers.as_ptr(),
            dims,
            window.groups,
            wanted.as_ptr(),
            found.as_mut_ptr(),
        )
    });
    refused(wrong)?;
    Ok(found.map(owned))
}

fn refused(wrong: Option<String>) -> Result<()> {
    match wrong {
        Some(wrong) => Err(Error::new(Kind::Torch, "libtorch cannot give the gradients").with_cause(wrong)),
        None => Ok(()),
    }
}

/// The tensor that C++ made.
fn owned(tensor: *mut C_tensor) -> Option<tch::Tensor> {
    #[expect(unsafe_code, reason = "a tensor of C++'s")]
    // SAFETY: `backward.cpp` gives null, or a tensor by `new` that nobody else has.
    (!tensor.is_null()).then(|| unsafe { tch::Tensor::from_ptr(tensor) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_count_by_their_weights() {
        let leaf = |numbers: &[f64]| tch::Tensor::from_slice(numbers).set_requires_grad(true);
        let (x, y, z) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]), leaf(&[0.0]));
        let product = Weighted { output: &x * &y, weight: Some(tch::Tensor::from_slice(&[10.0, 1.0])) };
        let sum = Weighted { output: x.sum(tch::Kind::Double), weight: None };
        let all = gradients(&[product, sum], &[&x, &y, &z], false).unwrap();
        assert_eq!(Vec::<f64>::try_from(all[0].as_ref().unwrap()).unwrap(), [31.0, 5.0]);
        assert_eq!(Vec::<f64>::try_from(all[1].as_ref().unwrap()).unwrap(), [10.0, 2.0]);
        assert!(all[2].is_none());
    }

    #[test]
    fn what_libtorch_refuses_is_an_error() {
        let outside = Weighted { output: tch::Tensor::from_slice(&[1.0]), weight: None };
        assert!(gradients(&[outside], &[], false).is_err());
        let x = tch::Tensor::from_slice(&[1.0, 2.0]).set_requires_grad(true);
        let wrong = Weighted { output: &x * 2.0, weight: Some(tch::Tensor::from_slice(&[1.0, 2.0, 3.0])) };
        assert!(gradients(&[wrong], &[&x], false).is_err());
    }
}
