//! The eager protocol: `m:forward(x)`, `m:backward(x, g)`, `criterion:forward(y, t)` called from Lua.
//!
//! Each call takes the Rust module of the object's fields as they are now (`built.rs`), runs the one `forward` that training
//! uses too, and answers gradients in the module's closed form, or as a vector-Jacobian product of `forward`. Results go into
//! the tensor objects of the call before, as Torch7 does.

use std::rc::Rc;

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, ObjectLike, Table, Value as LuaValue};

use super::{
    again::{Repeat, Work},
    built::{Built, Shelf, field},
    class::{Class, Forward, Pair, Scaled, argument},
    losses::{criterion_grad, criterion_output},
    passing, reuse,
    sharing::{self, Memory},
};
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{
        machine::error::{contained, raise},
        objects::{activity::store_activity, classes::class_name, object::LuaFields, value::value_from_lua},
        tensor,
    },
    nn::{self, Activity, Build, Context, Cut, Module, Spec},
    torch::{
        backward::Weighted,
        direct::{are_alike, below_autograd, write_below_autograd},
    },
};

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

fn update_output(lua: &Lua, class: &Class, (object, input): Forward) -> mlua::Result<LuaValue> {
    let built = class.built(lua, &object, false).map_err(raise)?;
    let module = built.module().map_err(raise)?;
    let old = field(&object, &class.output)?;
    let (memory, repeat) = (class.memory_of_output(&object)?, &built.repeats.output);
    let into = |given: &[Activity], out: &Activity| {
        let out = out.tensor()?;
        write_below_autograd(&[out], || module.forward_into(&given[0], out))
    };
    if memory != Memory::InPlace && repeated(repeat, (&[&input], &old), into)? {
        built.note_written(&old);
        return Ok(old);
    }
    let given: Rc<[Activity]> = Rc::new([argument(lua, &object, &input, 1, "input")?]);
    if memory == Memory::Own
        && let Some(target) = reuse::output_in(&old, &built, &[&given[0]]).map(Activity::Tensor)
        && into(&given, &target).map_err(raise)?
    {
        if built.is_kept() {
            repeat.keep_into((&[&input], given), (&old, target))?;
        }
        built.note_written(&old);
        return Ok(old);
    }
    let mode = class.mode(&object)?;
    let generator = tensor::generator(lua);
    let output =
        tch::no_grad(|| module.forward(&given[0], &mut Context::with_generator(mode, &generator))).map_err(raise)?;
    drop(generator);
    module.save(&LuaFields::new(lua, &object)).map_err(raise)?;
    let stored = match sharing::store(lua, memory, &input, &old, &output, built.tensor_type)? {
        Some(stored) => stored,
        None => store_activity(lua, &old, &output, built.tensor_type)?,
    };
    if stored != old {
        object.set(&class.output, &stored)?;
    }
    if memory == Memory::Looks && built.is_kept() {
        repeat.keep_looking(&[&input], &stored)?;
    }
    built.note_written(&stored);
    Ok(stored)
}

/// Whether this call is like the one before, and the field has its result: `into` has written it where it went then.
fn repeated(
    repeat: &Repeat,
    (given, old): (&[&LuaValue], &LuaValue),
    into: impl FnOnce(&[Activity], &Activity) -> Result<bool>,
) -> mlua::Result<bool> {
    let Some(again) = repeat.of(given, old)? else { return Ok(false) };
    match &again.work {
        Work::Into { given, out } => into(given, out).map_err(raise),
        Work::Nothing => Ok(true),
    }
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

/// A call of backward, or of a half of it.
struct Backward<'a> {
    lua: &'a Lua,
    class: &'a Class,
    object: &'a Table,
    built: Rc<Built>,
    input: &'a LuaValue,
    grad: &'a LuaValue,
    /// The object's output as the module wrote it, of one that reads it.
    output: Option<LuaValue>,
}

impl<'a> Backward<'a> {
    fn new(
        lua: &'a Lua,
        class: &'a Class,
        object: &'a Table,
        [input, grad]: [&'a LuaValue; 2],
    ) -> mlua::Result<Backward<'a>> {
        let built = class.built(lua, object, false).map_err(raise)?;
        let reads = built.module().map_err(raise)?.reads_its_output();
        let output = if reads { Some(field(object, &class.output)?) } else { None };
        // What works in place behind the module may have changed it.
        let output = output.filter(|output| built.is_as_written(output));
        Ok(Backward { lua, class, object, output, built, input, grad })
    }

