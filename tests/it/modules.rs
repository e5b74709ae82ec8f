//! Every class of `nn` as a user has it, driven through Lua: built, printed, run, differentiated, cloned, saved, converted
//! and lowered, and compared with reference numbers.
//!
//! The cases are `tests/golden/nn/*.json`; the formulas that made their numbers are the `*.py` beside them (`make.py`), and
//! nothing else writes them. With `DIGITS_TEST_DEVICE=cuda` the lowered networks run there, with
//! `DIGITS_TEST_KIND=f32` in 32 bits. What is done with a case is `tests/lua/nn/every.lua`. A class without a case fails.

use std::{cell::RefCell, collections::BTreeSet};

use digits::{
    frontend::lua::{
        self, tensor, torch_vm,
        vm::{Limit, Vm, VmOptions},
    },
    nn::{self, Activity, Context, Mode, Network},
    torch::{Element, Generator, Tensor, TensorType, backward::Weighted},
};
use mlua::{Function, Lua, Table, Value};
use rayon::prelude::*;

use crate::tree;

/// The seed of every run of a case: noise is compared too.
const SEED: u64 = 7;

/// Why the recurrent classes of cuDNN have none.
const CUDNN: &str = "cuDNN's layout of weights; tests/lua/whole_scripts.lua has its formulas and gradients";

/// Classes that no case covers, with the reason.
const NOT_COVERED: &[(&str, &str)] = &[
    ("nn.Module", "abstract"),
    ("nn.Container", "abstract"),
    ("nn.Criterion", "abstract"),
    ("nn.StochasticGradient", "a trainer, not a module; tests/scripts/classic_training.lua runs it"),
    ("nn.DataParallelTable", "copies its module to several GPUs"),
    ("nn.Reinforce", "abstract"),
    ("nn.ReinforceBernoulli", "draws samples; tests/lua/dpnn_sampling.lua"),
    ("nn.ReinforceCategorical", "draws samples; tests/lua/dpnn_sampling.lua"),
    ("nn.ReinforceNormal", "draws samples; tests/lua/dpnn_sampling.lua"),
    ("nn.ReinforceGamma", "draws samples; tests/lua/dpnn_sampling.lua"),
    ("nn.NCEModule", "draws samples; tests/lua/dpnn_sampling.lua"),
    ("nn.VRClassReward", "hands out rewards; tests/lua/dpnn_sampling.lua"),
    ("nn.BinaryClassReward", "hands out rewards; tests/lua/dpnn_sampling.lua"),
    ("nn.NCECriterion", "takes what nn.NCEModule gives; tests/lua/dpnn_sampling.lua"),
    ("nn.SpatialGlimpse", "no gradient for its place; tests/lua/dpnn_sampling.lua"),
    ("nn.SpatialBinaryConvolution", "its gradients are no derivatives; tests/lua/dpnn_sampling.lua"),
    ("cudnn.RNN", CUDNN),
    ("cudnn.RNNReLU", CUDNN),
    ("cudnn.RNNTanh", CUDNN),
    ("cudnn.LSTM", CUDNN),
    ("cudnn.BLSTM", CUDNN),
    ("cudnn.GRU", CUDNN),
    ("cudnn.BGRU", CUDNN),
    ("inn.ConstAffine", "tests/lua/whole_scripts.lua has its Jacobian"),
    ("nngraph.Node", "a node of a graph that is being built, not a module; nn.gModule has cases"),
];

/// One file of `tests/golden/nn`: its kind and its cases.
pub(crate) fn cases() -> Vec<(String, Vec<serde_json::Value>)> {
    let files = tree::files("tests/golden/nn");
    let kinds = files.iter().filter_map(|path| path.strip_suffix(".json"));
    kinds
        .map(|kind| {
            let path = tree::root().join("tests/golden/nn").join(format!("{kind}.json"));
            let mut golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            assert_eq!(golden["made_by"], format!("tests/golden/nn/{kind}.py"), "{kind}.json names another recipe");
            let serde_json::Value::Array(cases) = golden["cases"].take() else { panic!("{kind}.json has no cases") };
            (kind.to_string(), cases)
        })
        .collect()
}

/// A machine with every package that brings classes; tensors are doubles, as in `th`.
pub(crate) fn machine() -> Vm {
    let vm = torch_vm(VmOptions { memory_limit: 0, ..VmOptions::default() }).unwrap();
    let text = "for _, name in ipairs{'nngraph', 'dpnn', 'cudnn', 'inn'} do require(name) end \
                torch.setdefaulttensortype('torch.DoubleTensor')";
    vm.guard(Limit::None, "in a test", || vm.lua().load(text).exec()).unwrap();
    vm
}

#[test]
fn every_case_agrees_with_its_numbers_and_does_what_a_module_must() {
    tch::set_num_threads(1);
    let faults: Vec<String> = cases()
        .into_par_iter()
        .flat_map_iter(|(_, cases)| {
            let vm = machine();
            let (run, _) = driver(vm.lua());
            cases.into_iter().filter_map(move |case| {
                let title = format!("{} with {}", text(&case["make"]), text(&case["input"]));
                let argument = to_lua(vm.lua(), &case).unwrap();
                let faults: Vec<String> = vm.guard(Limit::None, "in a test", || run.call(argument)).unwrap();
                (!faults.is_empty()).then(|| format!("{title}\n    {}", faults.join("\n    ")))
            })
        })
        .collect();
    assert!(faults.is_empty(), "{} cases fail:\n{}", faults.len(), faults.join("\n"));
}

