//! The eager protocol: `m:forward(x)`, `m:backward(x, g)`, `criterion:forward(y, t)` called from Lua.
//!
//! Each call builds the Rust module from the object's fields as they are now, runs the one `forward` that training
//! uses too, and answers gradients as a vector-Jacobian product of it. Results go into the tensor objects of the
//! call before, as Torch7 does.

use std::rc::Rc;

use mlua::{Function, Lua, Table, Value as LuaValue};

use super::{
    lower::Lowering,
    object::{CLASSES, LuaFields, OrPage, activity_from_lua, drawing, store_activity},
    sharing, tensor,
};
use crate::{
    error::{Error, Kind, Result},
    nn::{self, Activity, Build, Builder, Context, Criterion, Fields, Mode, Module, Node, Spec, Value},
    torch::TensorType,
};

/// Gives a class the native methods that it does not define in the prelude.
pub(super) fn install(lua: &Lua, mt: &Table, spec: &'static Spec) -> mlua::Result<()> {
    let base = if matches!(spec.build, Build::Module(_)) { "nn.Module" } else { "nn.Criterion" };
    let base: Table = lua.named_registry_value::<Table>(CLASSES)?.raw_get(base)?;
    // A method of a parent class of the prelude (a decorator's) stays.
    let give = |name: &str, method: Function| {
        let inherited: LuaValue = mt.get(name)?;
        let is_plain = inherited.is_nil() || inherited == base.raw_get::<LuaValue>(name)?;
        if is_plain { mt.raw_set(name, method) } else { Ok(()) }
    };
    type Pair = (Table, LuaValue, LuaValue);
    match spec.build {
        Build::Module(_) => {
            give(
                "updateOutput",
                lua.create_function(move |lua, (object, input): (Table, LuaValue)| {
                    update_output(lua, spec, &object, &input)
                })?,
            )?;
            give(
                "updateGradInput",
                lua.create_function(move |lua, (object, input, grad): Pair| {
                    update_grad_input(lua, spec, &object, &input, &grad)
                })?,
            )?;
            give(
                "accGradParameters",
                lua.create_function(move |lua, (object, input, grad, scale): (_, _, _, Option<f64>)| {
                    acc_grad_parameters(lua, spec, &object, &input, &grad, scale.unwrap_or(1.0))
                })?,
            )
        }
        Build::Criterion(_) => {
            give(
                "updateOutput",
                lua.create_function(move |lua, (object, input, target): Pair| {
                    criterion_output(lua, spec, &object, &input, &target)
                })?,
            )?;
            give(
                "updateGradInput",
                lua.create_function(move |lua, (object, input, target): Pair| {
                    criterion_grad(lua, spec, &object, &input, &target)
                })?,
            )
        }
    }
}

/// Builds one object for one call: parameters are fresh leaves on the fields' memory.
struct OneCall {
    fields: LuaFields,
    differentiable: bool,
    parameters: Vec<(String, tch::Tensor)>,
}

impl OneCall {
    fn new(lua: &Lua, object: &Table, differentiable: bool) -> OneCall {
        OneCall { fields: LuaFields::new(lua, object), differentiable, parameters: Vec::new() }
    }

    fn module(&mut self, spec: &Spec) -> Result<Box<dyn Module>> {
        match spec.build {
            Build::Module(build) => build(self),
            Build::Criterion(_) => {
                Err(Error::new(Kind::Network, format!("{} is a criterion, not a module", spec.name())))
            }
        }
    }

    fn criterion(&mut self, spec: &Spec) -> Result<Box<dyn Criterion>> {
        match spec.build {
            Build::Criterion(build) => build(self),
            Build::Module(_) => Err(Error::new(Kind::Network, format!("{} is a module, not a criterion", spec.name()))),
        }
    }

    /// `object.train`, which modules that care set to true at birth.
    fn mode(&self) -> Result<Mode> {
        let training = self.fields.table.get::<LuaValue>("train").or_page(&self.fields.lua)?;
        Ok(if matches!(training, LuaValue::Boolean(false)) { Mode::Evaluate } else { Mode::Train })
    }
}

impl Builder for OneCall {
    fn fields(&self) -> &dyn Fields {
        &self.fields
    }

