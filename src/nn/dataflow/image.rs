//! Images of another size: `tf.image.resize_*` on `[n, h, w, c]`.
//!
//! Formulas: TensorFlow 1.x: output pixel i looks at i · in/out (not at centres), or with `align_corners` at
//! i · (in − 1)/(out − 1); the nearest neighbour rounds down, with `align_corners` to the nearest.

use super::{
    array::sizes,
    meta::{Dims, Meta, input, ranked},
    run::Run,
};
use crate::{
    error::{Error, Kind, Result},
    torch::memory,
};

/// How pixels between pixels are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResizeMethod {
    /// From the four around.
    Bilinear,
    /// The nearest.
    Nearest,
}

/// `(images, [height, width])`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resize {
    /// The rule.
    pub method: ResizeMethod,
    /// Whether the corner pixels keep their places.
    pub align_corners: bool,
}

impl Resize {
    pub(super) fn name(&self) -> &'static str {
        match self.method {
            ResizeMethod::Bilinear => "ResizeBilinear",
            ResizeMethod::Nearest => "ResizeNearestNeighbor",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let x = input(inputs, 0)?;
        ranked(x, 4, "images [n, h, w, c]")?;
        let size = input(inputs, 1)?.as_sizes()?;
        let &[h, w] = size.as_slice() else {
            return Err(Error::new(Kind::Shape, "the new size is two numbers, [height, width]"));
        };
        if [h, w].into_iter().flatten().any(|extent| extent < 1) {
            return Err(Error::new(Kind::Shape, "the new size is not positive")
                .with_fact("it wants", Dims(vec![h, w]).to_string()));
        }
        Ok(vec![x.sized(Dims(vec![x.dims.0[0], h, w, x.dims.0[3]]))])
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], run: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let wanted = sizes(inputs[1])?;
        let x = inputs[0];
        let mut y = if x.is_floating_point() { x.shallow_clone() } else { x.f_to_kind(run.real)? };
        for (dim, &extent) in wanted.iter().enumerate().take(2) {
            y = self.along(&y, dim as i64 + 1, extent)?;
        }
        Ok(vec![if x.is_floating_point() || self.method == ResizeMethod::Bilinear {
            y
        } else {
            y.f_to_kind(x.kind())?
        }])
    }

    /// One dim made `extent` long.
    fn along(&self, x: &tch::Tensor, dim: i64, extent: i64) -> Result<tch::Tensor> {
        let have = x.size()[dim as usize];
        let scale = if self.align_corners && extent > 1 {
            (have - 1) as f64 / (extent - 1) as f64
        } else {
            have as f64 / extent as f64
        };
        memory::check((x.numel() as i64 / have.max(1)).saturating_mul(extent), 8, "an image")?;
        let rows = |rows: Vec<i64>| Ok::<_, Error>(tch::Tensor::f_from_slice(&rows)?.f_to_device(x.device())?);
        let last = have - 1;
        if self.method == ResizeMethod::Nearest {
            let nearest = |i: i64| {
                let at = i as f64 * scale;
                (if self.align_corners { at.round() } else { at.floor() } as i64).min(last)
            };
            return Ok(x.f_index_select(dim, &rows((0..extent).map(nearest).collect())?)?);
        }
        let low: Vec<i64> = (0..extent).map(|i| ((i as f64 * scale).floor() as i64).min(last)).collect();
        let high: Vec<i64> = low.iter().map(|&at| (at + 1).min(last)).collect();
        let share: Vec<f64> = (0..extent).zip(&low).map(|(i, &at)| i as f64 * scale - at as f64).collect();
        let mut size = vec![1; x.dim()];
        size[dim as usize] = extent;
        let share = tch::Tensor::f_from_slice(&share)?.f_to_kind(x.kind())?.f_to_device(x.device())?.f_reshape(size)?;
        let low = x.f_index_select(dim, &rows(low)?)?;
        let high = x.f_index_select(dim, &rows(high)?)?;
        Ok(low.f_add(&high.f_sub(&low)?.f_mul(&share)?)?)
    }
}