    fn given(&self) -> Vec<&LuaValue> {
        [Some(self.input), Some(self.grad), self.output.as_ref()].into_iter().flatten().collect()
    }

    /// Input, gradOutput and, where it is a tensor that the module reads, the output.
    fn activities(&self) -> mlua::Result<Rc<[Activity]>> {
        if let Some(again) = self.built.repeats.grad_input.given(&self.given())?
            && let Work::Into { given, .. } = &again.work
        {
            return Ok(Rc::clone(given));
        }
        let mut all = vec![
            argument(self.lua, self.object, self.input, 1, "input")?,
            argument(self.lua, self.object, self.grad, 2, "gradOutput")?,
        ];
        all.extend(self.output.as_ref().and_then(tensor::from_lua).map(|y| Activity::Tensor(y.view())));
        Ok(all.into())
    }

    /// gradInput in closed form, stored; `None` when the module leaves it to autograd. `old` is what its field holds.
    fn input_gradient(&self, old: &LuaValue) -> mlua::Result<Option<LuaValue>> {
        let Backward { class, object, built, .. } = self;
        let (memory, repeat) = (class.memory_of_gradient(object)?, &built.repeats.grad_input);
        let module = built.module().map_err(raise)?;
        let into = |given: &[Activity], out: &Activity| {
            write_below_autograd(&out.tensors(), || closed_form_into(module, given, out))
        };
        if memory != Memory::InPlace && repeated(repeat, (&self.given(), old), into)? {
            return Ok(Some(old.clone()));
        }
        let given = self.activities()?;
        if memory == Memory::Own
            && !passing::was_passed_on(old)?
            && let Some(target) = reuse::gradient_in(old, built, &given)?
            && into(&given, &target).map_err(raise)?
        {
            if built.is_kept() {
                repeat.keep_into((&self.given(), given), (old, target))?;
            }
            return Ok(Some(old.clone()));
        }
        let Some(gradient) = below_autograd(|| closed_form(module, &given)).map_err(raise)? else { return Ok(None) };
        let stored = self.store(memory, old, &gradient)?;
        if memory == Memory::Looks && built.is_kept() {
            repeat.keep_looking(&self.given(), &stored)?;
        }
        Ok(Some(stored))
    }

    /// Puts gradInput where the module's class wants it: into the tensors of the call before, or in place.
    fn store(&self, memory: Memory, old: &LuaValue, gradient: &Activity) -> mlua::Result<LuaValue> {
        let like = self.built.tensor_type;
        let old = if passing::was_passed_on(old)? { &LuaValue::Nil } else { old };
        let stored = match sharing::store(self.lua, memory, self.grad, old, gradient, like)? {
            Some(stored) => stored,
            None => store_activity(self.lua, old, gradient, like)?,
        };
        if stored != *old {
            self.object.set(&self.class.grad_input, &stored)?;
        }
        Ok(stored)
    }

    /// Adds the gradients of the parameters to the object's.
    fn accumulate(&self, scale: f64) -> mlua::Result<()> {
        let has_closed_form = match self.sums()? {
            Some(sums) if !sums.is_empty() => {
                let given = self.activities()?;
                let closed_form = || self.built.module()?.accumulate(&given[0], &given[1], scale, &sums);
                write_below_autograd(&sums.iter().collect::<Vec<_>>(), closed_form).map_err(raise)?
            }
            sums => sums.is_some(),
        };
        if has_closed_form {
            return Ok(());
        }
        accumulated(self.class, self.object, self.product(Wanted { input: false, parameters: true })?, scale)
    }

    /// Where the gradients of the parameters are added up; `None` where one is missing or has another shape, which autograd's way
    /// treats as Torch7 does.
    fn sums(&self) -> mlua::Result<Option<Vec<tch::Tensor>>> {
        let mut sums = Vec::with_capacity(self.built.parameters.len());
        for parameter in &self.built.parameters {
            let Some(sum) = tensor::from_lua(&field(self.object, &parameter.gradient)?) else { return Ok(None) };
            let sum = sum.view();
            if !are_alike(&sum, &parameter.leaf) {
                return Ok(None);
            }
            sums.push(sum);
        }
        Ok(Some(sums))
    }