    fn parameter(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        let Some(tensor) = (&self.fields as &dyn Fields).tensor(name)? else { return Ok(None) };
        let leaf = tensor.view().detach();
        let leaf = if self.differentiable && leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf };
        self.parameters.push((name.to_string(), leaf.shallow_clone()));
        Ok(Some(leaf))
    }

    fn buffer(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        Ok((&self.fields as &dyn Fields).tensor(name)?.map(|tensor| tensor.view()))
    }

    fn children(&mut self) -> Result<Vec<Rc<Node>>> {
        Lowering::for_call(&self.fields.lua).children(&self.fields.table, "")
    }

    fn child(&mut self, name: &str) -> Result<Rc<Node>> {
        Lowering::for_call(&self.fields.lua).child(&self.fields.table, name, "")
    }

    fn ask(&mut self, method: &str) -> Result<Value> {
        self.fields.ask(method)
    }

    fn criterion(&mut self, name: &str) -> Result<Box<dyn Criterion>> {
        Lowering::for_call(&self.fields.lua).criterion_in(&self.fields.table, name)
    }

    fn criteria(&mut self, name: &str) -> Result<Vec<Box<dyn Criterion>>> {
        Lowering::for_call(&self.fields.lua).criteria(&self.fields.table, name)
    }
}

fn update_output(lua: &Lua, spec: &Spec, object: &Table, input: &LuaValue) -> mlua::Result<LuaValue> {
    let mut call = OneCall::new(lua, object, false);
    let module = call.module(spec).map_err(Error::into_lua)?;
    let activity = activity_from_lua(input, "input")?;
    let output = tch::no_grad(|| {
        let mode = call.mode()?;
        drawing(lua, |generator| module.forward(&activity, &mut Context::with_generator(mode, generator)))
    })
    .map_err(Error::into_lua)?;
    module.save(&call.fields).map_err(Error::into_lua)?;
    let (old, like) = (object.get("output")?, call.fields.tensor_type());
    let stored = match sharing::store_output(lua, spec, object, input, &old, &output, like)? {
        Some(stored) => stored,
        None => store_activity(lua, &old, &output, like)?,
    };
    object.set("output", &stored)?;
    Ok(stored)
}

/// One differentiable rerun of the module and the product with `grad`: gradients for the input's tensors (when
/// `for_input`) and for the parameters (otherwise).
fn product(
    lua: &Lua,
    spec: &Spec,
    object: &Table,
    input: &LuaValue,
    grad: &LuaValue,
    for_input: bool,
) -> mlua::Result<(Activity, OneCall, Vec<tch::Tensor>)> {
    let mut call = OneCall::new(lua, object, !for_input);
    let module = call.module(spec).map_err(Error::into_lua)?;
    let input = activity_from_lua(input, "input")?;
    if !for_input && call.parameters.is_empty() {
        return Ok((input, call, vec![]));
    }
    let grad = activity_from_lua(grad, "gradOutput")?;
    let run = || -> Result<(Activity, Vec<tch::Tensor>)> {
        let input = input.map(&mut |tensor| {
            let leaf = tensor.detach();
            Ok(if for_input && leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf })
        })?;
        let mode = call.mode()?;
        let (output, cuts) = drawing(lua, |generator| {
            let mut context = Context::with_generator(mode, generator).replaying();
            let output = module.forward(&input, &mut context)?;
            Ok::<_, Error>((output, context.take_cuts()))
        })?;
        let fits = |(y, g): (&&tch::Tensor, &&tch::Tensor)| y.numel() == g.numel();
        let (outputs, grads) = (output.tensors(), grad.tensors());
        if outputs.len() != grads.len() || !outputs.iter().zip(&grads).all(fits) {
            return Err(Error::new(Kind::Shape, "gradOutput has another shape than the output (size mismatch)")
                .with_fact("output", output.shape())
                .with_fact("gradOutput", grad.shape()));
        }
        let leaves: Vec<&tch::Tensor> =
            if for_input { input.tensors() } else { call.parameters.iter().map(|(_, leaf)| leaf).collect() };
        let wanted: Vec<usize> = (0..leaves.len()).filter(|&i| leaves[i].requires_grad()).collect();
        let mut found: Vec<Option<tch::Tensor>> = leaves.iter().map(|_| None).collect();
        if let (Some(root), false) = (nn::product(&output, &grad)?, wanted.is_empty()) {
            let real: Vec<&tch::Tensor> = wanted.iter().map(|&i| leaves[i]).collect();
            nn::pull_back(root, cuts, &real, &mut |i, part| {
                let sum = &mut found[wanted[i]];
                *sum = Some(match sum.take() {
                    Some(sum) => sum.f_add(&part)?,
                    None => part,
                });
                Ok(())
            })?;
        }
        let grads = leaves
            .iter()
            .zip(found)
            .map(|(leaf, grad)| match grad {
                Some(grad) => Ok(grad),
                None if leaf.is_floating_point() => Ok(leaf.detach().f_zeros_like()?),
                // Indices and masks have a gradient of the module's type.
                None => Ok(leaf.f_to_kind(call.fields.tensor_type().element.kind())?.f_zeros_like()?),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok((input, grads))
    };
    let (input, grads) = tch::with_grad(run).map_err(Error::into_lua)?;
    Ok((input, call, grads))
}

fn update_grad_input(
    lua: &Lua,
    spec: &Spec,
    object: &Table,
    input: &LuaValue,
    grad: &LuaValue,
) -> mlua::Result<LuaValue> {
    let old: LuaValue = object.get("gradInput")?;
    if old.is_nil() {
        return Ok(LuaValue::Nil);
    }
    let (input, call, grads) = product(lua, spec, object, input, grad, true)?;
    let mut grads = grads.into_iter();
    let grad_input = input
        .map(&mut |_| grads.next().ok_or_else(|| Error::new(Kind::Torch, "libtorch gave too few gradients")))
        .map_err(Error::into_lua)?;
    let stored = match sharing::store_gradient(lua, spec, object, grad, &old, &grad_input)? {
        Some(stored) => stored,
        None => store_activity(lua, &old, &grad_input, call.fields.tensor_type())?,
    };
    object.set("gradInput", &stored)?;
    Ok(stored)
}

fn acc_grad_parameters(
    lua: &Lua,
    spec: &Spec,
    object: &Table,
    input: &LuaValue,
    grad: &LuaValue,
    scale: f64,
) -> mlua::Result<()> {
    let (_, call, grads) = product(lua, spec, object, input, grad, false)?;
    for ((name, _), grad) in call.parameters.iter().zip(grads) {
        if let Some(sum) = tensor::from_lua(&object.get(gradient_field(name))?) {
            let scaled = (grad * scale).to_kind(sum.tensor_type().element.kind()).reshape(sum.size());
            let _ = sum.view().f_add_(&scaled).map_err(|error| Error::from(error).into_lua())?;
        }
    }
    Ok(())
}

/// The native accGradParameters of `object`, for classes whose own one does more.
pub(super) fn accumulate(
    lua: &Lua,
    (object, input, grad, scale): (Table, LuaValue, LuaValue, f64),
) -> mlua::Result<()> {
    match super::native::spec_of(&object) {
        Some(spec) => acc_grad_parameters(lua, spec, &object, &input, &grad, scale),
        None => Ok(()),
    }
}

/// The native updateGradInput of `object`, for classes whose own one does more.
pub(super) fn gradient(lua: &Lua, (object, input, grad): (Table, LuaValue, LuaValue)) -> mlua::Result<LuaValue> {
    match super::native::spec_of(&object) {
        Some(spec) => update_grad_input(lua, spec, &object, &input, &grad),
        None => Ok(LuaValue::Nil),
    }
}

/// `weight` → `gradWeight`.
pub(super) fn gradient_field(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase()).unwrap_or_default();
    format!("grad{first}{}", letters.as_str())
}

