//! Random numbers: every sampler, and the functions that seed a generator.

use mlua::{Lua, Table, Value};

use crate::{
    frontend::lua::machine::limits,
    frontend::lua::tensor::{
        call::{Answer, Call},
        form::number,
        generator::{LuaGenerator, clock_seed, generator},
        handle::{from_lua, to_lua},
        memory::{count, reserve},
        refusal::{checked, misfit, refuse},
        row::{Results, Row},
    },
    torch::{Generator, Tensor, TensorType},
};

/// Runs `draw` on the generator that was handed in, or on the VM's.
fn with<T>(lua: &Lua, given: Option<&Value>, draw: impl FnOnce(&mut Generator) -> T) -> mlua::Result<T> {
    if let Some(data) = given.and_then(Value::as_userdata)
        && let LuaGenerator::Own(own) = &*data.borrow::<LuaGenerator>()?
    {
        return Ok(draw(&mut own.borrow_mut()));
    }
    Ok(draw(&mut generator(lua).borrow_mut()))
}

/// `torch.manualSeed`, `seed`, `initialSeed`, `getRNGState`, `setRNGState`, each with an optional generator first.
pub(in crate::frontend::lua::tensor) fn install(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    let split = |first: Value, second: Value| {
        if first.is_userdata() && from_lua(&first).is_none() { (Some(first), second) } else { (None, first) }
    };
    torch.raw_set(
        "manualSeed",
        lua.create_function(move |lua, (first, second): (Value, Value)| {
            let (given, seed) = split(first, second);
            let seed = number(&seed).ok_or_else(|| match seed {
                Value::Nil => refuse("#1 (seed) to torch.manualSeed is nil: number expected"),
                _ => refuse("#1 (seed) to torch.manualSeed: number expected"),
            })?;
            with(lua, given.as_ref(), |generator| *generator = Generator::new(seed as i64 as u64))
        })?,
    )?;
    torch.raw_set(
        "seed",
        lua.create_function(move |lua, given: Option<Value>| {
            let seed = clock_seed() & 0xffff_ffff;
            with(lua, given.as_ref(), |generator| *generator = Generator::new(seed))?;
            Ok(seed as f64)
        })?,
    )?;
    torch.raw_set(
        "initialSeed",
        lua.create_function(move |lua, given: Option<Value>| {
            with(lua, given.as_ref(), |generator| generator.initial_seed() as f64)
        })?,
    )?;
    torch.raw_set(
        "getRNGState",
        lua.create_function(move |lua, given: Option<Value>| {
            let bytes = with(lua, given.as_ref(), |generator| generator.state_bytes())?;
            let values: Vec<f64> = bytes.into_iter().map(f64::from).collect();
            to_lua(lua, checked(Tensor::from_values(TensorType::BYTE, &[values.len() as i64], &values))?)
        })?,
    )?;
    torch.raw_set(
        "setRNGState",
        lua.create_function(move |lua, (first, second): (Value, Value)| {
            let (given, state) = split(first, second);
            let state = from_lua(&state).ok_or_else(|| refuse("setRNGState wants a ByteTensor of getRNGState"))?;
            let bytes: Vec<u8> = checked(state.values())?.into_iter().map(|value| value as u8).collect();
            let restored = Generator::from_state_bytes(&bytes)
                .ok_or_else(|| refuse(format!("RNG state is wrong size: {} bytes", bytes.len())))?;
            with(lua, given.as_ref(), |generator| *generator = restored)
        })?,
    )?;
    torch.raw_set("_gen", lua.create_userdata(LuaGenerator::Default)?)
}

/// A new random tensor, its elements drawn one after the other in memory order.
fn drawn(call: &Call, size: &[i64], draw: impl Fn(&mut Generator, &mut [f64])) -> mlua::Result<tch::Tensor> {
    reserve(call.lua, call.tensor_type, count(size), "a random tensor")?;
    let tensor = Tensor::empty(call.tensor_type);
    checked(tensor.resize(size))?;
    fill(call, &tensor, draw)?;
    Ok(tensor.view())
}

