//! Distances and bilinear forms to learned rows: `[in]` → `[out]`, `[n, in]` → `[n, out]`.
//!
//! Torch7: `nn/Euclidean.lua` (weight **`[in, out]`**, U(±1/√in)), `WeightedEuclidean.lua` (and diagCov of ones),
//! `Cosine.lua` (weight `[out, in]`, U(±1/√out); norms + 1e-12), `Bilinear.lua` (`{x1, x2}`, weight `[out, in1, in2]`,
//! U(±1/√in1)).

use crate::{
    error::Result,
    nn::{
        activity::{Activity, Shape},
        fields::Fields,
        init::{empty_pair, set_arguments, set_parameters, uniform_reset},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

const SIZES: &[Arg] = &[required("inputSize", ArgKind::Int), required("outputSize", ArgKind::Int)];
const PROBE: Probe = Probe::module("4, 3", "torch.randn(2, 4)");

/// The classes.
pub const SPECS: &[Spec] = &[
    Spec {
        args: SIZES,
        init: Some(|args, fields, generator| euclidean(args, fields, generator, false)),
        reset: Some(|fields, stdv, generator| reset(fields, stdv, generator, 0)),
        ..Spec::module(&["nn.Euclidean"], |b| build(b, Kind::Euclidean), PROBE)
    },
    Spec {
        args: SIZES,
        init: Some(|args, fields, generator| euclidean(args, fields, generator, true)),
        reset: Some(|fields, stdv, generator| reset(fields, stdv, generator, 0)),
        ..Spec::module(&["nn.WeightedEuclidean"], |b| build(b, Kind::Euclidean), PROBE)
    },
    Spec {
        args: SIZES,
        init: Some(|args, fields, generator| {
            let size = [args.int("outputSize"), args.int("inputSize")];
            set_parameters(fields, &[("weight", "gradWeight", &size)])?;
            reset(fields, None, generator, 0)
        }),
        reset: Some(|fields, stdv, generator| reset(fields, stdv, generator, 0)),
        ..Spec::module(&["nn.Cosine"], |b| build(b, Kind::Cosine), PROBE)
    },
    Spec {
        args: &[
            required("inputSize1", ArgKind::Int),
            required("inputSize2", ArgKind::Int),
            required("outputSize", ArgKind::Int),
            optional("bias", ArgKind::Any, Missing::Bool(true)),
        ],
        init: Some(|args, fields, generator| {
            let output = args.int("outputSize");
            let size = [output, args.int("inputSize1"), args.int("inputSize2")];
            set_parameters(fields, &[("weight", "gradWeight", &size)])?;
            fields.set("gradInput", empty_pair(fields))?;
            if args.truthy("bias") {
                set_parameters(fields, &[("bias", "gradBias", &[output])])?;
            }
            reset(fields, None, generator, 1)
        }),
        reset: Some(|fields, stdv, generator| reset(fields, stdv, generator, 1)),
        print: |fields| {
            let size = fields.tensor("weight")?.map(|weight| weight.size()).unwrap_or_default();
            let bias = if fields.truthy("bias")? { "" } else { " without bias" };
            Ok(match size.as_slice() {
                [out, a, b] => format!("({a}x{b} -> {out}) {bias}"),
                _ => bias.to_string(),
            })
        },
        ..Spec::module(
            &["nn.Bilinear"],
            |b| build(b, Kind::Bilinear),
            Probe::module("2, 3, 2", "{torch.randn(2, 2), torch.randn(2, 3)}"),
        )
    },
];

#[derive(Clone, Copy)]
enum Kind {
    Euclidean,
    Cosine,
    Bilinear,
}

/// A comparison with learned rows.
pub struct Distance {
    kind: Kind,
    weight: tch::Tensor,
    bias: Option<tch::Tensor>,
    /// For `WeightedEuclidean`, factors of the differences, `[in, out]`.
    diag_cov: Option<tch::Tensor>,
}

fn euclidean(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator, is_weighted: bool) -> Result<()> {
    let size = [args.int("inputSize"), args.int("outputSize")];
    set_arguments(args, fields, &["inputSize", "outputSize"])?;
    set_parameters(fields, &[("weight", "gradWeight", &size)])?;
    if is_weighted {
        set_parameters(fields, &[("diagCov", "gradDiagCov", &size)])?;
    }
    reset(fields, None, generator, 0)
}

/// U(±1/√extent of the weight's `dim`).
fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator, dim: usize) -> Result<()> {
    let size = fields.tensor("weight")?.map(|weight| weight.size()).unwrap_or_default();
    let extent = size.get(dim).copied().unwrap_or(1) as f64;
    uniform_reset(fields, &["weight", "bias"], stdv, 1.0 / extent.sqrt(), generator)?;
    if let Some(factors) = fields.tensor("diagCov")? {
        let _ = factors.view().f_fill_(1.0)?;
    }
    Ok(())
}

fn build(builder: &mut dyn Builder, kind: Kind) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[if let Kind::Bilinear = kind { 3 } else { 2 }])?;
    let (bias, diag_cov) = (builder.parameter("bias")?, builder.parameter("diagCov")?);
    Ok(Box::new(Distance { kind, weight, bias, diag_cov }))
}

