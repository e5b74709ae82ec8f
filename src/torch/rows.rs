//! Rows of a matrix by their numbers, few of them: libtorch takes longer to begin than such a call takes. All is plain memory of
//! the processor, float or double without gaps; a function that finds something else does nothing and says so.
//!
//! What they do: `torch.index_select`, `index_add_` and `scatter_` along the rows.

use torch_sys::C_tensor;

use super::{direct::sizes, memory};
use crate::error::Result;

#[expect(unsafe_code, reason = "what rows.cpp defines")]
unsafe extern "C" {
    fn digits_whole_numbers(from: *const C_tensor, numbers: *mut i64, count: usize) -> bool;
    fn digits_is_plain(tensor: *const C_tensor) -> bool;
    fn digits_take_rows(out: *const C_tensor, from: *const C_tensor, rows: *const i64, count: usize);
    fn digits_add_rows(sum: *const C_tensor, from: *const C_tensor, rows: *const i64, count: usize, v: f64);
    fn digits_mark(out: *const C_tensor, places: *const i64, count: usize, v: f64);
}

/// The elements of a tensor on the processor, as whole numbers. An expanded tensor may stand for any number of them.
///
/// # Errors
/// When the memory cannot be had.
pub fn whole_numbers(from: &tch::Tensor) -> Result<Vec<i64>> {
    memory::check(from.numel() as i64, size_of::<i64>(), "a list of the elements")?;
    let mut numbers = vec![0; from.numel()];
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the tensor lives through the call, which writes as many numbers as there is room for, or none.
    let done = unsafe { digits_whole_numbers(from.as_ptr(), numbers.as_mut_ptr(), numbers.len()) };
    if done { Ok(numbers) } else { Ok(Vec::try_from(from.f_reshape([-1])?.f_to_kind(tch::Kind::Int64)?)?) }
}

fn is_plain(tensor: &tch::Tensor) -> bool {
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the tensor lives through the call, which only reads.
    unsafe {
        digits_is_plain(tensor.as_ptr())
    }
}

/// The width of a plain matrix that has all of these rows, numbered from 0.
fn width_of(matrix: &tch::Tensor, rows: &[i64]) -> Option<i64> {
    let [height, width] = sizes(matrix)?;
    (is_plain(matrix) && rows.iter().all(|row| (0..height).contains(row))).then_some(width)
}

/// Whether `list` is plain, of the type of `matrix`, and holds `count` rows of that width.
fn holds_rows(list: &tch::Tensor, matrix: &tch::Tensor, count: usize, width: i64) -> bool {
    is_plain(list) && list.kind() == matrix.kind() && list.numel() as i64 == count as i64 * width
}

/// Writes these rows of `matrix`, from 0, one behind the other into `out`, which lies apart from it.
#[must_use]
pub fn take_rows(out: &tch::Tensor, matrix: &tch::Tensor, rows: &[i64]) -> bool {
    let fits = width_of(matrix, rows).is_some_and(|width| holds_rows(out, matrix, rows.len(), width));
    if fits {
        #[expect(unsafe_code, reason = "a call into C++")]
        // SAFETY: both tensors live through the call; the rows are there, and `out` has room for them.
        unsafe {
            digits_take_rows(out.as_ptr(), matrix.as_ptr(), rows.as_ptr(), rows.len());
        }
    }
    fits
}

/// Adds `v` times the rows in `from`, one behind the other, to these rows of `sum`, from 0.
#[must_use]
pub fn add_rows(sum: &tch::Tensor, from: &tch::Tensor, rows: &[i64], v: f64) -> bool {
    let fits = width_of(sum, rows).is_some_and(|width| holds_rows(from, sum, rows.len(), width));
    if fits {
        #[expect(unsafe_code, reason = "a call into C++")]
        // SAFETY: both tensors live through the call; the rows are there, and `from` has as many.
        unsafe {
            digits_add_rows(sum.as_ptr(), from.as_ptr(), rows.as_ptr(), rows.len(), v);
        }
    }
    fits
}

/// Makes `out` `[n, c]` zero but for `v` at one place of each row: the places, from 0, are below c.
#[must_use]
pub fn mark(out: &tch::Tensor, places: &[i64], v: f64) -> bool {
    let fits = sizes(out).is_some_and(|[rows, width]| {
        rows == places.len() as i64 && is_plain(out) && places.iter().all(|place| (0..width).contains(place))
    });
    if fits {
        #[expect(unsafe_code, reason = "a call into C++")]
        // SAFETY: the tensor lives through the call; each place is within its row.
        unsafe {
            digits_mark(out.as_ptr(), places.as_ptr(), places.len(), v);
        }
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(kind: tch::Kind) -> tch::Tensor {
        tch::Tensor::from_slice(&[1f64, 2.0, 3.0, 4.0, 5.0, 6.0]).view([3, 2]).to_kind(kind)
    }

    #[test]
    fn rows_are_taken_and_added_as_libtorch_does_it() {
        for kind in [tch::Kind::Float, tch::Kind::Double] {
            let (from, rows) = (matrix(kind), [2, 0, 2]);
            let index = tch::Tensor::from_slice(&rows);
            let out = tch::Tensor::zeros([3, 2], (kind, tch::Device::Cpu));
            assert!(take_rows(&out, &from, &rows));
            assert_eq!(out, from.index_select(0, &index));
            let sum = matrix(kind);
            assert!(add_rows(&sum, &out, &rows, 0.5));
            assert_eq!(sum, matrix(kind).index_add(0, &index, &(out * 0.5)));
        }
    }

    #[test]
    fn one_place_of_each_row_is_marked() {
        let out = matrix(tch::Kind::Float);
        assert!(mark(&out, &[1, 0, 1], -0.5));
        assert_eq!(Vec::<f32>::try_from(out.view([-1])).unwrap(), [0.0, -0.5, -0.5, 0.0, 0.0, -0.5]);
    }

    #[test]
    fn what_does_not_fit_is_left_alone() {
        let (from, out) = (matrix(tch::Kind::Float), matrix(tch::Kind::Float));
        for rows in [[0, 1, 3], [0, -1, 2]] {
            assert!(!take_rows(&out, &from, &rows) && !add_rows(&out, &from, &rows, 1.0));
        }
        assert!(!mark(&out, &[0, 1, 2], 1.0) && !mark(&out, &[0, 1], 1.0) && !take_rows(&out, &from, &[0, 1]));
        assert!(!take_rows(&out.transpose(0, 1), &from, &[0, 1, 2]));
        assert!(!take_rows(&matrix(tch::Kind::Double), &from, &[0, 1, 2]));
        assert!(!add_rows(&out.to_kind(tch::Kind::Int64), &from, &[0, 1, 2], 1.0));
        assert_eq!(out, from);
    }

    #[test]
    fn whole_numbers_of_every_type_and_layout() {
        for kind in [tch::Kind::Float, tch::Kind::Double, tch::Kind::Int64, tch::Kind::Uint8, tch::Kind::Int] {
            assert_eq!(whole_numbers(&matrix(kind)).unwrap(), [1, 2, 3, 4, 5, 6]);
            assert_eq!(whole_numbers(&matrix(kind).transpose(0, 1)).unwrap(), [1, 3, 5, 2, 4, 6]);
        }
        assert!(whole_numbers(&tch::Tensor::from_slice(&[1i64]).expand([1 << 40], false)).is_err());
    }
}
