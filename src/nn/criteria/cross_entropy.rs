//! LogSoftMax and ClassNLLCriterion in one. `x` `[c]` or `[n, c]` of any scale, target: classes from 1.
//!
//! Torch7: `nn/CrossEntropyCriterion.lua`, which squeezes input and target first.

use super::class_nll::{self, ClassNll};
use crate::{
    error::Result,
    nn::{Activity, ArgKind, Context, Criterion, Missing, Probe, Spec, optional, size_mismatch},
};

/// `nn.CrossEntropyCriterion([weights, sizeAverage=true])`
pub const SPEC: Spec = Spec {
    args: &[
        optional("weights", ArgKind::Tensor, Missing::Nil),
        optional("sizeAverage", ArgKind::Bool, Missing::Bool(true)),
        optional("ignoreIndex", ArgKind::Int, Missing::Number(-100.0)),
    ],
    init: Some(class_nll::init),
    ..Spec::criterion(
        &["nn.CrossEntropyCriterion"],
        |b| Ok(Box::new(CrossEntropy(ClassNll::read(b)?))),
        Probe::criterion("", "torch.randn(3, 4)", "torch.LongTensor{4, 1, 2}"),
    )
};

/// Negative log-likelihood of unnormalised scores.
pub struct CrossEntropy(pub ClassNll);

impl Criterion for CrossEntropy {
    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let x = input.tensor()?;
        let target = target.tensor()?;
        let mut size: Vec<i64> = x.size().into_iter().filter(|&extent| extent != 1).collect();
        // A batch of one must keep its batch dim when the target still has it.
        if size.is_empty() {
            size.push(1);
        }
        if !matches!(size.len(), 1 | 2) {
            return Err(size_mismatch(input, "[c] or [n, c]").with_help("give it one value for each class and sample"));
        }
        if size.len() == 1 && target.numel() > 1 {
            size.push(1);
        }
        let x = x.f_reshape(&size[..])?;
        self.0.loss(input, &x.f_log_softmax(size.len() as i64 - 1, None)?, target)
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, plain, tensor};

    #[test]
    fn even_scores_cost_the_logarithm_of_the_classes() {
        let loss = plain("nn.CrossEntropyCriterion").loss(tensor(&[2, 4, 1], &[5.0; 8]), tensor(&[2, 1], &[1.0, 4.0]));
        assert_close(&[loss.unwrap()], &[4f64.ln()]);
        let one = plain("nn.CrossEntropyCriterion").loss(tensor(&[1, 2], &[0.0, 0.0]), tensor(&[1], &[1.0]));
        assert_close(&[one.unwrap()], &[2f64.ln()]);
    }
}
