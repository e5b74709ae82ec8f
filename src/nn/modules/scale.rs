//! Learned numbers added to or multiplied with the input, element by element.
//!
//! Torch7: `nn/Add.lua` (bias of n, or one number; U(±1/√n)), `Mul.lua` (one weight, U(±1)), `CAdd.lua`, `CMul.lua` (a
//! tensor of any sizes, U(±1/√elements); each sample has as many elements, or dims of size 1 are repeated),
//! `PReLU.lua` (slope below 0, one or one a plane, 0.25 at first).

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::Fields,
        init::{set_arguments, set_parameters, uniform_reset},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

/// The classes.
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[required("inputSize", ArgKind::Int), optional("scalar", ArgKind::Any, Missing::Bool(false))],
        init: Some(|args, fields, generator| {
            set_arguments(args, fields, &["scalar"])?;
            let size = if args.truthy("scalar") { 1 } else { args.int("inputSize") };
            set_parameters(fields, &[("bias", "gradBias", &[size])])?;
            reset(fields, None, generator)
        }),
        reset: Some(reset),
        ..Spec::module(&["nn.Add"], |b| build(b, "bias", Kind::Add), Probe::module("4", "torch.randn(2, 4)"))
    },
    Spec {
        init: Some(|_, fields, generator| {
            set_parameters(fields, &[("weight", "gradWeight", &[1])])?;
            reset(fields, None, generator)
        }),
        reset: Some(reset),
        ..Spec::module(&["nn.Mul"], |b| build(b, "weight", Kind::Mul), Probe::module("", "torch.randn(2, 4)"))
    },
    Spec {
        args: &[required("sizes", ArgKind::Sizes)],
        init: Some(|args, fields, generator| sized(args, fields, generator, "bias", "gradBias")),
        reset: Some(reset),
        ..Spec::module(&["nn.CAdd"], |b| build(b, "bias", Kind::Add), Probe::module("1, 4", "torch.randn(2, 4)"))
    },
    Spec {
        args: &[required("sizes", ArgKind::Sizes)],
        init: Some(|args, fields, generator| sized(args, fields, generator, "weight", "gradWeight")),
        reset: Some(reset),
        ..Spec::module(&["nn.CMul"], |b| build(b, "weight", Kind::Mul), Probe::module("4", "torch.randn(2, 4)"))
    },
    Spec {
        args: &[optional("nOutputPlane", ArgKind::Int, Missing::Number(0.0))],
        init: Some(|args, fields, generator| {
            set_arguments(args, fields, &["nOutputPlane"])?;
            set_parameters(fields, &[("weight", "gradWeight", &[args.int("nOutputPlane").max(1)])])?;
            reset_slope(fields, None, generator)
        }),
        reset: Some(reset_slope),
        ..Spec::module(&["nn.PReLU"], |b| build(b, "weight", Kind::Slope), Probe::module("3", "torch.randn(2, 3, 2)"))
    },
];

/// How the numbers combine with the input.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Added.
    Add,
    /// Multiplied.
    Mul,
    /// Multiplied where the input is not above 0.
    Slope,
}

/// Learned numbers combined with the input.
pub struct Scale {
    /// The numbers.
    pub learned: tch::Tensor,
    /// How they combine with the input.
    pub kind: Kind,
}

fn sized(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator, name: &str, grad: &str) -> Result<()> {
    let sizes = args.sizes("sizes");
    fields.set("size", sizes.as_slice().into())?;
    set_parameters(fields, &[(name, grad, &sizes)])?;
    reset(fields, None, generator)
}

fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    let learned = fields.tensor("weight")?.or(fields.tensor("bias")?);
    let count = learned.map_or(1, |learned| learned.numel()) as f64;
    uniform_reset(fields, &["weight", "bias"], stdv, 1.0 / count.sqrt(), generator)
}

fn reset_slope(fields: &dyn Fields, _: Option<f64>, _: &mut Generator) -> Result<()> {
    if let Some(weight) = fields.tensor("weight")? {
        let _ = weight.view().f_fill_(0.25)?;
    }
    Ok(())
}

fn build(builder: &mut dyn Builder, name: &str, kind: Kind) -> Result<Box<dyn Module>> {
    let learned = builder.learned(name, &[])?;
    Ok(Box::new(Scale { learned, kind }))
}

impl Scale {
    /// The learned tensor in a shape that combines with an input of this size; `None` when none does.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn fitted(&self, size: &[i64]) -> Result<Option<tch::Tensor>> {
        let (count, total) = (self.learned.numel() as i64, size.iter().product::<i64>());
        let own = self.learned.size();
        if let Kind::Slope = self.kind {
            let plane = usize::from(size.len() > 1);
            if count != 1 && size.get(plane) != Some(&count) {
                return Ok(None);
            }
            let mut shape = vec![1; size.len()];
            if count != 1 {
                shape[plane] = count;
            }
            return Ok(Some(self.learned.f_view(&shape[..])?));
        }
        if count == 1 {
            return Ok(Some(self.learned.f_view([1])?));
        }
        if count == total {
            return Ok(Some(self.learned.f_view(size)?));
        }
        if own.len() == size.len() && own.iter().zip(size).all(|(a, b)| a == b || *a == 1) {
            return Ok(Some(self.learned.shallow_clone()));
        }
        if size.len() > 1 && size[1..].iter().product::<i64>() == count {
            return Ok(Some(self.learned.f_view(&size[1..])?));
        }
        Ok(None)
    }
}

impl Module for Scale {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let Some(learned) = self.fitted(&x.size())? else {
            let own = self.learned.size();
            return Err(size_mismatch(input, format!("{own:?}, or [n, …] with as many elements a sample"))
                .with_help("make its sizes those of one sample, or 1 where numbers are to be shared"));
        };
        Ok(match self.kind {
            Kind::Add => x.f_add(&learned)?,
            Kind::Mul => x.f_mul(&learned)?,
            Kind::Slope => x.f_where_self(&x.f_gt(0.0)?, &x.f_mul(&learned)?)?,
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, plain, randn, tensor},
    };

    #[test]
    fn by_hand() {
        let x = || tensor(&[2, 2], &[1.0, -2.0, 3.0, -4.0]);
        let mul = object("nn.CMul", [2i64]);
        mul.get_tensor("weight").copy_from(&tensor(&[2], &[10.0, 100.0])).unwrap();
        assert_close(&mul.eval(x()).1, &[10.0, -200.0, 30.0, -400.0]);
        let add = object("nn.CAdd", [2i64, 1]);
        add.get_tensor("bias").copy_from(&tensor(&[2], &[10.0, 100.0])).unwrap();
        assert_close(&add.eval(x()).1, &[11.0, 8.0, 103.0, 96.0]);
        assert_close(&plain("nn.PReLU").eval(x()).1, &[1.0, -0.5, 3.0, -1.0]);
        let one = object("nn.Add", [crate::nn::Value::Number(9.0), crate::nn::Value::Bool(true)]);
        assert_eq!(one.get_tensor("bias").size(), [1]);
        assert!(mul.forward(Mode::Train, randn(&[2, 3])).is_err());
    }
}
