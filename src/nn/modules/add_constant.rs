//! `y = x + constant`: a number, or a vector for the last dim of `[f]` or `[n, f]`.
//!
//! Torch7: `nn/AddConstant.lua`.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::{Activity, alike},
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

/// `nn.AddConstant(constant_scalar[, inplace])`
pub const SPEC: Spec = Spec {
    args: &[required("constant_scalar", ArgKind::Any), optional("inplace", ArgKind::Any, Missing::Bool(false))],
    init: Some(init),
    ..Spec::module(&["nn.AddConstant"], build, Probe::module("-2", "torch.randn(2, 4)"))
};

/// Addition of constants.
pub struct AddConstant {
    /// What is added.
    pub constant: Constant,
}

/// A number, or one for each feature.
pub enum Constant {
    /// One number for all.
    Number(f64),
    /// `[f]`
    Vector(tch::Tensor),
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    match args.value("constant_scalar") {
        Value::Number(_) => {}
        Value::Tensor(tensor) if tensor.dim() == 1 => {}
        other => {
            return Err(Error::new(
                Kind::Argument,
                other.misfit("#1 (constant_scalar) to nn.AddConstant", "number or vector"),
            ));
        }
    }
    set_arguments(args, fields, &["constant_scalar", "inplace"])
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let constant = match fields.get("constant_scalar")? {
        Value::Tensor(tensor) => Constant::Vector(tensor.view()),
        _ => Constant::Number(fields.number("constant_scalar")?),
    };
    Ok(Box::new(AddConstant { constant }))
}

impl Module for AddConstant {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        match &self.constant {
            Constant::Number(number) => Ok(x.f_add_scalar(*number)?.into()),
            Constant::Vector(vector) => {
                let (size, length) = (x.size(), vector.numel() as i64);
                if !matches!(size.len(), 1 | 2) || size.last() != Some(&length) {
                    return Err(size_mismatch(input, format!("[{length}] or [n, {length}]"))
                        .with_help("give nn.AddConstant a number, or a vector as long as the input"));
                }
                Ok(x.f_add(vector)?.into())
            }
        }
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        Ok(alike(input, grad).map(|(_, g)| g.shallow_clone().into()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        nn::{
            Value,
            testing::{assert_close, object, tensor},
        },
        torch::{Tensor, TensorType},
    };

    #[test]
    fn a_vector_is_added_to_each_row() {
        let vector = Tensor::from_tch(TensorType::DOUBLE, &tensor(&[2], &[1.0, 10.0])).unwrap();
        let add = object("nn.AddConstant", [Value::Tensor(vector)]);
        assert_close(&add.eval(tensor(&[2, 2], &[0.0, 1.0, 2.0, 3.0])).1, &[1.0, 11.0, 3.0, 13.0]);
        assert!(add.forward(crate::nn::Mode::Train, tensor(&[3], &[0.0; 3])).is_err());
    }
}