/// A criterion built for one call, with its input and target.
struct LossCall {
    criterion: Box<dyn Criterion>,
    input: Activity,
    target: Activity,
    tensor_type: TensorType,
}

impl LossCall {
    /// A target of nil (`L1Cost`) is an empty table.
    fn new(lua: &Lua, spec: &Spec, object: &Table, input: &LuaValue, target: &LuaValue) -> mlua::Result<LossCall> {
        let mut call = OneCall::new(lua, object, false);
        let criterion = call.criterion(spec).map_err(Error::into_lua)?;
        let input = activity_from_lua(input, "input")?;
        let target = if target.is_nil() { Activity::Table(vec![]) } else { activity_from_lua(target, "target")? };
        Ok(LossCall { criterion, input, target, tensor_type: call.fields.tensor_type() })
    }

    fn loss(&self, lua: &Lua, input: &Activity) -> Result<tch::Tensor> {
        drawing(lua, |generator| {
            self.criterion.forward(input, &self.target, &mut Context::with_generator(Mode::Train, generator))
        })
    }
}

fn criterion_output(
    lua: &Lua,
    spec: &Spec,
    object: &Table,
    input: &LuaValue,
    target: &LuaValue,
) -> mlua::Result<LuaValue> {
    let call = LossCall::new(lua, spec, object, input, target)?;
    let loss = tch::no_grad(|| Ok(call.loss(lua, &call.input)?.f_double_value(&[])?)).map_err(Error::into_lua)?;
    object.set("output", loss)?;
    Ok(LuaValue::Number(loss))
}

fn criterion_grad(
    lua: &Lua,
    spec: &Spec,
    object: &Table,
    input: &LuaValue,
    target: &LuaValue,
) -> mlua::Result<LuaValue> {
    let call = LossCall::new(lua, spec, object, input, target)?;
    let grad_input = tch::with_grad(|| -> Result<Activity> {
        let input = call.input.map(&mut |tensor| Ok(tensor.detach().set_requires_grad(tensor.is_floating_point())))?;
        let loss = call.loss(lua, &input)?;
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
    .map_err(Error::into_lua)?;
    let stored = store_activity(lua, &object.get("gradInput")?, &grad_input, call.tensor_type)?;
    object.set("gradInput", &stored)?;
    Ok(stored)
}
