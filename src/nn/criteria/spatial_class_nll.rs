//! ClassNLLCriterion for every pixel. `x` `[n, c, h, w]` log-probabilities, target `[n, h, w]`: classes from 1.
//!
//! Torch7: `nn/SpatialClassNLLCriterion.lua`; cudnn's `SpatialCrossEntropyCriterion` takes scores of any scale.

use super::class_nll::{self, ClassNll};
use crate::{
    error::Result,
    nn::{
        activity::Activity,
        module::{BatchReduction, Context, Criterion},
        refusals::size_mismatch,
        scores::Scores,
        spec::{Arg, ArgKind, Missing, Probe, Spec, optional},
    },
};

const ARGS: &[Arg] = &[
    optional("weights", ArgKind::Tensor, Missing::Nil),
    optional("sizeAverage", ArgKind::Bool, Missing::Bool(true)),
    optional("ignoreIndex", ArgKind::Int, Missing::Number(-100.0)),
];

const PROBE: Probe = Probe::criterion("", "torch.randn(1, 3, 2, 2)", "torch.LongTensor{{{1, 3}, {2, 1}}}");

/// `nn.SpatialClassNLLCriterion([weights, sizeAverage=true])`, `cudnn.SpatialCrossEntropyCriterion([weights])`
pub const SPECS: &[Spec] = &[
    Spec {
        args: ARGS,
        init: Some(class_nll::init),
        ..Spec::criterion(
            &["nn.SpatialClassNLLCriterion"],
            |b| Ok(Box::new(SpatialClassNll { nll: ClassNll::read(b)?, normalises: false })),
            PROBE,
        )
    },
    Spec {
        args: ARGS,
        init: Some(class_nll::init),
        ..Spec::criterion(
            &["cudnn.SpatialCrossEntropyCriterion"],
            |b| Ok(Box::new(SpatialClassNll { nll: ClassNll::read(b)?, normalises: true })),
            PROBE,
        )
    },
];

/// Negative log-likelihood of pixels.
pub struct SpatialClassNll {
    nll: ClassNll,
    /// Whether it takes the logarithm of the softmax itself.
    normalises: bool,
}

impl Criterion for SpatialClassNll {
    fn reduction(&self) -> BatchReduction {
        self.nll.of_batch()
    }

    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let x = input.tensor()?;
        if x.dim() != 4 {
            return Err(size_mismatch(input, "[n, c, h, w]").with_help("for vectors use nn.ClassNLLCriterion"));
        }
        let x = if self.normalises { x.f_log_softmax(1, None)? } else { x.shallow_clone() };
        self.nll.loss(input, &x, target.tensor()?)
    }

    fn scores(&self) -> Option<Scores> {
        Some(if self.normalises { Scores::Logits } else { Scores::Logarithms })
    }

    fn ignored(&self) -> Option<i64> {
        self.nll.ignored()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        nn::{
            Value,
            testing::{assert_close, object, plain, tensor},
        },
        torch::{Tensor, TensorType},
    };

    #[test]
    fn averages_over_pixels() {
        let x = tensor(&[1, 2, 1, 2], &[-1.0, -2.0, -3.0, -4.0]);
        let loss = plain("nn.SpatialClassNLLCriterion").loss(x, tensor(&[1, 1, 2], &[2.0, 1.0])).unwrap();
        assert_close(&[loss], &[2.5]);
    }

    #[test]
    fn weights_and_the_ignored_class_are_those_of_pixels() {
        let x = || tensor(&[1, 2, 1, 3], &[-1.0, -2.0, -9.0, -3.0, -4.0, -9.0]);
        let target = || tensor(&[1, 1, 3], &[2.0, 1.0, 256.0]);
        let weights = Tensor::from_tch(TensorType::DOUBLE, &tensor(&[2], &[1.0, 3.0])).unwrap();
        let fields = [Value::Tensor(weights), Value::Bool(true), Value::Number(256.0)];
        let loss = object("nn.SpatialClassNLLCriterion", fields).loss(x(), target()).unwrap();
        assert_close(&[loss], &[(3.0 * 3.0 + 2.0) / 4.0]);
        let page = plain("nn.SpatialClassNLLCriterion").loss(x(), target()).unwrap_err().to_string();
        assert!(page.contains("target 256 is no class from 1 to 2") && page.contains("(nil, true, 256)"), "{page}");
    }
}
