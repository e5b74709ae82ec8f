//! Modules and criteria that the user wrote in Lua, as nodes of a lowered network.
//!
//! A foreign module cuts libtorch's graph: the segment before it ends at its input, the user's `updateOutput` makes
//! leaves that start the next segment, and the user's `backward` carries the gradient across. They are called as Torch7
//! would call them: the trainer calls `forward` and `backward` of the network and of the loss, a container calls
//! `updateOutput` and `backward` of a child.
//!
//! What the user's code is given is its own copy: a method that works in place changes nothing that libtorch keeps for
//! its own backward, or hands to a second branch.

use std::{cell::Cell, rc::Rc};

use mlua::{Lua, ObjectLike, Table, Value as LuaValue};

use super::held::Held;
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{
        machine::{error::OrPage, vm},
        objects::{
            activity::{activity_from_lua, activity_to_lua},
            classes::{class_name, has_plain_backward},
            object::LuaFields,
        },
        tensor,
    },
    nn::{Activity, Context, Criterion, Cut, Fields, Mode, Module},
    torch::TensorType,
};

/// Who calls the object: it decides which methods are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// The trainer: the object is the whole network, or the loss.
    Trainer,
    /// Another module or criterion.
    Parent,
}

impl Caller {
    fn forward(self) -> &'static str {
        match self {
            Caller::Trainer => "forward",
            Caller::Parent => "updateOutput",
        }
    }
}

/// A module whose methods are Lua.
#[derive(Clone)]
pub(super) struct Foreign {
    lua: Lua,
    object: Rc<Held>,
    class: String,
    caller: Caller,
    /// Which of `training()` and `evaluate()` was called last.
    mode: Cell<Option<Mode>>,
}

impl Foreign {
    /// # Errors
    /// When Lua is out of memory.
    pub(super) fn new(lua: &Lua, object: &Table, class: &str, caller: Caller) -> Result<Foreign> {
        let object = Rc::new(Held::new(lua, object)?);
        Ok(Foreign { lua: lua.clone(), object, class: class.to_string(), caller, mode: Cell::new(None) })
    }

    fn call<R: mlua::FromLua>(&self, method: &str, args: impl mlua::IntoLuaMulti) -> Result<R> {
        let (object, what) = (self.object.get::<Table>()?, format!("in {}:{method}", self.class));
        vm::guard_hook(&self.lua, &what, || object.call_method::<R>(method, args))
    }

    /// A copy of an activity as a Lua value.
    fn copied(&self, activity: &Activity) -> Result<LuaValue> {
        copied(&self.lua, activity, LuaFields::new(&self.lua, &self.object.get()?).tensor_type())
    }

    /// The gradient for the input from the one for the output; parameters accumulate theirs.
    fn backward(&self, x: &LuaValue, grad: &LuaValue) -> Result<LuaValue> {
        let object: Table = self.object.get()?;
        if !has_plain_backward(&self.lua, &object).or_page(&self.lua)? {
            return self.call("backward", (x, grad, 1.0));
        }
        // The two halves of nn.Module:backward, one limit of time for each.
        let returned: LuaValue = self.call("updateGradInput", (x, grad))?;
        self.call::<LuaValue>("accGradParameters", (x, grad, 1.0))?;
        let field: LuaValue = object.get("gradInput").or_page(&self.lua)?;
        // Torch7 hands on the field. A method that only returns its result is understood, too.
        let is_unset = tensor::from_lua(&field).is_some_and(|field| field.dim() == 0);
        Ok(if is_unset { returned } else { field })
    }
}

/// A copy of an activity as a Lua value, with Torch7's strides: a private pass may have given the tensors others.
fn copied(lua: &Lua, activity: &Activity, like: TensorType) -> Result<LuaValue> {
    let copy = activity.map(&mut |tensor| Ok(tensor.f_detach_copy()?.f_contiguous()?))?;
    activity_to_lua(lua, &copy, like).or_page(lua)
}