    /// One differentiable rerun of the module and the product with the call's gradient.
    fn product(&self, wanted: Wanted) -> mlua::Result<Product> {
        let Backward { lua, class, object, .. } = self;
        // Parameters must be leaves of a graph when gradients by them are wanted.
        let built =
            if wanted.parameters { class.built(lua, object, true).map_err(raise)? } else { Rc::clone(&self.built) };
        let mode = class.mode(object)?;
        let generator = tensor::generator(lua);
        let given = self.activities()?;
        let run = || -> Result<(Activity, Vec<tch::Tensor>)> {
            let input = given[0].map(&mut |tensor| {
                let leaf = tensor.detach();
                Ok(if wanted.input && leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf })
            })?;
            let mut context = Context::with_generator(mode, &generator).replaying();
            let output = built.module()?.forward(&input, &mut context)?;
            let is_exact = !built.module()?.takes_reshaped_gradient();
            let fits = |(y, g): (&&tch::Tensor, &&tch::Tensor)| {
                if is_exact { y.size() == g.size() } else { y.numel() == g.numel() }
            };
            let (outputs, grads) = (output.tensors(), given[1].tensors());
            if outputs.len() != grads.len() || !outputs.iter().zip(&grads).all(fits) {
                return Err(Error::new(Kind::Shape, "gradOutput has another shape than the output")
                    .with_fact("output", output.shape())
                    .with_fact("gradOutput", given[1].shape()));
            }
            let mut leaves: Vec<&tch::Tensor> = if wanted.input { input.tensors() } else { vec![] };
            if wanted.parameters {
                leaves.extend(built.parameters.iter().map(|parameter| &parameter.leaf));
            }
            let grads = gradients(&leaves, nn::weighted(&output, &given[1])?, context.take_cuts())?;
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

    /// The product's gradient for the input, stored.
    fn take_input(&self, product: &mut Product, old: &LuaValue) -> mlua::Result<LuaValue> {
        let gradient = product.for_input().map_err(raise)?;
        self.store(self.class.memory_of_gradient(self.object)?, old, &gradient)
    }
}

/// What a module makes of input, gradOutput and perhaps its output, in closed form and into `out`.
fn closed_form_into(module: &dyn Module, given: &[Activity], out: &Activity) -> Result<bool> {
    if let [Activity::Tensor(x), Activity::Tensor(g), Activity::Tensor(y)] = given
        && let Activity::Tensor(out) = out
        && [g, y, out].into_iter().all(|t| are_alike(x, t))
        && module.gradient_from_output(y, g, out)?
    {
        return Ok(true);
    }
    module.input_gradient_into(&given[0], &given[1], out)
}

/// The same as new tensors; `None` where the module has no closed form.
fn closed_form(module: &dyn Module, given: &[Activity]) -> Result<Option<Activity>> {
    if let [_, _, Activity::Tensor(y)] = given {
        // Without gaps: libtorch's gradient of a softmax goes wrong in others.
        let out = tch::Tensor::f_empty(y.size(), (y.kind(), y.device()))?.into();
        if closed_form_into(module, given, &out)? {
            return Ok(Some(out));
        }
    }
    module.input_gradient(&given[0], &given[1])
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
    let call = Backward::new(lua, class, &object, [&input, &grad])?;
    if let Some(stored) = call.input_gradient(&old)? {
        call.accumulate(scale)?;
        return Ok(stored);
    }
    let mut product = call.product(Wanted { input: true, parameters: true })?;
    let stored = call.take_input(&mut product, &old)?;
    accumulated(class, &object, product, scale)?;
    Ok(stored)
}

fn update_grad_input(lua: &Lua, class: &Class, (object, input, grad): Pair) -> mlua::Result<LuaValue> {
    let old = field(&object, &class.grad_input)?;
    if old.is_nil() {
        return Ok(LuaValue::Nil);
    }
    let call = Backward::new(lua, class, &object, [&input, &grad])?;
    match call.input_gradient(&old)? {
        Some(stored) => Ok(stored),
        None => call.take_input(&mut call.product(Wanted { input: true, parameters: false })?, &old),
    }
}

fn acc_grad_parameters(lua: &Lua, class: &Class, (object, input, grad, scale): Scaled) -> mlua::Result<()> {
    if class.shelf.never_learns(&object)? {
        return Ok(());
    }
    let call = Backward::new(lua, class, &object, [&input, &grad])?;
    if call.built.parameters.is_empty() { Ok(()) } else { call.accumulate(scale_of(lua, &object, &scale)?) }
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
