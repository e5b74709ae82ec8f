//! The eager protocol: `m:forward(x)`, `m:backward(x, g)`, `criterion:forward(y, t)` called from Lua.
//!
//! Each call takes the Rust module of the object's fields as they are now (`built.rs`), runs the one `forward` that training
//! uses too, and answers gradients in the module's closed form, or as a vector-Jacobian product of `forward`. Results go into
//! the tensor objects of the call before, as Torch7 does.

use std::rc::Rc;

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, LuaString, ObjectLike, Table, Value as LuaValue};

use super::{
    built::{Built, Shelf, field},
    reuse, sharing,
};
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{
        machine::{
            error::{OrPage, contained, raise},
            limits,
        },
        objects::{
            activity::{activity_from_lua, store_activity},
            classes::{class_name, spec_of},
            object::LuaFields,
            value::value_from_lua,
        },
        tensor,
    },
    nn::{self, Activity, Build, Context, Cut, Mode, Spec},
    torch::{TensorType, backward::Weighted},
};

/// What every eager call of one class needs at hand.
#[derive(Clone)]
struct Class {
    spec: &'static Spec,
    shelf: Shelf,
    train: LuaString,
    output: LuaString,
    grad_input: LuaString,
    /// `updateGradInput` and `accGradParameters`
    halves: [LuaString; 2],
}

impl Class {
    fn new(lua: &Lua, spec: &'static Spec, shelf: &Shelf) -> mlua::Result<Class> {
        let name = |name| shelf.name(lua, name);
        Ok(Class {
            spec,
            shelf: shelf.clone(),
            train: name("train")?,
            output: name("output")?,
            grad_input: name("gradInput")?,
            halves: [name("updateGradInput")?, name("accGradParameters")?],
        })
    }

    fn of(lua: &Lua, object: &Table) -> mlua::Result<Option<Class>> {
        let shelf = lua.app_data_ref::<Shelf>().map(|shelf| shelf.clone());
        let (Some(spec), Some(shelf)) = (spec_of(object), shelf) else { return Ok(None) };
        Class::new(lua, spec, &shelf).map(Some)
    }

    /// The module of one call. Every eager call comes by here, and any of them may take long.
    fn built(&self, lua: &Lua, object: &Table, differentiable: bool) -> Result<Rc<Built>> {
        limits::look(lua).or_page(lua)?;
        self.shelf.built(lua, self.spec, object, differentiable)
    }

    /// `object.train`, which modules that care set to true at birth.
    fn mode(&self, object: &Table) -> mlua::Result<Mode> {
        let training = field(object, &self.train)?;
        Ok(if matches!(training, LuaValue::Boolean(false)) { Mode::Evaluate } else { Mode::Train })
    }
}

/// Gives a class the native methods that it does not define in the prelude.
pub(in crate::frontend::lua) fn install(lua: &Lua, mt: &Table, spec: &'static Spec, shelf: &Shelf) -> mlua::Result<()> {
    let base = if matches!(spec.build, Build::Module(_)) { "nn.Module" } else { "nn.Criterion" };
    let base: Table = tensor::classes(lua)?.raw_get(base)?;
    // A method of a parent class of the prelude (a decorator's) stays.
    let give = |name: &str, method: Function| {
        let inherited: LuaValue = mt.get(name)?;
        let is_plain = inherited.is_nil() || inherited == base.raw_get::<LuaValue>(name)?;
        if is_plain { mt.raw_set(name, method) } else { Ok(()) }
    };
    let class = Class::new(lua, spec, shelf)?;
    match spec.build {
        Build::Module(_) => {
            give("updateOutput", method(lua, &class, update_output)?)?;
            give("updateGradInput", method(lua, &class, update_grad_input)?)?;
            give("accGradParameters", method(lua, &class, acc_grad_parameters)?)?;
            let halves: [LuaValue; 2] = [mt.get("updateGradInput")?, mt.get("accGradParameters")?];
            // Where the prelude has a half of its own, nn.Module's backward calls both.
            let are_native = [mt.raw_get::<LuaValue>("updateGradInput")?, mt.raw_get("accGradParameters")?] == halves
                && halves.iter().all(|half| half.as_function().is_some_and(|half| half.info().what == "C"));
            if !are_native {
                return Ok(());
            }
            give("backward", lua.create_function(move |lua, call| contained(|| backward(lua, &class, &halves, call)))?)
        }
        Build::Criterion(_) => {
            give("updateOutput", method(lua, &class, criterion_output)?)?;
            give("updateGradInput", method(lua, &class, criterion_grad)?)
        }
    }
}

