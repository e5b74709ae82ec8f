//! Windows that slide over images `[n, h, w, c]`: convolutions, transposed convolutions, pools.
//!
//! TensorFlow's rules: SAME gives ceil(n / stride) windows, its padding max((out − 1) · stride + k − n, 0) with the odd
//! row at the bottom and right; VALID pads nothing. Means leave padding out. Kernels are `[kh, kw, in, out]`, of
//! transposed convolutions `[kh, kw, out, in]`.

use super::{
    array::sizes,
    meta::{Dim, Dims, Meta, input, ranked},
    run::Run,
};
use crate::error::{Error, Kind, Result};

/// How windows meet the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// As many windows as there are strides in the image, rounded up.
    Same,
    /// Whole windows only.
    Valid,
}

/// The steps of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns a step.
    pub stride: [i64; 2],
    /// Distance between the kernel's elements.
    pub dilation: [i64; 2],
    /// What happens at the edge.
    pub padding: Padding,
}

/// An operation on windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windowed {
    /// `(x, kernel [kh, kw, in, out])`
    Conv2d(Window),
    /// `(x, kernel [kh, kw, in, multiplier])`: every plane has kernels of its own.
    Depthwise(Window),
    /// `(x, kernel [kh, kw, out, in], sizes of the result)`
    Transposed(Window),
    /// The largest number of each window.
    MaxPool {
        /// Extents of the window.
        kernel: [i64; 2],
        /// Its steps.
        window: Window,
    },
    /// The mean of each window, without padding.
    AvgPool {
        /// Extents of the window.
        kernel: [i64; 2],
        /// Its steps.
        window: Window,
    },
}

impl Window {
    /// Number of windows of `kernel` over `extent`.
    #[must_use]
    pub fn count(&self, dim: usize, extent: i64, kernel: i64) -> i64 {
        let reach = (kernel - 1) * self.dilation[dim] + 1;
        let room = match self.padding {
            Padding::Same => extent,
            Padding::Valid => extent - reach + 1,
        };
        if room <= 0 { 0 } else { (room + self.stride[dim] - 1) / self.stride[dim] }
    }

    /// Rows (or columns) added before and behind `extent`.
    #[must_use]
    pub fn pads(&self, dim: usize, extent: i64, kernel: i64) -> (i64, i64) {
        if self.padding == Padding::Valid {
            return (0, 0);
        }
        let reach = (kernel - 1) * self.dilation[dim] + 1;
        let total = ((self.count(dim, extent, kernel) - 1) * self.stride[dim] + reach - extent).max(0);
        (total / 2, total - total / 2)
    }

    fn counted(&self, x: &Dims, kernel: [Dim; 2]) -> Result<[Dim; 2]> {
        let mut counts = [None; 2];
        for dim in 0..2 {
            counts[dim] = x.0[dim + 1].zip(kernel[dim]).map(|(extent, kernel)| self.count(dim, extent, kernel));
            if counts[dim] == Some(0) {
                return Err(Error::new(Kind::Shape, "the image is smaller than the window")
                    .with_fact("it was given", x.to_string())
                    .with_fact("the window is", Dims(kernel.to_vec()).to_string())
                    .with_help("pool less before it, make the window smaller, or use padding='SAME'"));
            }
        }
        Ok(counts)
    }
}

const IMAGES: &str = "images [n, h, w, c]";

