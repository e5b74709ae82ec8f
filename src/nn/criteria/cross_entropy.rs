//! LogSoftMax and ClassNLLCriterion in one. `x` `[c]` or `[n, c]` of any scale, target: classes from 1.
//!
//! Torch7: `nn/CrossEntropyCriterion.lua`, which squeezes input and target first.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        module::{BatchReduction, Context, Criterion},
        refusals::size_mismatch,
        scores::Scores,
        spec::{Builder, Probe, Spec},
    },
};

/// `nn.CrossEntropyCriterion([weights, sizeAverage=true])`; the constructor, which makes an nn.LogSoftMax (`lsm`) and an
/// nn.ClassNLLCriterion (`nll`), is in the Lua prelude.
pub const SPEC: Spec = Spec::criterion(
    &["nn.CrossEntropyCriterion"],
    build,
    Probe::criterion("", "torch.randn(3, 4)", "torch.LongTensor{4, 1, 2}"),
);

/// Negative log-likelihood of unnormalised scores.
pub struct CrossEntropy(pub Box<dyn Criterion>);

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Criterion>> {
    Ok(Box::new(CrossEntropy(builder.criterion("nll")?)))
}

impl Criterion for CrossEntropy {
    fn reduction(&self) -> BatchReduction {
        self.0.reduction()
    }

    fn has_own_backward(&self) -> bool {
        self.0.has_own_backward()
    }

    fn forward(&self, input: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
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
        self.0.forward(&x.f_log_softmax(size.len() as i64 - 1, None)?.into(), &target.f_reshape([-1])?.into(), cx)
    }

    fn scores(&self) -> Option<Scores> {
        Some(Scores::Logits)
    }

    fn ignored(&self) -> Option<i64> {
        self.0.ignored()
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use crate::nn::{
        Scores,
        testing::{Built, Object, assert_close, container, plain, tensor},
    };

    fn criterion() -> Object {
        container("nn.CrossEntropyCriterion", vec![]).with_child("nll", Rc::new(plain("nn.ClassNLLCriterion")))
    }

    #[test]
    fn even_scores_cost_the_logarithm_of_the_classes() {
        let loss = criterion().loss(tensor(&[2, 4, 1], &[5.0; 8]), tensor(&[2, 1], &[1.0, 4.0]));
        assert_close(&[loss.unwrap()], &[4f64.ln()]);
        let scores = |object: &Object| Built::default().criterion(object).unwrap().scores();
        assert_eq!(scores(&criterion()), Some(Scores::Logits));
        assert_eq!(scores(&plain("nn.ClassNLLCriterion")), Some(Scores::Logarithms));
        assert_eq!(scores(&plain("nn.MSECriterion")), None);
        let one = criterion().loss(tensor(&[1, 2], &[0.0, 0.0]), tensor(&[1], &[1.0]));
        assert_close(&[one.unwrap()], &[2f64.ln()]);
    }
}