/// A method of this class as a Lua function.
fn method<A: FromLuaMulti + 'static, R: IntoLuaMulti + 'static>(
    lua: &Lua,
    class: &Class,
    f: fn(&Lua, &Class, A) -> mlua::Result<R>,
) -> mlua::Result<Function> {
    let class = class.clone();
    lua.create_function(move |lua, call| contained(|| f(lua, &class, call)))
}

/// The arguments of `updateOutput`: object, input.
type Forward = (Table, LuaValue);
/// Of `updateGradInput`: object, input, gradOutput; of a criterion's methods: object, input, target.
type Pair = (Table, LuaValue, LuaValue);
/// Of `backward` and `accGradParameters`: object, input, gradOutput, scale.
type Scaled = (Table, LuaValue, LuaValue, LuaValue);

/// The third argument of `backward` and `accGradParameters`, 1 where it is left out.
fn scale_of(lua: &Lua, object: &Table, value: &LuaValue) -> mlua::Result<f64> {
    if value.is_nil() {
        return Ok(1.0);
    }
    lua.coerce_number(value.clone())?.ok_or_else(|| {
        let what = format!("#3 (scale) to {}", class_name(object).unwrap_or_default());
        raise(Error::new(Kind::Argument, value_from_lua(value).misfit(&what, "number")))
    })
}

/// What a module or a criterion may be given.
const WANTED: &str = "a tensor or a table of tensors";

/// Argument `number` of a method of `object`.
fn argument(lua: &Lua, object: &Table, value: &LuaValue, number: usize, name: &str) -> mlua::Result<Activity> {
    if value.is_nil() {
        let what = format!("#{number} ({name}) to {}", class_name(object).unwrap_or_default());
        return Err(raise(Error::new(Kind::Argument, nn::Value::Nil.misfit(&what, WANTED))));
    }
    activity_from_lua(lua, value, name)
}

fn update_output(lua: &Lua, class: &Class, (object, input): Forward) -> mlua::Result<LuaValue> {
    let built = class.built(lua, &object, false).map_err(raise)?;
    let module = built.module().map_err(raise)?;
    let activity = argument(lua, &object, &input, 1, "input")?;
    let old = field(&object, &class.output)?;
    if !sharing::shares(class.spec, &object)?
        && let Some(target) = reuse::output_in(&old, &built, &activity)
        && tch::no_grad(|| module.forward_into(&activity, &target)).map_err(raise)?
    {
        return Ok(old);
    }
    let mode = class.mode(&object)?;
    let generator = tensor::generator(lua);
    let output =
        tch::no_grad(|| module.forward(&activity, &mut Context::with_generator(mode, &generator))).map_err(raise)?;
    drop(generator);
    module.save(&LuaFields::new(lua, &object)).map_err(raise)?;
    let stored = match sharing::store_output(lua, class.spec, &object, &input, &old, &output, built.tensor_type)? {
        Some(stored) => stored,
        None => store_activity(lua, &old, &output, built.tensor_type)?,
    };
    if stored != old {
        object.set(&class.output, &stored)?;
    }
    Ok(stored)
}

/// What one differentiable rerun of a module gave.
struct Product {
    input: Activity,
    built: Rc<Built>,
    /// One for each tensor of the input, when they were wanted, then one for each parameter, when they were.
    grads: std::vec::IntoIter<tch::Tensor>,
}

impl Product {
    /// The gradient for the input, which comes first.
    fn for_input(&mut self) -> Result<Activity> {
        let grads = &mut self.grads;
        let few = || Error::new(Kind::Torch, "libtorch gave too few gradients");
        self.input.map(&mut |_| grads.next().ok_or_else(few))
    }
}

