//! Squared distance to the corner of a regular simplex that stands for the class: `x` `[n]` or `[m, n]`, target: classes
//! from 1 to n.
//!
//! Torch7: `nn/ClassSimplexCriterion.lua`: field `simplex` `[n, n]`, one corner a row, the last coordinate 0;
//! `getPredictions` and `getTopPrediction` are in the Lua prelude.

use super::mse::Mse;
use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        module::{Context, Criterion},
        refusals::{check_classes, missing, size_mismatch},
        spec::{ArgKind, Args, Builder, Probe, Spec, required},
    },
    torch::{Generator, Tensor, memory},
};

/// `nn.ClassSimplexCriterion(nClasses)`
pub const SPEC: Spec = Spec {
    args: &[required("nClasses", ArgKind::Int)],
    init: Some(init),
    ..Spec::criterion(
        &["nn.ClassSimplexCriterion"],
        build,
        Probe::criterion("4", "torch.randn(3, 4)", "torch.LongTensor{4, 1, 2}"),
    )
};

/// Classes as corners.
pub struct ClassSimplex {
    /// `[n, n]`
    corners: tch::Tensor,
    distance: Mse,
}

/// The corners of a regular simplex of n dims around the origin, all at distance 1: n + 1 rows.
fn simplex(n: usize) -> Vec<Vec<f64>> {
    let mut rows = vec![vec![0.0; n]; n + 1];
    for k in 0..n {
        let before: f64 = rows[k][..k].iter().map(|x| x * x).sum();
        let own = (1.0 - before).sqrt();
        rows[k][k] = own;
        // The others' dot product with this corner is −1/n.
        let rest = (-1.0 / n as f64 - before) / own;
        for row in rows.iter_mut().skip(k + 1) {
            row[k] = rest;
        }
    }
    rows
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    let classes = args.number("nClasses");
    if classes <= 1.0 || classes.fract() != 0.0 {
        return Err(Error::new(
            Kind::Argument,
            format!(
                "#1 (nClasses) to {}: Required positive integer argument nClasses > 1, got {classes}",
                fields.class()
            ),
        ));
    }
    memory::check_values((classes * classes) as i64, "the simplex")?;
    let n = classes as usize;
    let numbers: Vec<f64> = simplex(n - 1).into_iter().flat_map(|row| row.into_iter().chain([0.0])).collect();
    let corners = tch::Tensor::f_from_slice(&numbers)?.f_view([n as i64, n as i64])?;
    fields.set("nClasses", classes.into())?;
    fields.set("sizeAverage", Value::Bool(true))?;
    fields.set("simplex", Tensor::copied(fields.tensor_type(), &corners)?.into())
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Criterion>> {
    let corners = builder.buffer("simplex")?.ok_or_else(|| missing(builder.fields(), "simplex"))?;
    let size_average = builder.fields().truthy("sizeAverage")?;
    Ok(Box::new(ClassSimplex { corners, distance: Mse { size_average } }))
}

impl Criterion for ClassSimplex {
    fn forward(&self, input: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let classes = self.corners.size()[0];
        let target = target.tensor()?.f_to_kind(tch::Kind::Int64)?.f_reshape([-1])?;
        if input.tensor()?.numel() as i64 != target.numel() as i64 * classes {
            return Err(size_mismatch(input, format!("[n, {classes}], and one class for each of the n")));
        }
        if target.device() == tch::Device::Cpu {
            let ends = (target.f_min()?.f_int64_value(&[])?, target.f_max()?.f_int64_value(&[])?);
            check_classes(ends, 1, classes)?;
        }
        let corners = self.corners.f_to_device(input.tensor()?.device())?;
        let wanted = corners.f_index_select(0, &target.f_to_device(corners.device())?.f_sub_scalar(1)?)?;
        self.distance.forward(input, &wanted.into(), cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::{assert_close, object, tensor, try_object};

    #[test]
    fn corners_are_equally_far_from_each_other() {
        let rows = simplex(3);
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate() {
                let dot: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                let wanted = if i == j { 1.0 } else { -1.0 / 3.0 };
                assert!((dot - wanted).abs() < 1e-12, "{i} and {j}: {dot}");
            }
        }
        let criterion = object("nn.ClassSimplexCriterion", [2i64]);
        assert_close(&[criterion.loss(tensor(&[2], &[1.0, 0.0]), tensor(&[1], &[1.0])).unwrap()], &[0.0]);
        assert_close(&[criterion.loss(tensor(&[2], &[1.0, 0.0]), tensor(&[1], &[2.0])).unwrap()], &[2.0]);
        assert!(criterion.loss(tensor(&[2], &[1.0, 0.0]), tensor(&[1], &[3.0])).is_err());
        assert!(try_object("nn.ClassSimplexCriterion", vec![Value::Number(1.0)]).is_err());
    }
}
