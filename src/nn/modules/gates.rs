//! Functions that split or double a dim: `GatedLinearUnit` (first half · σ(second half)), `CReLU` (both signs of the
//! input, rectified, planes doubled).
//!
//! Torch7: `nn/GatedLinearUnit.lua` (the last dim by default), `CReLU.lua`.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::Value,
        init::set_arguments,
        layout::axis,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Builder, Missing, Probe, Spec, optional, required},
    },
};

/// `nn.GatedLinearUnit([dim])`, `nn.CReLU(nInputDims[, inplace])`
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[optional("dim", ArgKind::Int, Missing::Nil)],
        init: Some(|args, fields, _| set_arguments(args, fields, &["dim"])),
        ..Spec::module(&["nn.GatedLinearUnit"], gated, Probe::module("2", "torch.randn(2, 4, 3)"))
    },
    Spec {
        args: &[required("nInputDims", ArgKind::Int), optional("inplace", ArgKind::Any, Missing::Bool(false))],
        init: Some(|args, fields, _| set_arguments(args, fields, &["nInputDims", "inplace"])),
        ..Spec::module(&["nn.CReLU"], both_signs, Probe::module("3", "torch.randn(2, 3, 2, 2)"))
    },
];

/// A product with a gate.
pub struct Gated {
    /// As Torch7 has it; the last one when `None`.
    dim: Option<i64>,
}

/// Both signs, rectified.
pub struct BothSigns {
    /// Dims of one sample.
    input_dims: usize,
}

fn gated(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let dim = match fields.get("dim")? {
        Value::Nil => None,
        _ => Some(fields.int("dim")?),
    };
    Ok(Box::new(Gated { dim }))
}

fn both_signs(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    Ok(Box::new(BothSigns { input_dims: builder.fields().int("nInputDims")?.max(1) as usize }))
}

impl Module for Gated {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let dim = axis(input, x.dim(), self.dim.unwrap_or(-1), None)?;
        if x.size()[dim as usize] % 2 != 0 {
            return Err(size_mismatch(input, format!("an even number of values in dimension {}", dim + 1)));
        }
        Ok(x.f_glu(dim)?.into())
    }
}

impl Module for BothSigns {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let planes = usize::from(x.dim() == self.input_dims + 1);
        if x.dim() != self.input_dims && planes == 0 {
            let wanted = format!("{} dimensions, or {} with a batch", self.input_dims, self.input_dims + 1);
            return Err(size_mismatch(input, wanted));
        }
        Ok(tch::Tensor::f_cat(&[x.shallow_clone(), x.f_neg()?], planes as i64)?.f_relu()?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, plain, tensor},
    };

    #[test]
    fn by_hand() {
        assert_close(&plain("nn.GatedLinearUnit").eval(tensor(&[1, 2], &[3.0, 0.0])).1, &[1.5]);
        assert!(plain("nn.GatedLinearUnit").forward(Mode::Train, tensor(&[3], &[0.0; 3])).is_err());
        let signs = object("nn.CReLU", [1i64]);
        assert_close(&signs.eval(tensor(&[2], &[3.0, -2.0])).1, &[3.0, 0.0, 0.0, 2.0]);
        let (size, y) = signs.eval(tensor(&[2, 1], &[3.0, -2.0]));
        assert_eq!(size, [2, 2]);
        assert_close(&y, &[3.0, 0.0, 0.0, 2.0]);
        assert!(signs.forward(Mode::Train, tensor(&[1, 1, 1], &[1.0])).is_err());
    }
}