/// Draws the elements of `tensor` anew.
fn fill(call: &Call, tensor: &Tensor, draw: impl Fn(&mut Generator, &mut [f64])) -> mlua::Result<()> {
    limits::afford(call.lua, tensor.numel() as f64 * 5e-10, "drawing these numbers")?;
    checked(with(call.lua, call.generator.as_ref(), |generator| tensor.fill_from(|block| draw(generator, block)))?)
}

fn shaped(tensor_type: TensorType, values: &[f64], size: &[i64]) -> mlua::Result<tch::Tensor> {
    let size: Vec<i64> = size.iter().copied().take_while(|&extent| extent > 0).collect();
    Ok(checked(Tensor::from_values(tensor_type, if size.is_empty() { &[0] } else { &size }, values))?.view())
}

/// One sampler: `torch.f(a, b)` answers a number, `t:f(a, b)` fills the tensor.
fn sampler(
    name: &'static str,
    form: &'static str,
    defaults: [f64; 2],
    allowed: fn(f64, f64) -> Result<(), &'static str>,
    draw: fn(&mut Generator, f64, f64) -> f64,
) -> [Row; 2] {
    // A normal tensor is by far the commonest, and has a faster way to the same numbers.
    let is_normal = name == "normal";
    let many = move |generator: &mut Generator, block: &mut [f64], a: f64, b: f64| match is_normal {
        true => generator.normals(block, a, b),
        false => block.fill_with(|| draw(generator, a, b)),
    };
    let parameters = move |call: &Call| {
        let (a, b) = (call.number_or(0, defaults[0]), call.number_or(1, defaults[1]));
        allowed(a, b).map_err(|why| refuse(format!("{name}({a}, {b}): {why}")))?;
        Ok::<_, mlua::Error>((a, b))
    };
    [
        Row::new(name, Results::Object, &[form], move |call| {
            let (a, b) = parameters(call)?;
            fill(call, &call.results[0].0, |generator, block| many(generator, block, a, b))?;
            Ok(Answer::Same)
        })
        .method(),
        Row::new(name, Results::None, &[form], move |call| {
            let (a, b) = parameters(call)?;
            Ok(Answer::Number(with(call.lua, call.generator.as_ref(), |generator| draw(generator, a, b))?))
        })
        .function(),
    ]
}

fn any(_: f64, _: f64) -> Result<(), &'static str> {
    Ok(())
}

fn positive_second(_: f64, b: f64) -> Result<(), &'static str> {
    if b > 0.0 { Ok(()) } else { Err("the standard deviation must be positive") }
}

fn probability(p: f64, _: f64) -> Result<(), &'static str> {
    if (0.0..=1.0).contains(&p) { Ok(()) } else { Err("a probability must be between 0 and 1") }
}

fn open_probability(p: f64, _: f64) -> Result<(), &'static str> {
    if p > 0.0 && p < 1.0 { Ok(()) } else { Err("the probability must be between 0 and 1") }
}

/// A whole number by `random([a,] b)`'s rules; NaN marks a missing bound.
fn whole(generator: &mut Generator, element: crate::torch::Element, a: f64, b: f64) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (true, _) => generator.whole(element),
        (false, true) => generator.between(1, a as i64) as f64,
        (false, false) => generator.between(a as i64, b as i64) as f64,
    }
}