/// What a product is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wanted {
    input: bool,
    parameters: bool,
}

/// One differentiable rerun of the module and the product with the call's gradient.
fn product(lua: &Lua, class: &Class, object: &Table, call: &Backward, wanted: Wanted) -> mlua::Result<Product> {
    let Backward { built, input, grad } = call;
    // Parameters must be leaves of a graph when gradients by them are wanted.
    let built = if wanted.parameters { class.built(lua, object, true).map_err(raise)? } else { Rc::clone(built) };
    let mode = class.mode(object)?;
    let generator = tensor::generator(lua);
    let run = || -> Result<(Activity, Vec<tch::Tensor>)> {
        let input = input.map(&mut |tensor| {
            let leaf = tensor.detach();
            Ok(if wanted.input && leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf })
        })?;
        let mut context = Context::with_generator(mode, &generator).replaying();
        let output = built.module()?.forward(&input, &mut context)?;
        let is_exact = !built.module()?.takes_reshaped_gradient();
        let fits = |(y, g): (&&tch::Tensor, &&tch::Tensor)| {
            if is_exact { y.size() == g.size() } else { y.numel() == g.numel() }
        };
        let (outputs, grads) = (output.tensors(), grad.tensors());
        if outputs.len() != grads.len() || !outputs.iter().zip(&grads).all(fits) {
            return Err(Error::new(Kind::Shape, "gradOutput has another shape than the output")
                .with_fact("output", output.shape())
                .with_fact("gradOutput", grad.shape()));
        }
        let mut leaves: Vec<&tch::Tensor> = if wanted.input { input.tensors() } else { vec![] };
        if wanted.parameters {
            leaves.extend(built.parameters.iter().map(|parameter| &parameter.leaf));
        }
        let grads = gradients(&leaves, nn::weighted(&output, grad)?, context.take_cuts())?;
        let grads = leaves.iter().zip(grads).map(|(leaf, grad)| match grad {
            Some(grad) => Ok(grad),
            None if leaf.is_floating_point() => Ok(leaf.detach().f_zeros_like()?),
            // Indices and masks have a gradient of the module's type.
            None => Ok(leaf.f_to_kind(built.tensor_type.element.kind())?.f_zeros_like()?),
        });
        let grads = grads.collect::<Result<Vec<_>>>()?;
        Ok((input, grads))
    };
    let (input, grads) = tch::with_grad(run).map_err(raise)?;
    Ok(Product { input, built, grads: grads.into_iter() })
}

/// The gradients of the sum of `roots` for those `leaves` that are in a graph.
fn gradients(leaves: &[&tch::Tensor], roots: Vec<Weighted>, cuts: Vec<Cut>) -> Result<Vec<Option<tch::Tensor>>> {
    let real: Vec<usize> = (0..leaves.len()).filter(|&i| leaves[i].requires_grad()).collect();
    let mut found: Vec<Option<tch::Tensor>> = leaves.iter().map(|_| None).collect();
    if !roots.is_empty() && !real.is_empty() {
        let wanted: Vec<&tch::Tensor> = real.iter().map(|&i| leaves[i]).collect();
        for (i, gradient) in real.into_iter().zip(nn::gradients(roots, cuts, &wanted)?) {
            found[i] = gradient;
        }
    }
    Ok(found)
}

/// A call of backward, or of a half of it: a module, its input and the gradient of its output.
struct Backward {
    built: Rc<Built>,
    input: Activity,
    grad: Activity,
}

impl Backward {
    fn new(lua: &Lua, built: Rc<Built>, object: &Table, input: &LuaValue, grad: &LuaValue) -> mlua::Result<Backward> {
        let input = argument(lua, object, input, 1, "input")?;
        Ok(Backward { built, input, grad: argument(lua, object, grad, 2, "gradOutput")? })
    }