impl Module for Foreign {
    fn has_own_backward(&self) -> bool {
        true
    }

    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        if self.mode.replace(Some(cx.mode)) != Some(cx.mode) {
            let method = if cx.is_training() { "training" } else { "evaluate" };
            self.call::<LuaValue>(method, ())?;
        }
        let x = self.copied(input)?;
        let method = self.caller.forward();
        let y: LuaValue = self.call(method, &x)?;
        let y =
            activity_from_lua(&self.lua, &y, &format!("the result of {}:{method}", self.class)).or_page(&self.lua)?;
        if !cx.is_training() {
            // The object fills its buffer again with the next batch; this output may be kept.
            return y.map(&mut |tensor| Ok(tensor.f_detach_copy()?));
        }
        let output = y.map(&mut |tensor| {
            let leaf = tensor.detach();
            Ok(if leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf })
        })?;
        let (object, x, before) = (self.clone(), Held::new(&self.lua, x)?, input.share());
        cx.cut(Cut {
            input: input.share(),
            output: output.share(),
            backward: Box::new(move |grad| {
                let grad_input = object.backward(&x.get()?, &object.copied(grad)?)?;
                if grad_input.is_nil() {
                    return before.map(&mut |tensor| Ok(tensor.f_zeros_like()?));
                }
                let what = format!("the result of {}:backward", object.class);
                activity_from_lua(&object.lua, &grad_input, &what).or_page(&object.lua)
            }),
        });
        Ok(output)
    }
}

/// A criterion whose methods are Lua.
pub(super) struct ForeignCriterion {
    lua: Lua,
    object: Held,
    caller: Caller,
}

impl ForeignCriterion {
    /// # Errors
    /// When Lua is out of memory.
    pub(super) fn new(lua: &Lua, object: &Table, caller: Caller) -> Result<ForeignCriterion> {
        Ok(ForeignCriterion { lua: lua.clone(), object: Held::new(lua, object)?, caller })
    }

    /// The methods for the loss and for its gradient.
    fn methods(&self) -> (&'static str, &'static str) {
        match self.caller {
            Caller::Trainer => ("forward", "backward"),
            Caller::Parent => ("updateOutput", "updateGradInput"),
        }
    }
}

impl Criterion for ForeignCriterion {
    fn has_own_backward(&self) -> bool {
        true
    }

    /// The user's number, in a graph whose gradient is the user's `gradInput`: value + Σ x·g − (Σ x·g without graph).
    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let object: Table = self.object.get()?;
        let like = LuaFields::new(&self.lua, &object).tensor_type();
        let (forward, backward) = self.methods();
        let x = copied(&self.lua, input, like)?;
        let t = copied(&self.lua, target, like)?;
        let class = class_name(&object).unwrap_or_default();
        let value: LuaValue =
            vm::guard_hook(&self.lua, &format!("in {class}:{forward}"), || object.call_method(forward, (&x, &t)))?;
        let value =
            activity_from_lua(&self.lua, &value, &format!("the result of {class}:{forward}")).or_page(&self.lua)?;
        let kind = input.tensors().first().map_or(tch::Kind::Float, |tensor| tensor.kind());
        let device = input.tensors().first().map_or(tch::Device::Cpu, |tensor| tensor.device());
        let mut loss = match value.tensors().as_slice() {
            [value] if value.numel() == 1 => value.f_reshape([0i64; 0])?.f_to_kind(kind)?.f_to_device(device)?,
            _ => {
                return Err(Error::new(Kind::Shape, format!("{class}:{forward} must give one number, the loss"))
                    .with_fact("it gave", value.shape()));
            }
        };
        if !input.tensors().iter().any(|tensor| tensor.requires_grad()) {
            return Ok(loss);
        }
        let grad: LuaValue =
            vm::guard_hook(&self.lua, &format!("in {class}:{backward}"), || object.call_method(backward, (&x, &t)))?;
        let grad =
            activity_from_lua(&self.lua, &grad, &format!("the result of {class}:{backward}")).or_page(&self.lua)?;
        let (values, grads) = (input.tensors(), grad.tensors());
        if values.len() != grads.len() || values.iter().zip(&grads).any(|(x, g)| x.numel() != g.numel()) {
            return Err(Error::new(Kind::Shape, format!("{class}:{backward} gives another shape than the input"))
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
