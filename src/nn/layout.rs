//! Which dimension is which: Torch7's 1-based and negative dims, planes-first images, and the sizes of windows.

use super::{activity::Activity, memory_format::MemoryFormat, module::Context, refusals::size_mismatch};
use crate::{error::Result, torch::rows::whole_numbers};

/// The number of elements of a tensor of these sizes; where a file chose them, the product may be more than fits.
#[must_use]
pub(super) fn numel(sizes: &[i64]) -> i64 {
    sizes.iter().fold(1, |all: i64, &size| all.saturating_mul(size))
}

/// The 0-based dim of a tensor of `rank` dims for Torch7's `dim`: 1-based, negative from the end, one more when the
/// tensor has exactly one dim (the batch) more than `input_dims`.
///
/// # Errors
/// `Kind::Shape` when there is no such dim.
pub fn axis(input: &Activity, rank: usize, dim: i64, input_dims: Option<i64>) -> Result<i64> {
    let rank = rank as i64;
    let axis = match input_dims {
        _ if dim < 0 => rank + dim,
        Some(dims) if rank == dims + 1 => dim,
        _ => dim - 1,
    };
    if (0..rank).contains(&axis) {
        return Ok(axis);
    }
    Err(size_mismatch(input, format!("a tensor that has a dimension {dim}"))
        .with_help(format!("dimensions are counted from 1 to {rank} here, the batch included")))
}

/// Indices on the processor that Torch7 counts from 1, as a list of those from 0; `None` where one is not from 1 to `count`.
///
/// # Errors
/// When the memory cannot be had.
pub(super) fn from_one(indices: &tch::Tensor, count: i64) -> Result<Option<Vec<i64>>> {
    let mut list = whole_numbers(indices)?;
    if !list.iter().all(|index| (1..=count).contains(index)) {
        return Ok(None);
    }
    list.iter_mut().for_each(|index| *index -= 1);
    Ok(Some(list))
}

/// The tensor of `input`, checked to be images of `spatial` dims with `count` planes (any number when `None`):
/// `[planes, h, w]` or `[n, planes, h, w]` for `spatial` 2.
///
/// # Errors
/// `Kind::Shape` when it is something else; for another number of planes the caller knows the help.
pub fn planes(input: &Activity, spatial: usize, count: Option<i64>) -> Result<&tch::Tensor> {
    let x = input.tensor()?;
    let size = x.size();
    let rank_fits = size.len() == spatial + 1 || size.len() == spatial + 2;
    if rank_fits && count.is_none_or(|count| size[size.len() - spatial - 1] == count) {
        return Ok(x);
    }
    let plane = count.map_or("planes".to_string(), |count| count.to_string());
    let extents = match spatial {
        1 => "l",
        2 => "h, w",
        _ => "t, h, w",
    };
    let error = size_mismatch(input, format!("[{plane}, {extents}] or [n, {plane}, {extents}]"));
    Err(if rank_fits {
        error
    } else {
        error.with_help(format!("give it images again, for example with nn.View({plane}, {extents}) before it"))
    })
}

/// Images `[n, c, h, w]` as this pass lays them out in memory; what is no batch of f32 images, as it is.
///
/// # Errors
/// When the memory cannot be had.
pub fn arranged(x: &tch::Tensor, cx: &mut Context<'_>) -> Result<tch::Tensor> {
    let is_images = x.dim() == 4 && x.kind() == tch::Kind::Float;
    match cx.memory_format() {
        MemoryFormat::ImagesPlanesLast | MemoryFormat::PlanesLast if is_images => cx.rearranged(x, planes_last),
        _ => Ok(x.shallow_clone()),
    }
}

/// Kernels `[out, in, kH, kW]` likewise. Where they are arranged anew, their gradient flows back through it.
///
/// # Errors
/// When the memory cannot be had.
pub fn arranged_kernels(weight: tch::Tensor, cx: &Context<'_>) -> Result<tch::Tensor> {
    let is_kernels = weight.dim() == 4 && weight.kind() == tch::Kind::Float;
    if is_kernels && cx.memory_format() == MemoryFormat::PlanesLast { planes_last(&weight) } else { Ok(weight) }
}

/// The same sizes and numbers, `[n, h, w, c]` in memory.
fn planes_last(x: &tch::Tensor) -> Result<tch::Tensor> {
    let size = x.size();
    // libtorch takes strides of a single plane for the usual ones unless they are written anew.
    let last = if size[1] == 1 {
        x.f_reshape([size[0], size[2], size[3], 1])?
    } else {
        x.f_permute([0, 2, 3, 1])?.f_contiguous()?
    };
    Ok(last.f_permute([0, 3, 1, 2])?)
}

/// Size of one dim after a sliding window, in Torch7's way. `padded` says whether any dim of the window is padded:
/// only then does Torch7 drop a last window that starts outside the image.
#[must_use]
pub fn pooled_size(size: i64, kernel: i64, stride: i64, pad: i64, dilation: i64, ceil: bool, padded: bool) -> i64 {
    let room = size + 2 * pad - dilation * (kernel - 1) - 1;
    let steps =
        if ceil { room.div_euclid(stride) + i64::from(room.rem_euclid(stride) != 0) } else { room.div_euclid(stride) };
    let count = steps + 1;
    if padded && (count - 1) * stride >= size + pad { count - 1 } else { count }
}

/// Two sizes as Torch7 prints them: `3x5`, `1,2`.
#[must_use]
pub fn pair(numbers: &[i64], joiner: &str) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(joiner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn activity(size: &[i64]) -> Activity {
        tch::Tensor::zeros(size, (tch::Kind::Float, tch::Device::Cpu)).into()
    }

    #[test]
    fn dims_are_one_based_negative_and_shifted_by_the_batch() {
        let x = activity(&[2, 3, 4]);
        assert_eq!(axis(&x, 3, 1, None).unwrap(), 0);
        assert_eq!(axis(&x, 3, -1, None).unwrap(), 2);
        assert_eq!(axis(&x, 3, 1, Some(2)).unwrap(), 1);
        assert_eq!(axis(&x, 3, 1, Some(3)).unwrap(), 0);
        assert_eq!(axis(&x, 3, 4, None).unwrap_err().kind(), Kind::Shape);
    }

    #[test]
    fn ceil_keeps_a_window_outside_the_image_unless_padded() {
        assert_eq!(pooled_size(6, 2, 3, 0, 1, true, false), 3);
        assert_eq!(pooled_size(6, 2, 3, 0, 1, true, true), 2);
        assert_eq!(pooled_size(6, 2, 3, 0, 1, false, false), 2);
        assert_eq!(pooled_size(224, 3, 2, 1, 1, false, true), 112);
    }

    #[test]
    fn planes_names_the_number_it_wants() {
        let error = planes(&activity(&[2, 3, 8, 8]), 2, Some(1)).unwrap_err().to_string();
        assert!(error.contains("it wants        [1, h, w] or [n, 1, h, w]"), "{error}");
    }
}
