//! Identities with a gradient of their own: reversed, stopped, or with an L1 penalty added. Shapes: any.
//!
//! Torch7: `nn/GradientReversal.lua` (gradient · −lambda), `ZeroGrad.lua` (gradient 0), `L1Penalty.lua` (sign(x)·weight
//! added to the gradient; field `loss` = weight·‖x‖₁, over the number of elements when `sizeAverage`).

use std::cell::Cell;

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        cut::Cut,
        fields::{Fields, Value},
        init::set_arguments,
        module::{Context, Module},
        spec::{ArgKind, Builder, Missing, Probe, Spec, optional, required},
    },
};

/// The classes.
pub const SPECS: &[Spec] = &[
    Spec {
        args: &[optional("lambda", ArgKind::Number, Missing::Number(1.0))],
        init: Some(|args, fields, _| set_arguments(args, fields, &["lambda"])),
        ..Spec::module(&["nn.GradientReversal"], reversal, Probe::module("0.5", "torch.randn(2, 4)"))
    },
    Spec {
        init: Some(|_, _, _| Ok(())),
        ..Spec::module(&["nn.ZeroGrad"], |_| Ok(Box::new(Scaled(0.0))), Probe::module("", "torch.randn(2, 4)"))
    },
    Spec {
        args: &[
            required("l1weight", ArgKind::Number),
            optional("sizeAverage", ArgKind::Any, Missing::Bool(false)),
            optional("provideOutput", ArgKind::Bool, Missing::Bool(true)),
        ],
        init: Some(|args, fields, _| set_arguments(args, fields, &["l1weight", "sizeAverage", "provideOutput"])),
        ..Spec::module(&["nn.L1Penalty"], penalty, Probe::module("0.1", "torch.randn(2, 4)"))
    },
];

/// The identity, its gradient multiplied.
pub struct Scaled(f64);

/// The identity with a penalty on its input.
pub struct L1Penalty {
    weight: f64,
    size_average: bool,
    provide_output: bool,
    loss: Cell<Option<f64>>,
}

fn reversal(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    Ok(Box::new(Scaled(-builder.fields().number("lambda")?)))
}

fn penalty(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    Ok(Box::new(L1Penalty {
        weight: fields.number("l1weight")?,
        size_average: fields.truthy("sizeAverage")?,
        provide_output: fields.truthy("provideOutput")?,
        loss: Cell::new(None),
    }))
}

/// x, with the gradient `factor` times that of x.
fn scaled(x: &tch::Tensor, factor: f64) -> Result<tch::Tensor> {
    let zero = x.f_sub(&x.f_detach()?)?;
    Ok(x.f_detach()?.f_add(&zero.f_mul_scalar(factor)?)?)
}

impl Module for Scaled {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        input.map(&mut |x| if self.0 == 0.0 { Ok(x.f_detach()?) } else { scaled(x, self.0) })
    }
}

impl Module for L1Penalty {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let weight = if self.size_average { self.weight / x.numel() as f64 } else { self.weight };
        if !cx.is_training() {
            return Ok(x.shallow_clone().into());
        }
        let value = x.f_detach()?;
        self.loss.set(Some(value.f_abs()?.f_sum(x.kind())?.f_double_value(&[])? * weight));
        // The penalty does not depend on the gradient from behind, so no composition has it: the graph is cut here.
        let counted = if self.size_average { weight * cx.share_of_batch() } else { weight };
        let (pull, provides) = (value.f_sign()?.f_mul_scalar(counted)?, self.provide_output);
        let leaf = value.f_detach_copy()?;
        let output = Activity::Tensor(if leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf });
        cx.cut(Cut {
            input: input.share(),
            output: output.share(),
            backward: Box::new(move |grad| {
                let grad = grad.tensor()?;
                Ok(if provides { grad.f_add(&pull)? } else { pull }.into())
            }),
        });
        Ok(output)
    }

    fn save(&self, fields: &dyn Fields) -> Result<()> {
        self.loss.get().map_or(Ok(()), |loss| fields.set("loss", Value::Number(loss)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{
        Mode,
        testing::{Built, assert_close, numbers, object, plain, tensor},
    };

    #[test]
    fn reversed_and_stopped_gradients() {
        let x = tensor(&[2], &[1.0, -2.0]);
        let reversal = object("nn.GradientReversal", [0.5]);
        assert_close(&reversal.eval(x.copy()).1, &[1.0, -2.0]);
        assert_close(&reversal.gradient(&x), &[-0.5, -0.5]);
        assert!(
            !plain("nn.ZeroGrad")
                .forward(Mode::Train, x.set_requires_grad(true))
                .unwrap()
                .tensor()
                .unwrap()
                .requires_grad()
        );
    }

    #[test]
    fn the_penalty_is_added_behind_the_cut() {
        let penalty = object("nn.L1Penalty", [0.5]);
        let node = Built::default().node(&penalty).unwrap();
        let mut cx = Context::new(Mode::Train);
        let x = tensor(&[2], &[1.0, -2.0]).set_requires_grad(true);
        let y = node.forward(&x.into(), &mut cx).unwrap();
        assert_close(&numbers(y.tensor().unwrap()), &[1.0, -2.0]);
        let cut = cx.take_cuts().pop().unwrap();
        let grad = (cut.backward)(&tensor(&[2], &[10.0, 10.0]).into()).unwrap();
        assert_close(&numbers(grad.tensor().unwrap()), &[10.5, 9.5]);
        penalty.forward(Mode::Train, tensor(&[2], &[1.0, -2.0])).unwrap();
        assert!(matches!(penalty.get("loss").unwrap(), Value::Number(loss) if loss == 1.5));
    }
}