impl Windowed {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Windowed::Conv2d(_) => "Conv2D",
            Windowed::Depthwise(_) => "depthwise",
            Windowed::Transposed(_) => "conv2d_transpose",
            Windowed::MaxPool { .. } => "MaxPool",
            Windowed::AvgPool { .. } => "AvgPool",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        ranked(x, 4, IMAGES)?;
        let planes = x.dims.0[3];
        let checked = |kernel: &Meta, at: usize| -> Result<Dims> {
            ranked(kernel, 4, "a kernel of four dimensions")?;
            if planes.zip(kernel.dims.0[at]).is_some_and(|(have, want)| have != want) {
                return Err(Error::new(Kind::Shape, "the kernel is for another number of planes")
                    .with_fact("it was given", x.to_string())
                    .with_fact("the kernel is", kernel.to_string()));
            }
            if kernel.dtype != x.dtype {
                return Err(Error::new(Kind::Argument, format!("images are {}, the kernel {}", x.dtype, kernel.dtype)));
            }
            Ok(kernel.dims.clone())
        };
        let images = |[h, w]: [Dim; 2], c: Dim| vec![x.sized(Dims(vec![x.dims.0[0], h, w, c]))];
        Ok(match self {
            Windowed::Conv2d(window) => {
                let kernel = checked(input(inputs, 1)?, 2)?;
                images(window.counted(&x.dims, [kernel.0[0], kernel.0[1]])?, kernel.0[3])
            }
            Windowed::Depthwise(window) => {
                let kernel = checked(input(inputs, 1)?, 2)?;
                let planes = kernel.0[2].zip(kernel.0[3]).and_then(|(a, b)| a.checked_mul(b));
                images(window.counted(&x.dims, [kernel.0[0], kernel.0[1]])?, planes)
            }
            Windowed::Transposed(window) => {
                let kernel = checked(input(inputs, 1)?, 3)?;
                let sizes = input(inputs, 2)?.as_sizes()?;
                let &[n, h, w, c] = sizes.as_slice() else {
                    return Err(Error::new(Kind::Shape, "the sizes of the result are four numbers [n, h, w, c]"));
                };
                if c.zip(kernel.0[2]).is_some_and(|(c, out)| c != out) {
                    return Err(Error::new(Kind::Shape, "the result has another number of planes than the kernel")
                        .with_fact("it wants", Dims(sizes).to_string())
                        .with_fact("the kernel is", kernel.to_string()));
                }
                for (dim, extent) in [h, w].into_iter().enumerate() {
                    if let (Some(extent), Some(have), Some(kernel)) = (extent, x.dims.0[dim + 1], kernel.0[dim])
                        && window.count(dim, extent, kernel) != have
                    {
                        return Err(Error::new(
                            Kind::Shape,
                            format!("a result of {extent} rows or columns has no {have} windows"),
                        )
                        .with_fact("it was given", x.to_string())
                        .with_fact("it wants", Dims(sizes).to_string()));
                    }
                }
                let planes = c.or(kernel.0[2]);
                vec![x.sized(Dims(vec![n.or(x.dims.0[0]), h, w, planes]))]
            }
            Windowed::MaxPool { kernel, window } | Windowed::AvgPool { kernel, window } => {
                images(window.counted(&x.dims, kernel.map(Some))?, planes)
            }
        })
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], _: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0].f_permute([0, 3, 1, 2])?;
        let y = match self {
            Windowed::Conv2d(window) => {
                let kernel = inputs[1].f_permute([3, 2, 0, 1])?;
                convolved(&x, &kernel, window, 1)?
            }
            Windowed::Depthwise(window) => {
                let (kh, kw, planes, multiplier) = inputs[1].size4()?;
                let kernel = inputs[1].f_reshape([kh, kw, 1, planes * multiplier])?.f_permute([3, 2, 0, 1])?;
                convolved(&x, &kernel, window, planes)?
            }
            Windowed::Transposed(window) => transposed(&x, inputs[1], &sizes(inputs[2])?, window)?,
            Windowed::MaxPool { kernel, window } => {
                let (x, pad) = edged(&x, *kernel, window, f64::NEG_INFINITY)?;
                x.f_max_pool2d(kernel, window.stride, pad, window.dilation, false)?
            }
            Windowed::AvgPool { kernel, window } => averaged(&x, *kernel, window)?,
        };
        Ok(vec![y.f_permute([0, 2, 3, 1])?])
    }

    pub(super) fn flops(&self, inputs: &[Vec<i64>], output: &[i64]) -> u64 {
        let numel = |size: &[i64]| size.iter().product::<i64>();
        let count = match (self, inputs) {
            (Windowed::Conv2d(_), [_, kernel, ..]) => 2 * numel(output) * numel(&kernel[..3]),
            (Windowed::Depthwise(_), [_, kernel, ..]) => 2 * numel(output) * numel(&kernel[..2]),
            (Windowed::Transposed(_), [x, kernel, ..]) => 2 * numel(x) * numel(&kernel[..3]),
            (Windowed::MaxPool { kernel, .. } | Windowed::AvgPool { kernel, .. }, _) => numel(output) * numel(kernel),
            _ => 0,
        };
        count.unsigned_abs()
    }
}