/// `x` as `[n, features]`.
fn rows(input: &Activity, features: i64) -> Result<tch::Tensor> {
    let x = input.tensor()?;
    if !matches!(x.dim(), 1 | 2) || x.size().last() != Some(&features) {
        return Err(size_mismatch(input, format!("[{features}] or [n, {features}]"))
            .with_help("make its input size that of the module before it"));
    }
    Ok(x.f_reshape([-1, features])?)
}

impl Module for Distance {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let size = self.weight.size();
        if let Kind::Bilinear = self.kind {
            let [a, b] = input.table()? else { return Err(size_mismatch(input, "a table of two tensors")) };
            let (x, y) = (rows(a, size[1])?, rows(b, size[2])?);
            if x.size()[0] != y.size()[0] {
                return Err(size_mismatch(input, "two batches of the same size"));
            }
            return Ok(tch::Tensor::f_bilinear(&x, &y, &self.weight, self.bias.as_ref())?.into());
        }
        let y = if let Kind::Cosine = self.kind {
            let x = rows(input, size[1])?;
            let norm =
                |t: &tch::Tensor| t.f_square()?.f_sum_dim_intlist(1, true, t.kind())?.f_sqrt()?.f_add_scalar(1e-12);
            x.f_div(&norm(&x)?)?.f_matmul(&self.weight.f_div(&norm(&self.weight)?)?.f_transpose(0, 1)?)?
        } else {
            let x = rows(input, size[0])?;
            let mut difference = self.weight.f_sub(&x.f_unsqueeze(2)?)?;
            if let Some(factors) = &self.diag_cov {
                difference = difference.f_mul(factors)?;
            }
            difference.f_norm_scalaropt_dim(2.0, 1, false)?
        };
        Ok(if input.tensor()?.dim() == 1 { y.f_squeeze_dim(0)? } else { y }.into())
    }

    fn flops(&self, _input: &Shape, output: &Shape) -> u64 {
        let size = self.weight.size();
        let outputs = if let Kind::Euclidean = self.kind { size[1] } else { size[0] };
        let per_output = size.iter().product::<i64>() / outputs.max(1);
        (output.numel() * per_output * 2) as u64
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity,
        testing::{assert_close, object, tensor},
    };

    #[test]
    fn by_hand() {
        let x = || tensor(&[2], &[3.0, 4.0]);
        for class in ["nn.Euclidean", "nn.WeightedEuclidean"] {
            let euclidean = object(class, [2i64, 1]);
            euclidean.get_tensor("weight").copy_from(&tensor(&[2], &[0.0, 0.0])).unwrap();
            let (size, y) = euclidean.eval(x());
            assert_eq!(size, [1]);
            assert_close(&y, &[5.0]);
        }
        let cosine = object("nn.Cosine", [2i64, 1]);
        cosine.get_tensor("weight").copy_from(&tensor(&[2], &[4.0, 3.0])).unwrap();
        assert_close(&cosine.eval(x()).1, &[0.96]);
        let bilinear = object("nn.Bilinear", [2i64, 1, 1]);
        assert_eq!(bilinear.print(), "nn.Bilinear(2x1 -> 1) ");
        bilinear.get_tensor("weight").copy_from(&tensor(&[2], &[1.0, 10.0])).unwrap();
        bilinear.get_tensor("bias").copy_from(&tensor(&[1], &[0.5])).unwrap();
        let pair = Activity::Table(vec![tensor(&[1, 2], &[3.0, 4.0]).into(), tensor(&[1, 1], &[2.0]).into()]);
        assert_close(&bilinear.eval(pair).1, &[86.5]);
    }
}
