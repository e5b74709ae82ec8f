//! Weighted sums of criteria: of one input (`MultiCriterion`), or entry by entry of tables (`ParallelCriterion`).
//!
//! Torch7: `nn/MultiCriterion.lua`, `ParallelCriterion.lua` (`repeatTarget`: one target for all). Fields `criterions` and
//! `weights`; `add` is in the Lua prelude.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        module::{BatchReduction, Context, Criterion},
        refusals::size_mismatch,
        spec::{Builder, Probe, Spec},
    },
};

/// `nn.MultiCriterion()`, `nn.ParallelCriterion([repeatTarget])`
pub const SPECS: &[Spec] = &[
    Spec::criterion(
        &["nn.MultiCriterion"],
        |b| build(b, false),
        Probe::criterion("", "torch.randn(2, 3)", "torch.randn(2, 3)"),
    ),
    Spec::criterion(
        &["nn.ParallelCriterion"],
        |b| build(b, true),
        Probe::criterion("", "{torch.randn(2), torch.randn(3)}", "{torch.randn(2), torch.randn(3)}"),
    ),
];

/// Criteria with weights.
pub struct Combined {
    criteria: Vec<Box<dyn Criterion>>,
    weights: Vec<f64>,
    /// Whether criterion i sees entry i only.
    is_parallel: bool,
    repeats_target: bool,
}

fn weights(fields: &dyn Fields) -> Result<Vec<f64>> {
    match fields.get("weights")? {
        Value::List(values) => {
            Ok(values.iter().map(|v| if let Value::Number(weight) = v { *weight } else { 1.0 }).collect())
        }
        Value::Tensor(tensor) => tensor.values(),
        _ => Ok(vec![]),
    }
}

fn build(builder: &mut dyn Builder, is_parallel: bool) -> Result<Box<dyn Criterion>> {
    let criteria = builder.criteria("criterions")?;
    let fields = builder.fields();
    let repeats_target = fields.truthy("repeatTarget")?;
    Ok(Box::new(Combined { criteria, weights: weights(fields)?, is_parallel, repeats_target }))
}

impl Criterion for Combined {
    fn reduction(&self) -> BatchReduction {
        let mut all = self.criteria.iter().map(|criterion| criterion.reduction());
        let first = all.next().unwrap_or(BatchReduction::Whole);
        if all.all(|other| other == first) { first } else { BatchReduction::Whole }
    }

    fn has_own_backward(&self) -> bool {
        self.criteria.iter().any(|criterion| criterion.has_own_backward())
    }

    fn forward(&self, input: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let mut sum: Option<tch::Tensor> = None;
        for (i, criterion) in self.criteria.iter().enumerate() {
            let entry = |activity: &Activity| -> Result<Activity> {
                let entries = activity.table()?;
                let entry = entries.get(i).map(Activity::share);
                entry.ok_or_else(|| size_mismatch(activity, format!("a table of {} entries", self.criteria.len())))
            };
            let x = if self.is_parallel { entry(input)? } else { input.share() };
            let t = if self.is_parallel && !self.repeats_target { entry(target)? } else { target.share() };
            let loss = criterion.forward(&x, &t, cx)?.f_mul_scalar(self.weights.get(i).copied().unwrap_or(1.0))?;
            sum = Some(match sum {
                Some(sum) => sum.f_add(&loss)?,
                None => loss,
            });
        }
        sum.ok_or_else(|| {
            crate::error::Error::new(crate::error::Kind::Network, "it has no criteria")
                .with_help("add criteria to it with :add(criterion, weight)")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use crate::nn::{
        Activity, Value,
        testing::{Object, assert_close, container, plain, tensor},
    };

    fn both(class: &str) -> Object {
        container(class, vec![])
            .with_child("criterions.1", Rc::new(plain("nn.MSECriterion")))
            .with_child("criterions.2", Rc::new(plain("nn.AbsCriterion")))
            .with("weights", Value::List(vec![Value::Number(1.0), Value::Number(0.5)]))
    }

    #[test]
    fn weighted_sums() {
        let x = || tensor(&[1], &[3.0]);
        let zero = || tensor(&[1], &[0.0]);
        assert_close(&[both("nn.MultiCriterion").loss(x(), zero()).unwrap()], &[10.5]);
        let table = |a: tch::Tensor, b: tch::Tensor| Activity::Table(vec![a.into(), b.into()]);
        let parallel = both("nn.ParallelCriterion");
        assert_close(&[parallel.loss(table(x(), x() * 2.0), table(zero(), zero())).unwrap()], &[12.0]);
        assert!(parallel.loss(table(x(), x()), zero()).is_err());
        let repeats = both("nn.ParallelCriterion").with("repeatTarget", true);
        assert_close(&[repeats.loss(table(x(), x()), zero()).unwrap()], &[10.5]);
    }
}
