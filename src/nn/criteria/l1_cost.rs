//! `‖x‖₁`, whatever the target.
//!
//! Torch7: `nn/L1Cost.lua`.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        module::{BatchReduction, Context, Criterion},
        spec::{Probe, Spec},
    },
};

/// `nn.L1Cost()`
pub const SPEC: Spec = Spec {
    init: Some(|_, _, _| Ok(())),
    ..Spec::criterion(&["nn.L1Cost"], |_| Ok(Box::new(L1Cost)), Probe::criterion("", "torch.randn(2, 3)", "nil"))
};

/// The sum of absolute values.
pub struct L1Cost;

impl Criterion for L1Cost {
    fn reduction(&self) -> BatchReduction {
        BatchReduction::Sum
    }

    fn forward(&self, input: &Activity, _target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let x = input.tensor()?;
        Ok(x.f_abs()?.f_sum(x.kind())?)
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, plain, tensor};

    #[test]
    fn sums_absolute_values() {
        assert_close(&[plain("nn.L1Cost").loss(tensor(&[2], &[3.0, -4.0]), tensor(&[1], &[0.0])).unwrap()], &[7.0]);
    }
}