    /// gradInput in closed form, stored; `None` when the module leaves it to autograd.
    fn input_gradient(
        &self,
        lua: &Lua,
        class: &Class,
        object: &Table,
        grad: &LuaValue,
        old: &LuaValue,
    ) -> mlua::Result<Option<LuaValue>> {
        let module = self.built.module().map_err(raise)?;
        if !sharing::shares_gradient(class.spec, object)?
            && let Some(target) = reuse::gradient_in(old, &self.built, &self.input, &self.grad)?
            && tch::no_grad(|| module.input_gradient_into(&self.input, &self.grad, &target)).map_err(raise)?
        {
            return Ok(Some(old.clone()));
        }
        let gradient = || module.input_gradient(&self.input, &self.grad);
        let Some(gradient) = tch::no_grad(gradient).map_err(raise)? else { return Ok(None) };
        let stored = store_gradient(lua, class, object, grad, old, &gradient, self.built.tensor_type)?;
        if stored != *old {
            object.set(&class.grad_input, &stored)?;
        }
        Ok(Some(stored))
    }

    /// Adds the gradients of the parameters to the object's.
    fn accumulate(&self, lua: &Lua, class: &Class, object: &Table, scale: f64) -> mlua::Result<()> {
        let has_closed_form = match self.sums(object)? {
            Some(sums) if !sums.is_empty() => {
                let closed_form = || self.built.module()?.accumulate(&self.input, &self.grad, scale, &sums);
                tch::no_grad(closed_form).map_err(raise)?
            }
            sums => sums.is_some(),
        };
        if has_closed_form {
            return Ok(());
        }
        let wanted = Wanted { input: false, parameters: true };
        accumulated(class, object, product(lua, class, object, self, wanted)?, scale)
    }

    /// Where the gradients of the parameters are added up; `None` where one is missing or has another shape, which autograd's way
    /// treats as Torch7 does.
    fn sums(&self, object: &Table) -> mlua::Result<Option<Vec<tch::Tensor>>> {
        let mut sums = Vec::with_capacity(self.built.parameters.len());
        for parameter in &self.built.parameters {
            let Some(sum) = tensor::from_lua(&field(object, &parameter.gradient)?) else { return Ok(None) };
            let sum = sum.view();
            if sum.kind() != parameter.leaf.kind() || sum.size() != parameter.leaf.size() {
                return Ok(None);
            }
            sums.push(sum);
        }
        Ok(Some(sums))
    }
}

/// nn.Module's backward, in one rerun of the module where neither of its halves was replaced by the user.
fn backward(
    lua: &Lua,
    class: &Class,
    halves: &[LuaValue; 2],
    (object, input, grad, scale): Scaled,
) -> mlua::Result<LuaValue> {
    let scale = scale_of(lua, &object, &scale)?;
    let [input_half, parameter_half] = &class.halves;
    let now: [LuaValue; 2] = [object.get(input_half)?, object.get(parameter_half)?];
    let old = field(&object, &class.grad_input)?;
    if now != *halves || old.is_nil() {
        object.call_method::<()>("updateGradInput", (&input, &grad))?;
        object.call_method::<()>("accGradParameters", (&input, &grad, scale))?;
        return field(&object, &class.grad_input);
    }
    let call = Backward::new(lua, class.built(lua, &object, false).map_err(raise)?, &object, &input, &grad)?;
    if let Some(stored) = call.input_gradient(lua, class, &object, &grad, &old)? {
        call.accumulate(lua, class, &object, scale)?;
        return Ok(stored);
    }
    let mut product = product(lua, class, &object, &call, Wanted { input: true, parameters: true })?;
    let grad_input = product.for_input().map_err(raise)?;
    let stored = store_gradient(lua, class, &object, &grad, &old, &grad_input, product.built.tensor_type)?;
    object.set(&class.grad_input, &stored)?;
    accumulated(class, &object, product, scale)?;
    Ok(stored)
}

fn update_grad_input(lua: &Lua, class: &Class, (object, input, grad): Pair) -> mlua::Result<LuaValue> {
    let old = field(&object, &class.grad_input)?;
    if old.is_nil() {
        return Ok(LuaValue::Nil);
    }
    let call = Backward::new(lua, class.built(lua, &object, false).map_err(raise)?, &object, &input, &grad)?;
    if let Some(stored) = call.input_gradient(lua, class, &object, &grad, &old)? {
        return Ok(stored);
    }
    let mut product = product(lua, class, &object, &call, Wanted { input: true, parameters: false })?;
    let grad_input = product.for_input().map_err(raise)?;
    let stored = store_gradient(lua, class, &object, &grad, &old, &grad_input, product.built.tensor_type)?;
    object.set(&class.grad_input, &stored)?;
    Ok(stored)
}