/// One truth: a case of each class is what its `SPEC` gives as example.
#[test]
fn every_class_has_a_case_and_every_spec_s_example_is_one() {
    let cases: Vec<serde_json::Value> = cases().into_iter().flat_map(|(_, cases)| cases).collect();
    let covered: BTreeSet<&str> = cases.iter().map(|case| text(&case["class"])).collect();
    let vm = machine();
    let classes: Table = vm.lua().named_registry_value("torch.classes").unwrap();
    let mut wrong = vec![];
    for pair in classes.pairs::<String, Table>() {
        let (class, _) = pair.unwrap();
        let is_ours = ["nn.", "cudnn.", "inn.", "nngraph."].iter().any(|library| class.starts_with(library));
        let exception = NOT_COVERED.iter().any(|(name, _)| *name == class);
        if is_ours && covered.contains(&*class) == exception {
            wrong
                .push(format!("{class}: {}", if exception { "covered, though excepted" } else { "no case covers it" }));
        }
    }
    for spec in nn::specs() {
        let probe = spec.probe;
        let own = |case: &serde_json::Value| {
            text(&case["input"]) == probe.input && case["target"].as_str().unwrap_or_default() == probe.target
        };
        if !cases.iter().any(|case| text(&case["class"]) == spec.name() && own(case)) {
            wrong.push(format!("{}: no case has its example's input, {} {}", spec.name(), probe.input, probe.target));
        }
    }
    assert!(wrong.is_empty(), "rows are missing in tests/golden/nn/*.py:\n{}", wrong.join("\n"));
}

pub(crate) fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `run(case)` and `printed(expression)` of the driver.
pub(crate) fn driver(lua: &Lua) -> (Function, Function) {
    let lower = lua.create_function(lowered).unwrap();
    let text = std::fs::read_to_string(tree::root().join("tests/lua/nn/every.lua")).unwrap();
    let chunk = lua.load(text).set_name("@every.lua");
    let (output, gradient) = allowed();
    chunk.call((lower, output, gradient, kind() == tch::Kind::Double)).unwrap()
}

/// Lowers a model and a criterion, runs them, and answers `{output, gradInput, gradParameters}`. `other` is the gradient of
/// the output; for a criterion the target, and the output is the loss.
#[allow(clippy::type_complexity)]
pub(crate) fn lowered(
    lua: &Lua,
    (model, criterion, input, other, evaluates, differentiates, is_criterion): (
        Table,
        Table,
        Value,
        Value,
        bool,
        bool,
        Option<bool>,
    ),
) -> mlua::Result<Table> {
    let page = |error: digits::error::Error| mlua::Error::runtime(error.to_string());
    let device = device().map_err(page)?;
    let network = lua::lower(lua, &model, &criterion, kind(), device).map_err(page)?;
    let typed = |x: tch::Tensor| if x.is_floating_point() { x.f_to_kind(kind()) } else { Ok(x) };
    let there = |value: &Value| activity(value)?.map(&mut |x| Ok(typed(x.f_to_device(device)?)?)).map_err(page);
    let (input, other) = (there(&input)?, there(&other)?);
    let mode = if evaluates { Mode::Evaluate } else { Mode::Train };
    let run = || -> digits::error::Result<(Activity, Activity)> {
        let input = input.map(&mut |x| Ok(x.copy().set_requires_grad(x.is_floating_point())))?;
        let root = || {
            let generator = RefCell::new(Generator::new(SEED));
            // Modules written in Lua draw from the machine's own generator.
            *tensor::generator(lua).borrow_mut() = Generator::new(SEED);
            let mut cx = Context::with_generator(mode, &generator);
            let output = network.forward(&input, &mut cx)?;
            let (output, root) = if is_criterion.unwrap_or(false) {
                let loss = network.loss(&output, &other, &mut cx)?;
                (loss.shallow_clone().into(), Some(loss))
            } else if differentiates {
                let root = weighted_sum(&output, &other)?;
                (output, root)
            } else {
                (output, None)
            };
            Ok::<_, digits::error::Error>((output, root, cx.take_cuts()))
        };
        let (output, sum, cuts) = root()?;
        let leaves: Vec<&tch::Tensor> = input.tensors().into_iter().filter(|x| x.requires_grad()).collect();
        let mut grads: Vec<tch::Tensor> = leaves.iter().map(|x| x.zeros_like()).collect();
        if let Some(sum) = sum {
            let sum = Weighted { output: sum, weight: None };
            for (grad, found) in grads.iter_mut().zip(nn::gradients(vec![sum], cuts, &leaves)?) {
                *grad = found.unwrap_or_else(|| grad.shallow_clone());
            }
            network.parameters.zero_grad()?;
            let (_, sum, cuts) = root()?;
            if let Some(sum) = sum {
                network.backward(&sum, cuts)?;
            }
        }
        let mut grads = grads.into_iter();
        let grad_input = input.map(&mut |x| {
            if x.requires_grad() { Ok(grads.next().expect("one for each leaf")) } else { Ok(x.shallow_clone()) }
        })?;
        Ok((output, grad_input))
    };
    let (output, grad_input) = tch::with_grad(run).map_err(page)?;
    let answer = lua.create_table()?;
    answer.set("output", from_activity(lua, &output)?)?;
    answer.set("gradInput", from_activity(lua, &grad_input)?)?;
    answer.set("gradParameters", gradients(lua, &network)?)?;
    Ok(answer)
}

