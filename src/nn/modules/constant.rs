//! A fixed tensor, whatever the input; repeated for each sample when the input has more dims than `nInputDim`.
//!
//! Torch7: `nn/Constant.lua`. The gradient of the input is zero.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Module},
        refusals::missing,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::{Generator, Tensor},
};

/// `nn.Constant(value[, nInputDim])`
pub const SPEC: Spec = Spec {
    args: &[required("value", ArgKind::Any), optional("nInputDim", ArgKind::Int, Missing::Nil)],
    init: Some(init),
    ..Spec::module(&["nn.Constant"], build, Probe::module("3, 1", "torch.randn(2, 4)"))
};

/// A fixed tensor.
pub struct Constant {
    value: tch::Tensor,
    /// Rank of a sample.
    input_dims: Option<i64>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["nInputDim"])?;
    match args.value("value") {
        Value::Number(number) => {
            let value = Tensor::zeros(fields.tensor_type(), &[1])?;
            value.copy_from(&tch::Tensor::from_slice(&[*number]))?;
            fields.set("value", value.into())
        }
        Value::Tensor(tensor) => fields.set("value", tensor.clone().into()),
        other => Err(Error::new(
            Kind::Argument,
            other.misfit("#1 (value) to nn.Constant", "number or tensor"),
        )),
    }
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let value = builder.buffer("value")?.ok_or_else(|| missing(builder.fields(), "value"))?;
    let fields = builder.fields();
    let input_dims = if fields.truthy("nInputDim")? { Some(fields.int("nInputDim")?) } else { None };
    Ok(Box::new(Constant { value, input_dims }))
}

impl Module for Constant {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        if self.input_dims.is_none() {
            return Ok(self.value.shallow_clone().into());
        }
        let x = input.tensor()?;
        if self.input_dims.is_some_and(|dims| x.dim() as i64 > dims) {
            let size = [vec![x.size()[0]], self.value.size()].concat();
            return Ok(self.value.f_unsqueeze(0)?.f_expand(size, false)?.into());
        }
        Ok(self.value.shallow_clone().into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, object, randn};

    #[test]
    fn one_for_each_sample() {
        let (size, y) = object("nn.Constant", [3i64, 1]).eval(randn(&[2, 4]));
        assert_eq!(size, [2, 1]);
        assert_close(&y, &[3.0, 3.0]);
        assert_eq!(object("nn.Constant", [3i64]).eval(randn(&[2, 4])).0, [1]);
    }
}