/// Puts gradInput where the module's class wants it: into the tensors of the call before, or in place.
fn store_gradient(
    lua: &Lua,
    class: &Class,
    object: &Table,
    grad: &LuaValue,
    old: &LuaValue,
    grad_input: &Activity,
    like: TensorType,
) -> mlua::Result<LuaValue> {
    match sharing::store_gradient(lua, class.spec, object, grad, old, grad_input, like)? {
        Some(stored) => Ok(stored),
        None => store_activity(lua, old, grad_input, like),
    }
}

fn acc_grad_parameters(lua: &Lua, class: &Class, (object, input, grad, scale): Scaled) -> mlua::Result<()> {
    if class.shelf.never_learns(&object)? {
        return Ok(());
    }
    let built = class.built(lua, &object, false).map_err(raise)?;
    if built.parameters.is_empty() {
        return Ok(());
    }
    Backward::new(lua, built, &object, &input, &grad)?.accumulate(lua, class, &object, scale_of(lua, &object, &scale)?)
}

/// Adds the gradients of the parameters, which are what is left of `product`, to the object's.
fn accumulated(class: &Class, object: &Table, product: Product, scale: f64) -> mlua::Result<()> {
    for (parameter, grad) in product.built.parameters.iter().zip(product.grads) {
        let sum = field(object, &parameter.gradient)?;
        // Torch7 hands batch normalisation's to C, which leaves out what is not there; all others it indexes.
        if sum.is_nil() && !class.spec.classes[0].ends_with("BatchNormalization") {
            let name = parameter.gradient.to_string_lossy();
            return Err(mlua::Error::runtime(format!("attempt to index field '{name}' (a nil value)")));
        }
        if let Some(sum) = tensor::from_lua(&sum) {
            let add = || -> Result<()> {
                let grad = nn::scaled(&grad, scale)?;
                let _ = sum.view().f_add_(&grad.f_to_kind(sum.tensor_type().element.kind())?.f_reshape(sum.size())?)?;
                Ok(())
            };
            add().map_err(raise)?;
        }
    }
    Ok(())
}

/// The native accGradParameters of `object`, for classes whose own one does more.
pub(in crate::frontend::lua) fn accumulate(lua: &Lua, call: Scaled) -> mlua::Result<()> {
    match Class::of(lua, &call.0)? {
        Some(class) => acc_grad_parameters(lua, &class, call),
        None => Ok(()),
    }
}

/// The native updateGradInput of `object`, for classes whose own one does more.
pub(in crate::frontend::lua) fn gradient(lua: &Lua, call: Pair) -> mlua::Result<LuaValue> {
    match Class::of(lua, &call.0)? {
        Some(class) => update_grad_input(lua, &class, call),
        None => Ok(LuaValue::Nil),
    }
}

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

fn criterion_output(lua: &Lua, class: &Class, (object, input, target): Pair) -> mlua::Result<LuaValue> {
    let call = LossCall::new(lua, class, &object, &input, &target)?;
    let loss = tch::no_grad(|| Ok(call.loss(lua, &call.input)?.f_double_value(&[])?)).map_err(raise)?;
    object.set(&class.output, loss)?;
    Ok(LuaValue::Number(loss))
}

fn criterion_grad(lua: &Lua, class: &Class, (object, input, target): Pair) -> mlua::Result<LuaValue> {
    let call = LossCall::new(lua, class, &object, &input, &target)?;
    let closed_form = || call.built.criterion()?.input_gradient(&call.input, &call.target);
    let grad_input = match tch::no_grad(closed_form).map_err(raise)? {
        Some(gradient) => gradient,
        None => call.differentiated(lua).map_err(raise)?,
    };
    let stored = store_activity(lua, &field(&object, &class.grad_input)?, &grad_input, call.built.tensor_type)?;
    object.set(&class.grad_input, &stored)?;
    Ok(stored)
}
