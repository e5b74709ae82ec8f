//! `x / (Σ |x|ᵖ + eps)^(1/p)` for each row: `[f]` or `[n, f]`; p = ∞: over the largest |x|, plus eps.
//!
//! Torch7: `nn/Normalize.lua`.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::Fields,
        init::set_arguments,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

/// `nn.Normalize(p[, eps=1e-10])`
pub const SPEC: Spec = Spec {
    args: &[required("p", ArgKind::Number), optional("eps", ArgKind::Number, Missing::Number(1e-10))],
    init: Some(init),
    print: |fields| {
        let p = fields.number("p")?;
        Ok(if p == p.trunc() && p.is_finite() { format!("({p:.0})") } else { format!("({p:.6})") })
    },
    ..Spec::module(&["nn.Normalize"], build, Probe::module("2", "torch.randn(2, 4)"))
};

/// Rows of length one.
pub struct Normalize {
    /// The exponent; may be infinite.
    pub p: f64,
    /// Added to the sum.
    pub eps: f64,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    if args.number("p") <= 0.0 {
        let message = format!("#1 (p) to nn.Normalize: a number above 0 expected, got {}", args.number("p"));
        return Err(Error::new(Kind::Argument, message));
    }
    set_arguments(args, fields, &["p", "eps"])
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    Ok(Box::new(Normalize { p: fields.number("p")?, eps: fields.number_or("eps", 1e-10)? }))
}

impl Module for Normalize {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        if !matches!(x.dim(), 1 | 2) {
            return Err(size_mismatch(input, "[f] or [n, f]")
                .with_help("flatten each sample first: nn.View(-1):setNumInputDims(3)"));
        }
        let norm = if self.p.is_infinite() {
            x.f_abs()?.f_max_dim(-1, true)?.0.f_add_scalar(self.eps)?
        } else {
            // x·x has a gradient at 0 where |x|² has none.
            let powers = if self.p == 2.0 { x.f_mul(x)? } else { x.f_abs()?.f_pow_tensor_scalar(self.p)? };
            let sum = powers.f_sum_dim_intlist(-1, true, x.kind())?.f_add_scalar(self.eps)?;
            sum.f_pow_tensor_scalar(1.0 / self.p)?
        };
        Ok(x.f_div(&norm)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, tensor};

    #[test]
    fn rows_get_length_one() {
        let x = || tensor(&[1, 2], &[3.0, -4.0]);
        assert_close(&object("nn.Normalize", [2.0, 0.0]).eval(x()).1, &[0.6, -0.8]);
        assert_close(&object("nn.Normalize", [1.0, 0.0]).eval(x()).1, &[3.0 / 7.0, -4.0 / 7.0]);
        assert_close(&object("nn.Normalize", [f64::INFINITY, 0.0]).eval(x()).1, &[0.75, -1.0]);
        assert_eq!(object("nn.Normalize", [2.0]).print(), "nn.Normalize(2)");
    }
}
