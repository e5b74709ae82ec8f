//! Probabilities (or their logarithms) over classes: `[c]`, `[n, c]`, `[c, h, w]`, `[n, c, h, w]`, over c.
//!
//! Torch7: `nn/SoftMax.lua`, `LogSoftMax.lua`, `SoftMin.lua`, `SpatialSoftMax.lua`, `SpatialLogSoftMax.lua`. Note that
//! a 3-D input is one image: its **first** dim holds the classes.

use crate::{
    error::Result,
    nn::{
        activity::{Activity, alike},
        module::{Context, Module},
        refusals::size_mismatch,
        scores::Scores,
        spec::{Probe, Spec},
    },
    torch::direct::{are_alike, is_floating},
};

macro_rules! row {
    ($kind:expr, $of:expr, $($class:literal),+) => {
        Spec {
            init: Some(|_, _, _| Ok(())),
            ..Spec::module(
                &[$($class),+],
                |_| Ok(Box::new(SoftMax { kind: $kind, of: $of })),
                Probe::module("", "torch.randn(2, 4)"),
            )
        }
    };
}

/// The classes; they take no arguments.
pub const SPECS: &[Spec] = &[
    row!(Kind::Probability, Of::Samples, "nn.SoftMax", "cudnn.SoftMax"),
    row!(Kind::Logarithm, Of::Samples, "nn.LogSoftMax", "cudnn.LogSoftMax"),
    row!(Kind::OfNegative, Of::Samples, "nn.SoftMin"),
    row!(Kind::Probability, Of::Pixels, "nn.SpatialSoftMax", "cudnn.SpatialSoftMax", "cudnn.VolumetricSoftMax"),
    row!(Kind::Logarithm, Of::Pixels, "nn.SpatialLogSoftMax", "cudnn.SpatialLogSoftMax", "cudnn.VolumetricLogSoftMax"),
];

/// What is given for each class.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Its probability.
    Probability,
    /// The logarithm of its probability.
    Logarithm,
    /// Its probability when signs are turned.
    OfNegative,
}

/// What the class is written for; it computes the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// One number a class and sample.
    Samples,
    /// One number a class and pixel.
    Pixels,
}

/// Softmax over the class dim.
pub struct SoftMax {
    /// What it gives.
    pub kind: Kind,
    /// What has the classes.
    pub of: Of,
}

impl SoftMax {
    /// Whether it gives logarithms.
    #[must_use]
    pub fn is_log(&self) -> bool {
        matches!(self.kind, Kind::Logarithm)
    }
}

/// The dim that has the classes, of an input of `rank` dims.
fn class_dim(rank: usize) -> Option<i64> {
    match rank {
        1 | 3 => Some(0),
        2 | 4 | 5 => Some(1),
        _ => None,
    }
}

impl Module for SoftMax {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let Some(dim) = class_dim(x.dim()) else {
            return Err(size_mismatch(input, "[c], [n, c], [c, h, w] or [n, c, h, w]")
                .with_help("flatten each sample first: nn.View(-1):setNumInputDims(3)"));
        };
        Ok(match self.kind {
            Kind::Probability => x.f_softmax(dim, None)?,
            Kind::Logarithm => x.f_log_softmax(dim, None)?,
            Kind::OfNegative => x.f_neg()?.f_softmax(dim, None)?,
        }
        .into())
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        let Some((x, g)) = alike(input, grad) else { return Ok(None) };
        let Some(dim) = class_dim(x.dim()) else { return Ok(None) };
        use tch::Tensor;
        Ok(match self.kind {
            Kind::Probability => {
                Some(Tensor::f_internal_softmax_backward_data(g, &x.f_softmax(dim, None)?, dim, x.kind())?.into())
            }
            Kind::Logarithm => {
                Some(Tensor::f_internal_log_softmax_backward_data(g, &x.f_log_softmax(dim, None)?, dim, x.kind())?.into())
            }
            Kind::OfNegative => None,
        })
    }

    fn forward_into(&self, input: &Activity, out: &tch::Tensor) -> Result<bool> {
        let Activity::Tensor(x) = input else { return Ok(false) };
        let (Some(dim), true) = (class_dim(x.dim()), self.is_log()) else { return Ok(false) };
        if !is_floating(x) || !are_alike(x, out) {
            return Ok(false);
        }
        let _ = x.f_internal_log_softmax_out(out, dim, false)?;
        Ok(true)
    }

    fn input_gradient_into(&self, input: &Activity, grad: &Activity, out: &Activity) -> Result<bool> {
        let (Some((x, g)), Some((_, out))) = (alike(input, grad), alike(input, out)) else { return Ok(false) };
        let (Some(dim), true) = (class_dim(x.dim()), self.is_log()) else { return Ok(false) };
        let y = x.f_log_softmax(dim, None)?;
        let _ = tch::Tensor::f_internal_log_softmax_backward_data_out(out, g, &y, dim, x.kind())?;
        Ok(true)
    }

    fn reads_its_output(&self) -> bool {
        self.is_log()
    }

    fn gradient_from_output(&self, output: &tch::Tensor, grad: &tch::Tensor, out: &tch::Tensor) -> Result<bool> {
        let (Some(dim), true) = (class_dim(output.dim()), is_floating(output)) else { return Ok(false) };
        let _ = tch::Tensor::f_internal_log_softmax_backward_data_out(out, grad, output, dim, output.kind())?;
        Ok(true)
    }

    fn scores(&self) -> Option<Scores> {
        match (self.of, self.kind) {
            (Of::Samples, Kind::Logarithm) => Some(Scores::Logarithms),
            (Of::Samples, Kind::Probability) => Some(Scores::Probabilities),
            (Of::Samples, Kind::OfNegative) | (Of::Pixels, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Scores,
        testing::{Built, assert_close, plain, tensor},
    };

    #[test]
    fn the_class_dim_depends_on_the_rank() {
        let half = [0.5; 4];
        assert_close(&plain("nn.SoftMax").eval(tensor(&[2, 2], &[1.0, 1.0, 3.0, 3.0])).1, &half);
        // One image of two planes: each pixel's planes are equal.
        assert_close(&plain("nn.SoftMax").eval(tensor(&[2, 1, 2], &[1.0, 3.0, 1.0, 3.0])).1, &half);
        let log = plain("nn.LogSoftMax").eval(tensor(&[2], &[0.0, 0.0])).1;
        assert_close(&log, &[-std::f64::consts::LN_2; 2]);
    }

    #[test]
    fn classes_of_samples_say_what_their_numbers_are() {
        let scores = |class: &str| Built::default().node(&plain(class)).unwrap().module.scores();
        assert_eq!(scores("cudnn.LogSoftMax"), Some(Scores::Logarithms));
        assert_eq!(scores("nn.SoftMax"), Some(Scores::Probabilities));
        for class in ["nn.SoftMin", "nn.SpatialSoftMax", "nn.SpatialLogSoftMax", "nn.ReLU"] {
            assert_eq!(scores(class), None, "{class}");
        }
    }

    #[test]
    fn soft_min_prefers_small_numbers() {
        let y = plain("nn.SoftMin").eval(tensor(&[2], &[0.0, 3f64.ln()])).1;
        assert_close(&y, &[0.75, 0.25]);
    }
}
