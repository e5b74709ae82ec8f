//! Functions of single numbers without parameters: one row each. Shapes: any.
//!
//! Torch7: `nn/Sigmoid.lua`, `Tanh.lua`, `LogSigmoid.lua`, `SoftSign.lua`, `TanhShrink.lua`, `Exp.lua`, `Log.lua`,
//! `Abs.lua`, `Square.lua`, `Sqrt.lua`.

use crate::{
    error::Result,
    nn::{
        activity::{Activity, alike},
        fields::{Fields, Value},
        module::{Context, Module},
        spec::{Args, Probe, Spec},
    },
    torch::{
        Generator,
        direct::{are_alike, is_floating},
    },
};

/// A function applied to every number.
pub struct Pointwise {
    function: fn(&tch::Tensor) -> Result<tch::Tensor>,
    gradient: Option<Gradient>,
}

/// What can be had from the output alone, and into tensors that are there.
#[derive(Clone, Copy)]
struct Gradient {
    /// grad · f′ from grad and the output f.
    product: fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor>,
    /// The same into the last one, which may be the output.
    product_into: fn(&tch::Tensor, &tch::Tensor, &tch::Tensor) -> Result<tch::Tensor>,
    /// f into the second.
    function_into: fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor>,
}

impl Module for Pointwise {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        Ok((self.function)(input.tensor()?)?.into())
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        let (Some(gradient), Some((x, g))) = (self.gradient, alike(input, grad)) else { return Ok(None) };
        Ok(Some((gradient.product)(g, &(self.function)(x)?)?.into()))
    }

    fn forward_into(&self, input: &Activity, out: &tch::Tensor) -> Result<bool> {
        let (Some(gradient), Activity::Tensor(x)) = (self.gradient, input) else { return Ok(false) };
        let fits = is_floating(x) && are_alike(x, out);
        if fits {
            let _ = (gradient.function_into)(x, out)?;
        }
        Ok(fits)
    }

    fn input_gradient_into(&self, input: &Activity, grad: &Activity, out: &Activity) -> Result<bool> {
        let (Some(gradient), Some((x, g)), Some((_, out))) = (self.gradient, alike(input, grad), alike(input, out)) else {
            return Ok(false);
        };
        // The output is made where the gradient will be.
        let y = (gradient.function_into)(x, out)?;
        let _ = (gradient.product_into)(g, &y, out)?;
        Ok(true)
    }

    fn reads_its_output(&self) -> bool {
        self.gradient.is_some()
    }

    fn gradient_from_output(&self, output: &tch::Tensor, grad: &tch::Tensor, out: &tch::Tensor) -> Result<bool> {
        let Some(gradient) = self.gradient.filter(|_| is_floating(output)) else { return Ok(false) };
        let _ = (gradient.product_into)(grad, output, out)?;
        Ok(true)
    }
}

macro_rules! pointwise {
    ($([$($class:literal),+] $input:literal $function:expr $(, $gradient:expr)?;)*) => {
        /// The classes; none takes an argument that matters.
        pub const SPECS: &[Spec] = &[$(Spec {
            init: Some(init),
            ..Spec::module(
                &[$($class),+],
                |_| Ok(Box::new(Pointwise { function: $function, gradient: [$(Some($gradient),)? None][0] })),
                Probe::module("", $input),
            )
        }),*];
    };
}

/// Torch7's own code wants a number in `nn.Sqrt`, which does not use it forward.
fn init(_: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    if fields.class() == "nn.Sqrt" { fields.set("eps", Value::Number(0.0)) } else { Ok(()) }
}

pointwise! {
    ["nn.Sigmoid", "cudnn.Sigmoid"] "torch.randn(2, 4)" |x| Ok(x.f_sigmoid()?), Gradient {
        product: |g, y| Ok(tch::Tensor::f_sigmoid_backward(g, y)?),
        product_into: |g, y, out| Ok(tch::Tensor::f_sigmoid_backward_grad_input(out, g, y)?),
        function_into: |x, out| Ok(x.f_sigmoid_out(out)?),
    };
    ["nn.Tanh", "cudnn.Tanh"] "torch.randn(2, 4)" |x| Ok(x.f_tanh()?), Gradient {
        product: |g, y| Ok(tch::Tensor::f_tanh_backward(g, y)?),
        product_into: |g, y, out| Ok(tch::Tensor::f_tanh_backward_grad_input(out, g, y)?),
        function_into: |x, out| Ok(x.f_tanh_out(out)?),
    };
    ["nn.LogSigmoid"] "torch.randn(2, 4)" |x| Ok(x.f_log_sigmoid()?);
    ["nn.SoftSign"] "torch.randn(2, 4)" |x| Ok(x.f_div(&x.f_abs()?.f_add_scalar(1.0)?)?);
    ["nn.TanhShrink"] "torch.randn(2, 4)" |x| Ok(x.f_sub(&x.f_tanh()?)?);
    ["nn.Exp"] "torch.randn(2, 4)" |x| Ok(x.f_exp()?);
    ["nn.Log"] "torch.Tensor{0.5, 1, 3}" |x| Ok(x.f_log()?);
    ["nn.Abs"] "torch.randn(2, 4)" |x| Ok(x.f_abs()?);
    ["nn.Square"] "torch.randn(2, 4)" |x| Ok(x.f_square()?);
    ["nn.Sqrt"] "torch.Tensor{0.5, 1, 3}" sqrt;
}

/// √x whose gradient is 0 where x = 0, as in Torch7; libtorch's own is infinite there.
pub(super) fn sqrt(x: &tch::Tensor) -> Result<tch::Tensor> {
    let is_zero = x.f_eq(0.0)?;
    let root = x.f_masked_fill(&is_zero, 1.0)?.f_sqrt()?;
    Ok(root.f_masked_fill(&is_zero, 0.0)?)
}

#[cfg(test)]
mod tests {
    use crate::nn::testing::{assert_close, plain, tensor};

    #[test]
    fn by_hand() {
        let x = || tensor(&[3], &[-1.0, 0.0, 3.0]);
        assert_close(&plain("nn.SoftSign").eval(x()).1, &[-0.5, 0.0, 0.75]);
        assert_close(&plain("nn.Square").eval(x()).1, &[1.0, 0.0, 9.0]);
        assert_close(&plain("cudnn.Sigmoid").eval(tensor(&[1], &[0.0])).1, &[0.5]);
        assert_eq!(plain("nn.Sigmoid").print(), "nn.Sigmoid");
    }

    #[test]
    fn the_root_of_zero_has_gradient_zero() {
        let x = tensor(&[2], &[0.0, 4.0]);
        assert_close(&plain("nn.Sqrt").eval(x.copy()).1, &[0.0, 2.0]);
        assert_close(&plain("nn.Sqrt").gradient(&x), &[0.0, 0.25]);
    }
}