/// `x` with the rows that libtorch cannot add itself, and those that it can, the same on both sides.
fn edged(x: &tch::Tensor, kernel: [i64; 2], window: &Window, value: f64) -> Result<(tch::Tensor, [i64; 2])> {
    let size = x.size();
    let [(top, bottom), (left, right)] = [0, 1].map(|dim| window.pads(dim, size[dim + 2], kernel[dim]));
    if top == bottom && left == right {
        return Ok((x.shallow_clone(), [top, left]));
    }
    Ok((x.f_pad([left, right, top, bottom], "constant", value)?, [0, 0]))
}

/// `x` `[n, c, h, w]`, kernel `[out, in, kh, kw]`.
fn convolved(x: &tch::Tensor, kernel: &tch::Tensor, window: &Window, groups: i64) -> Result<tch::Tensor> {
    let size = kernel.size();
    let (x, pad) = edged(x, [size[2], size[3]], window, 0.0)?;
    Ok(x.f_conv2d(kernel, None::<&tch::Tensor>, window.stride, pad, window.dilation, groups)?)
}

/// The gradient of a convolution with respect to an image of `sizes` `[n, h, w, c]`.
fn transposed(x: &tch::Tensor, kernel: &tch::Tensor, sizes: &[i64], window: &Window) -> Result<tch::Tensor> {
    let size = kernel.size();
    let kernel = kernel.f_permute([3, 2, 0, 1])?;
    let none = None::<&tch::Tensor>;
    let mut y = x.f_conv_transpose2d(&kernel, none, window.stride, [0, 0], [0, 0], 1, window.dilation)?;
    for dim in 0..2 {
        let at = dim as i64 + 2;
        let (before, _) = window.pads(dim, sizes[dim + 1], size[dim]);
        let (have, want) = (y.size()[dim + 2] - before, sizes[dim + 1]);
        if have < want {
            let pads = if dim == 0 { [0, 0, 0, want - have] } else { [0, want - have, 0, 0] };
            y = y.f_pad(pads, "constant", 0.0)?;
        }
        y = y.f_narrow(at, before, want)?;
    }
    Ok(y)
}

fn averaged(x: &tch::Tensor, kernel: [i64; 2], window: &Window) -> Result<tch::Tensor> {
    let (padded, pad) = edged(x, kernel, window, 0.0)?;
    if padded.size() == x.size() {
        return Ok(x.f_avg_pool2d(kernel, window.stride, pad, false, false, None)?);
    }
    // More rows on one side: sums over the count of what lies inside.
    let sums = padded.f_avg_pool2d(kernel, window.stride, [0, 0], false, true, 1)?;
    let size = x.size();
    let ones = tch::Tensor::f_ones([1, 1, size[2], size[3]], (x.kind(), x.device()))?;
    let (ones, _) = edged(&ones, kernel, window, 0.0)?;
    Ok(sums.f_div(&ones.f_avg_pool2d(kernel, window.stride, [0, 0], false, true, 1)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(stride: i64, padding: Padding) -> Window {
        Window { stride: [stride; 2], dilation: [1; 2], padding }
    }

    #[test]
    fn same_rounds_up_and_puts_the_odd_row_behind() {
        let same = window(2, Padding::Same);
        assert_eq!((same.count(0, 28, 3), same.pads(0, 28, 3)), (14, (0, 1)));
        assert_eq!((same.count(0, 5, 3), same.pads(0, 5, 3)), (3, (1, 1)));
        assert_eq!(same.pads(0, 4, 1), (0, 0));
        let valid = window(2, Padding::Valid);
        assert_eq!((valid.count(0, 28, 3), valid.pads(0, 28, 3)), (13, (0, 0)));
        assert_eq!(valid.count(0, 2, 3), 0);
    }
}