/// The numbers of the lowered networks.
fn kind() -> tch::Kind {
    match std::env::var("DIGITS_TEST_KIND").as_deref() {
        Ok("f32") => tch::Kind::Float,
        _ => tch::Kind::Double,
    }
}

/// How far output and gradients of a lowered network may be from those of the modules in f64 on the processor.
fn allowed() -> (f64, f64) {
    let is_here = device().is_ok_and(|device| device == tch::Device::Cpu);
    match (kind(), is_here) {
        (tch::Kind::Float, _) => (1e-4, 1e-3),
        (_, true) => (1e-12, 1e-9),
        // Another device adds in another order.
        (_, false) => (1e-10, 1e-8),
    }
}

/// Σ output · weight, over all tensors; `None` when none is in a graph.
fn weighted_sum(output: &Activity, weight: &Activity) -> digits::error::Result<Option<tch::Tensor>> {
    let mut sum: Option<tch::Tensor> = None;
    for Weighted { output, weight } in nn::weighted(output, weight)? {
        let part = weight.map_or_else(|| output.shallow_clone(), |weight| &output * weight).sum(output.kind());
        sum = Some(sum.map_or_else(|| part.shallow_clone(), |sum| sum + &part));
    }
    Ok(sum)
}

/// Where the lowered networks run.
fn device() -> digits::error::Result<tch::Device> {
    let asked = std::env::var("DIGITS_TEST_DEVICE").unwrap_or_else(|_| "cpu".into());
    Ok(digits::torch::device::resolve(asked.parse()?)?.device())
}

fn gradients(lua: &Lua, network: &Network) -> mlua::Result<Table> {
    let list = lua.create_table()?;
    for parameter in &network.parameters.list {
        list.raw_push(from_tch(lua, &parameter.grad)?)?;
    }
    Ok(list)
}

fn activity(value: &Value) -> mlua::Result<Activity> {
    if let Some(tensor) = tensor::from_lua(value) {
        return Ok(tensor.view().into());
    }
    match value {
        Value::Table(table) => {
            let entries = (1..=table.raw_len()).map(|i| activity(&table.raw_get(i)?));
            Ok(Activity::Table(entries.collect::<mlua::Result<_>>()?))
        }
        Value::Number(number) => Ok(tch::Tensor::from_slice(&[*number]).into()),
        Value::Integer(number) => Ok(tch::Tensor::from_slice(&[*number as f64]).into()),
        Value::Nil => Ok(Activity::Table(vec![])),
        other => Err(mlua::Error::runtime(format!("no input: {}", other.type_name()))),
    }
}

fn from_tch(lua: &Lua, value: &tch::Tensor) -> mlua::Result<Value> {
    let Some(element) = Element::of(value.kind()) else { return Err(mlua::Error::runtime("a type that Torch7 lacks")) };
    if value.dim() == 0 {
        return Ok(Value::Number(value.double_value(&[])));
    }
    let tensor =
        Tensor::from_tch(TensorType { element, cuda: false }, &value.detach().to_device(tch::Device::Cpu).contiguous());
    Ok(Value::UserData(tensor::to_lua(lua, tensor.map_err(|error| mlua::Error::runtime(error.to_string()))?)?))
}

fn from_activity(lua: &Lua, activity: &Activity) -> mlua::Result<Value> {
    match activity {
        Activity::Tensor(tensor) => from_tch(lua, tensor),
        Activity::Table(entries) => {
            let entries = entries.iter().map(|entry| from_activity(lua, entry)).collect::<mlua::Result<Vec<_>>>()?;
            Ok(Value::Table(lua.create_sequence_from(entries)?))
        }
    }
}

/// Objects and arrays become tables; null becomes false, which a list can hold.
pub(crate) fn to_lua(lua: &Lua, value: &serde_json::Value) -> mlua::Result<Value> {
    Ok(match value {
        serde_json::Value::Null => Value::Boolean(false),
        serde_json::Value::Bool(flag) => Value::Boolean(*flag),
        serde_json::Value::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Value::String(lua.create_string(text)?),
        serde_json::Value::Array(list) => {
            let list = list.iter().map(|entry| to_lua(lua, entry)).collect::<mlua::Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(list)?)
        }
        serde_json::Value::Object(fields) => {
            let table = lua.create_table()?;
            for (key, entry) in fields {
                table.set(key.as_str(), to_lua(lua, entry)?)?;
            }
            Value::Table(table)
        }
    })
}
