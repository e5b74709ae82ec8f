//! Criteria called from Lua: `criterion:forward(y, t)`, `criterion:backward(y, t)`.

use std::rc::Rc;

use mlua::{Lua, Table, Value as LuaValue};

use super::{
    built::{Built, field},
    class::{Class, Pair, argument},
    reuse,
};
use crate::{
    error::Result,
    frontend::lua::{machine::error::raise, objects::activity::store_activity, tensor},
    nn::{Activity, Context, Mode},
    torch::direct::{below_autograd, write_below_autograd},
};

/// A criterion with its input and target.
struct LossCall {
    built: Rc<Built>,
    input: Activity,
    target: Activity,
}

impl LossCall {
    /// A target of nil (`L1Cost`) is an empty table.
    fn new(lua: &Lua, class: &Class, object: &Table, input: &LuaValue, target: &LuaValue) -> mlua::Result<LossCall> {
        let built = class.built(lua, object, false).map_err(raise)?;
        let input = argument(lua, object, input, 1, "input")?;
        let looks_at_none = class.spec.probe.target == "nil";
        let target = if target.is_nil() && looks_at_none {
            Activity::Table(vec![])
        } else {
            argument(lua, object, target, 2, "target")?
        };
        Ok(LossCall { built, input, target })
    }

    fn loss(&self, lua: &Lua, input: &Activity) -> Result<tch::Tensor> {
        let generator = tensor::generator(lua);
        self.built.criterion()?.forward(input, &self.target, &mut Context::with_generator(Mode::Train, &generator))
    }

    /// The gradient by the input, by way of a graph.
    fn differentiated(&self, lua: &Lua) -> Result<Activity> {
        let in_graph = |tensor: &tch::Tensor| Ok(tensor.detach().set_requires_grad(tensor.is_floating_point()));
        tch::with_grad(|| {
            let input = self.input.map(&mut |tensor| in_graph(tensor))?;
            let loss = self.loss(lua, &input)?;
            let leaves = input.tensors();
            let grads = if loss.requires_grad() {
                tch::Tensor::f_run_backward(&[loss], &leaves, false, false)?
            } else {
                leaves.iter().map(|_| tch::Tensor::new()).collect()
            };
            let mut grads = grads.into_iter();
            input.map(&mut |leaf| match grads.next() {
                Some(grad) if grad.defined() => Ok(grad),
                _ => Ok(leaf.detach().f_zeros_like()?),
            })
        })
    }
}

pub(super) fn criterion_output(lua: &Lua, class: &Class, (object, input, target): Pair) -> mlua::Result<LuaValue> {
    let call = LossCall::new(lua, class, &object, &input, &target)?;
    let loss = tch::no_grad(|| Ok(call.loss(lua, &call.input)?.f_double_value(&[])?)).map_err(raise)?;
    object.set(&class.output, loss)?;
    Ok(LuaValue::Number(loss))
}

pub(super) fn criterion_grad(lua: &Lua, class: &Class, (object, input, target): Pair) -> mlua::Result<LuaValue> {
    let call = LossCall::new(lua, class, &object, &input, &target)?;
    let old = field(&object, &class.grad_input)?;
    let criterion = call.built.criterion().map_err(raise)?;
    if let Some(out) = reuse::output_in(&old, &call.built, &[&call.input, &call.target]) {
        let into = || criterion.input_gradient_into(&call.input, &call.target, &out);
        if write_below_autograd(&[&out], into).map_err(raise)? {
            return Ok(old);
        }
    }
    let closed_form = || criterion.input_gradient(&call.input, &call.target);
    let grad_input = match below_autograd(closed_form).map_err(raise)? {
        Some(gradient) => gradient,
        None => call.differentiated(lua).map_err(raise)?,
    };
    let stored = store_activity(lua, &old, &grad_input, call.built.tensor_type)?;
    object.set(&class.grad_input, &stored)?;
    Ok(stored)
}
