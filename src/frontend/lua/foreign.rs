//! Modules and criteria that the user wrote in Lua, as nodes of a lowered network.
//!
//! A foreign module cuts libtorch's graph: the segment before it ends at its input, the user's `updateOutput` makes
//! leaves that start the next segment, and the user's `updateGradInput` and `accGradParameters` carry the gradient
//! across.

use std::cell::Cell;

use mlua::{Lua, ObjectLike, Table, Value as LuaValue};

use super::{
    object::{LuaFields, OrPage, activity_from_lua, activity_to_lua},
    vm,
};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Context, Criterion, Cut, Fields, Mode, Module},
    torch::TensorType,
};

/// A module whose methods are Lua.
pub(super) struct Foreign {
    lua: Lua,
    object: Table,
    class: String,
    /// What the object was told last: `training()` or `evaluate()`.
    mode: Cell<Option<Mode>>,
}

impl Foreign {
    pub(super) fn new(lua: &Lua, object: &Table, class: &str) -> Foreign {
        Foreign { lua: lua.clone(), object: object.clone(), class: class.to_string(), mode: Cell::new(None) }
    }

    fn tensor_type(&self) -> TensorType {
        LuaFields::new(&self.lua, &self.object).tensor_type()
    }

    fn call<R: mlua::FromLua>(&self, method: &str, args: impl mlua::IntoLuaMulti) -> Result<R> {
        let what = format!("in {}:{method}", self.class);
        vm::guard_hook(&self.lua, &what, || self.object.call_method::<R>(method, args))
    }
}

impl Module for Foreign {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        if self.mode.replace(Some(cx.mode)) != Some(cx.mode) {
            let method = if cx.is_training() { "training" } else { "evaluate" };
            self.call::<LuaValue>(method, ())?;
        }
        let usual = cx.is_private();
        let detached = shown(input, usual)?;
        let x = activity_to_lua(&self.lua, &detached, self.tensor_type()).or_page(&self.lua)?;
        let y: LuaValue = self.call("updateOutput", &x)?;
        let y = activity_from_lua(&y, &format!("the result of {}:updateOutput", self.class)).or_page(&self.lua)?;
        if !cx.is_training() {
            return Ok(y);
        }
        let output = y.map(&mut |tensor| {
            let leaf = tensor.detach();
            Ok(if leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf })
        })?;
        let object = Foreign::new(&self.lua, &self.object, &self.class);
        cx.cut(Cut {
            input: input.share(),
            output: output.share(),
            backward: Box::new(move |grad| {
                let grad =
                    activity_to_lua(&object.lua, &shown(grad, usual)?, object.tensor_type()).or_page(&object.lua)?;
                let grad_input: LuaValue = object.call("updateGradInput", (&x, &grad))?;
                object.call::<LuaValue>("accGradParameters", (&x, &grad, 1.0))?;
                let what = format!("the result of {}:updateGradInput", object.class);
                if grad_input.is_nil() {
                    return detached.map(&mut |tensor| Ok(tensor.f_zeros_like()?));
                }
                activity_from_lua(&grad_input, &what).or_page(&object.lua)
            }),
        });
        Ok(output)
    }
}

/// The tensors as the user's code may see them: out of the graph, and with Torch7's strides where the pass may have given
/// them others.
fn shown(activity: &Activity, usual: bool) -> Result<Activity> {
    activity.map(&mut |tensor| {
        let tensor = tensor.detach();
        Ok(if usual { tensor.f_contiguous()? } else { tensor })
    })
}

/// A criterion whose methods are Lua.
pub(super) struct ForeignCriterion {
    lua: Lua,
    object: Table,
}

impl ForeignCriterion {
    pub(super) fn new(lua: &Lua, object: &Table) -> ForeignCriterion {
        ForeignCriterion { lua: lua.clone(), object: object.clone() }
    }
}

impl Criterion for ForeignCriterion {
    /// The user's number, in a graph whose gradient is the user's `gradInput`: value + Σ x·g − (Σ x·g without graph).
    fn forward(&self, input: &Activity, target: &Activity, cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let like = LuaFields::new(&self.lua, &self.object).tensor_type();
        let detached = shown(input, cx.is_private())?;
        let x = activity_to_lua(&self.lua, &detached, like).or_page(&self.lua)?;
        let t = activity_to_lua(&self.lua, target, like).or_page(&self.lua)?;
        let class = super::object::class_name(&self.object).unwrap_or_default();
        let value: f64 = vm::guard_hook(&self.lua, &format!("in {class}:updateOutput"), || {
            self.object.call_method("updateOutput", (&x, &t))
        })?;
        let kind = input.tensors().first().map_or(tch::Kind::Float, |tensor| tensor.kind());
        let device = input.tensors().first().map_or(tch::Device::Cpu, |tensor| tensor.device());
        let mut loss = tch::Tensor::from(value).to_kind(kind).to_device(device);
        if !input.tensors().iter().any(|tensor| tensor.requires_grad()) {
            return Ok(loss);
        }
        let grad: LuaValue = vm::guard_hook(&self.lua, &format!("in {class}:updateGradInput"), || {
            self.object.call_method("updateGradInput", (&x, &t))
        })?;
        let grad = activity_from_lua(&grad, &format!("the result of {class}:updateGradInput")).or_page(&self.lua)?;
        let (values, grads) = (input.tensors(), grad.tensors());
        if values.len() != grads.len() || values.iter().zip(&grads).any(|(x, g)| x.numel() != g.numel()) {
            return Err(Error::new(Kind::Shape, format!("{class}:updateGradInput gives another shape than the input"))
                .with_fact("input", input.shape())
                .with_fact("gradInput", grad.shape()));
        }
        for (x, g) in values.into_iter().zip(grads) {
            let product = x.f_mul(&g.f_to_kind(x.kind())?.f_reshape(x.size())?)?.f_sum(x.kind())?;
            loss = loss.f_add(&product)?.f_sub(&product.detach())?;
        }
        Ok(loss)
    }
}