fn check_range(a: f64, b: f64) -> mlua::Result<()> {
    let (low, high) = if b.is_nan() { (1.0, a) } else { (a, b) };
    if !a.is_nan() && high < low {
        return Err(refuse(format!("random({low}, {high}): upper bound must be larger than lower bound")));
    }
    Ok(())
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = [
        sampler("uniform", "n?n?", [0.0, 1.0], any, Generator::uniform),
        sampler("normal", "n?n?", [0.0, 1.0], positive_second, Generator::normal),
        sampler("exponential", "n?", [1.0, 1.0], any, |generator, rate, _| generator.exponential(rate)),
        sampler("cauchy", "n?n?", [0.0, 1.0], any, Generator::cauchy),
        sampler("logNormal", "n?n?", [1.0, 2.0], positive_second, Generator::log_normal),
        sampler("geometric", "n", [0.5, 1.0], open_probability, |generator, p, _| generator.geometric(p)),
        sampler("bernoulli", "n?", [0.5, 1.0], probability, |generator, p, _| {
            f64::from(u8::from(generator.bernoulli(p)))
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    let by_probabilities = |call: &Call| {
        let own = &call.results[0].0;
        let probabilities = checked(call.tensor(0).values())?;
        if probabilities.len() as i64 != own.numel() {
            return Err(misfit("inconsistent tensor size: one probability for each element is wanted"));
        }
        let values = with(call.lua, call.generator.as_ref(), |generator| {
            probabilities.iter().map(|p| f64::from(u8::from(generator.bernoulli(*p)))).collect::<Vec<f64>>()
        })?;
        checked(own.copy_from(&shaped(own.tensor_type(), &values, &own.size())?))?;
        Ok(Answer::Same)
    };
    // `t:bernoulli(tensor of p)` takes the place of the plain method, which it includes.
    let plain = rows.iter().position(|row| row.name == "bernoulli").map(|at| rows.remove(at));
    if let Some(plain) = plain {
        rows.push(plain.or("x", by_probabilities));
    }
    let random = |call: &Call| {
        let (a, b) = (call.number_or(0, f64::NAN), call.number_or(1, f64::NAN));
        check_range(a, b)?;
        Ok::<_, mlua::Error>((a, b))
    };
    rows.extend([
        Row::new("random", Results::Object, &["n?n?"], move |call| {
            let (a, b) = random(call)?;
            let element = call.tensor_type.element;
            fill(call, &call.results[0].0, |generator, block| {
                block.fill_with(|| whole(generator, element, a, b));
            })?;
            Ok(Answer::Same)
        })
        .method(),
        Row::new("random", Results::None, &["n?n?"], move |call| {
            let (a, b) = random(call)?;
            let element = crate::torch::Element::Long;
            Ok(Answer::Number(with(call.lua, call.generator.as_ref(), |generator| whole(generator, element, a, b))?))
        })
        .function(),
        Row::new("rand", Results::One, &["z"], |call| {
            let uniform =
                |generator: &mut Generator, block: &mut [f64]| block.fill_with(|| generator.uniform(0.0, 1.0));
            Ok(Answer::Tensor(drawn(call, &call.sizes(0), uniform)?))
        }),
        Row::new("randn", Results::One, &["z"], |call| {
            let normal = |generator: &mut Generator, block: &mut [f64]| generator.normals(block, 0.0, 1.0);
            Ok(Answer::Tensor(drawn(call, &call.sizes(0), normal)?))
        }),
        Row::new("randperm", Results::One, &["i"], |call| {
            let n = call.int(0);
            if n < 1 {
                return Err(refuse(format!("randperm({n}): must be strictly positive")));
            }
            reserve(call.lua, TensorType::DOUBLE, n, "a permutation")?;
            let order = with(call.lua, call.generator.as_ref(), |generator| generator.permutation(n as usize))?;
            Ok(Answer::Tensor(shaped(call.tensor_type, &order, &[n])?))
        }),
        Row::new("multinomial", Results::One, &["tib?"], multinomial).of_indices(),
        Row::new("multinomialAliasSetup", Results::None, &["tT?"], alias_setup),
        Row::new("multinomialAlias", Results::None, &["xT"], alias_draw),
    ]);
    rows
}

/// `{J, q}` for [`alias_draw`]: for each outcome its stand-in (0-based, as Torch7 keeps it, plus one) and the share it
/// keeps itself. A state that is handed in is filled again.
fn alias_setup(call: &Call) -> mlua::Result<Answer> {
    let weights = checked(call.tensor(0).values())?;
    if call.tensor(0).dim() != 1 {
        return Err(misfit(format!("a vector of probabilities is wanted, not {:?}", call.tensor(0).size())));
    }
    let (others, kept) = checked(crate::torch::alias_table(&weights))?;
    let size = [weights.len() as i64];
    let others = checked(Tensor::from_values(TensorType::LONG, &size, &others))?;
    let kept = checked(Tensor::from_values(call.tensor_type, &size, &kept))?;
    let state = match call.value(1) {
        Value::Table(state) => state,
        _ => call.lua.create_table()?,
    };
    for (at, made) in [(1, others), (2, kept)] {
        match from_lua(&state.raw_get::<Value>(at)?).filter(|old| old.tensor_type() == made.tensor_type()) {
            Some(old) => checked(old.resize_and_copy(&made.view()))?,
            None => state.raw_set(at, to_lua(call.lua, made)?)?,
        }
    }
    Ok(Answer::Values(mlua::MultiValue::from_vec(vec![Value::Table(state)])))
}

/// Fills a `LongTensor` with 1-based draws by Walker's alias method: two numbers of the generator a draw.
fn alias_draw(call: &Call) -> mlua::Result<Answer> {
    let Value::Table(state) = call.value(1) else { return Err(refuse("a state of multinomialAliasSetup is wanted")) };
    let part = |at: i64| {
        from_lua(&state.raw_get::<Value>(at)?).ok_or_else(|| refuse("a state of multinomialAliasSetup is wanted"))
    };
    let (others, kept) = (checked(part(1)?.values())?, checked(part(2)?.values())?);
    let own = call.tensor(0);
    if own.tensor_type() != TensorType::LONG || others.len() != kept.len() || others.is_empty() {
        return Err(refuse("multinomialAlias wants a LongTensor and a state of multinomialAliasSetup"));
    }
    reserve(call.lua, TensorType::LONG, own.numel(), "the samples")?;
    limits::afford(call.lua, own.numel() as f64 * 1e-9, "multinomialAlias")?;
    let drawn: Vec<i64> = with(call.lua, call.generator.as_ref(), |generator| {
        (0..own.numel())
            .map(|_| {
                let at = (generator.uniform(0.0, others.len() as f64) as usize).min(others.len() - 1);
                if generator.bernoulli(kept[at]) { at as i64 + 1 } else { others[at] as i64 }
            })
            .collect()
    })?;
    if !drawn.is_empty() {
        checked(own.copy_from(&checked(tch::Tensor::f_from_slice(&drawn))?))?;
    }
    Ok(Answer::Same)
}

/// 1-based `LongTensor` of draws: `[n]` of a vector of weights, `[rows, n]` of a matrix.
fn multinomial(call: &Call) -> mlua::Result<Answer> {
    let (weights, n) = (call.tensor(0), call.int(1));
    let columns = weights.size().last().copied().unwrap_or(0);
    if n < 1 || columns < 1 || weights.dim() > 2 {
        return Err(refuse(format!("cannot draw {n} samples from weights of sizes {:?}", weights.size())));
    }
    let all = checked(weights.values())?;
    let samples = n.saturating_mul(weights.numel() / columns);
    reserve(call.lua, TensorType::DOUBLE, samples, "the samples")?;
    limits::afford(call.lua, samples as f64 * columns as f64 * 1e-10, "multinomial")?;
    let mut drawn = Vec::new();
    for row in all.chunks(columns as usize) {
        let one =
            with(call.lua, call.generator.as_ref(), |generator| generator.multinomial(row, n as usize, call.flag(2)))?;
        drawn.extend(checked(one)?);
    }
    let size = if weights.dim() == 1 { vec![n] } else { vec![weights.size()[0], n] };
    let drawn = checked(Tensor::from_values(TensorType::LONG, &size, &drawn))?;
    match call.results.first() {
        Some((result, _)) => {
            checked(result.resize_and_copy(&drawn.view()))?;
            Ok(Answer::Same)
        }
        None => Ok(Answer::Handle(drawn)),
    }
}
