//! Modules, containers and criteria that a network file writes in Lua, and methods that it replaces on one object: each
//! file of `tests/lua/custom` makes a network twice, with the user's own code (`OWN`) and out of native classes. Both
//! must train to the same numbers, by the engine that `digits-rs run` uses and by the methods called from Lua.

use digits::{
    frontend::{
        NetworkParams, Source,
        lua::{
            load, torch_vm,
            vm::{Limit, VmOptions},
        },
    },
    nn::Activity,
    optim::{OptimizerKind, OptimizerSpec},
    train::engine::{EngineOptions, engine},
};

use crate::tree;

const STEPS: i64 = 5;
const RATE: f64 = 0.05;
const BATCH: i64 = 6;

/// What a training run came to.
#[derive(Debug)]
struct Trained {
    losses: Vec<f64>,
    weights: Vec<f64>,
    output: Vec<f64>,
    last: f64,
}

impl Trained {
    /// The largest difference to another run, relative to what is compared. Hidden parameters are not compared.
    fn distance(&self, other: &Trained) -> f64 {
        let pairs = [(&self.losses, &other.losses), (&self.output, &other.output), (&self.weights, &other.weights)];
        let far = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            let scale = a.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
            a.iter().zip(b).map(|(a, b)| (a - b).abs() / scale).fold(0.0, larger)
        };
        assert_eq!((self.losses.len(), self.output.len()), (other.losses.len(), other.output.len()));
        let last = (self.last - other.last).abs();
        let same_parameters = self.weights.len() == other.weights.len();
        pairs[..if same_parameters { 3 } else { 2 }].iter().map(|pair| far(*pair)).fold(last, larger)
    }
}

/// The larger of two numbers; no number when one of them is none.
fn larger(one: f64, other: f64) -> f64 {
    if other > one || other.is_nan() { other } else { one }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(tree::root().join("tests/lua").join(path)).unwrap()
}

fn text(name: &str, own: bool) -> String {
    format!("OWN = {own} {}", read(&format!("custom/{name}.lua")))
}

/// The number at place `i` of batch `step`; Lua computes the same.
fn number(step: i64, i: i64) -> f64 {
    ((1000 * step + 7 * i) as f64).sin()
}

fn batch(step: i64, kind: tch::Kind) -> (tch::Tensor, Activity) {
    let numbers = |from: i64, count: i64| (from..from + count).map(|i| number(step, i)).collect::<Vec<f64>>();
    let x = tch::Tensor::from_slice(&numbers(0, BATCH * 12)).view([BATCH, 3, 2, 2]).to_kind(kind);
    let t = tch::Tensor::from_slice(&numbers(5000, BATCH * 4)).view([BATCH, 4]).to_kind(kind);
    (x, Activity::Tensor(t))
}

/// By the engine that a run takes.
fn lowered(name: &str, own: bool, kind: tch::Kind) -> Trained {
    let params = NetworkParams { input_shape: Some([3, 2, 2]), ..NetworkParams::default() };
    let loaded = load(Source::pasted("net.lua", &text(name, own)), &params, VmOptions::default(), 1)
        .unwrap_or_else(|page| panic!("{name}: {page}"));
    let network = loaded.lower(kind, tch::Device::Cpu).unwrap_or_else(|page| panic!("{name}: {page}"));
    let rule = OptimizerSpec { kind: OptimizerKind::Sgd, momentum: 0.0, weight_decay: 0.0, ..OptimizerSpec::default() };
    let options = EngineOptions { batch_size: BATCH as usize, threads: 1, ..EngineOptions::default() };
    let mut engine = engine(network, &rule, &options).unwrap();
    for step in 1..=STEPS {
        let (x, t) = batch(step, kind);
        engine.step(&x, &t, RATE, 1).unwrap_or_else(|page| panic!("{name}, OWN = {own}: {page}"));
    }
    let losses = engine.take_losses().unwrap();
    let (x, t) = batch(STEPS + 1, kind);
    let (last, output) = engine.evaluate(&x, &t).unwrap();
    let numbers = |tensor: &tch::Tensor| Vec::try_from(tensor.to_kind(tch::Kind::Double).reshape([-1])).unwrap();
    let weights = numbers(&engine.network().parameters.flat.view());
    Trained { losses, weights, output: numbers(output.tensors()[0]), last }
}

/// By `net:forward` and `net:backward`.
fn eager(name: &str, own: bool) -> Trained {
    let vm = torch_vm(VmOptions::default()).unwrap();
    let make = vm.load("net.lua", &text(name, own)).unwrap();
    let train = vm.load("eager_training.lua", &read("eager_training.lua")).unwrap();
    let samples = format!(
        "return function(step)
            local function numbers(from, count)
               local list = {{}}
               for i = 1, count do list[i] = math.sin(1000 * step + 7 * (from + i - 1)) end
               return torch.DoubleTensor(list)
            end
            return numbers(0, {BATCH} * 12):view({BATCH}, 3, 2, 2), numbers(5000, {BATCH} * 4):view({BATCH}, 4)
         end"
    );
    let samples = vm.load("samples.lua", &samples).unwrap();
    let (losses, weights, output, last) = vm
        .guard(Limit::None, "in the test", || {
            vm.lua().load("torch.manualSeed(1)").exec()?;
            let net: mlua::Table = make.call(())?;
            let samples: mlua::Function = samples.call(())?;
            let (model, loss): (mlua::Table, mlua::Table) = (net.get("model")?, net.get("loss")?);
            train.call((model, loss, samples, STEPS, RATE))
        })
        .unwrap_or_else(|page| panic!("{name}, OWN = {own}, eager: {page}"));
    Trained { losses, weights, output, last }
}

#[test]
fn the_user_s_own_code_trains_like_native_classes() {
    tch::set_num_threads(1);
    let names: Vec<String> = tree::files("tests/lua/custom")
        .iter()
        .filter_map(|path| path.strip_suffix(".lua").map(str::to_string))
        .collect();
    assert!(names.len() > 10, "tests/lua/custom is not there");
    let mut complaints = Vec::new();
    for name in &names {
        let native = lowered(name, false, tch::Kind::Double);
        let moved = (native.losses[0] - native.losses[STEPS as usize - 1]).abs();
        assert!(moved > 1e-4, "{name} learns nothing: {:?}", native.losses);
        let mut check = |what: &str, run: &Trained, tolerance: f64| {
            let distance = native.distance(run);
            if distance.is_nan() || distance > tolerance {
                complaints
                    .push(format!("{name}, {what}: off by {distance}\n  {:?}\n  {:?}", native.losses, run.losses));
            }
        };
        check("own, lowered", &lowered(name, true, tch::Kind::Double), 1e-9);
        check("native, eager", &eager(name, false), 1e-9);
        check("own, eager", &eager(name, true), 1e-9);
        // In f32 other engines than autograd may take the network: they must see what was replaced, too.
        check("native, lowered in f32", &lowered(name, false, tch::Kind::Float), 1e-4);
        check("own, lowered in f32", &lowered(name, true, tch::Kind::Float), 1e-4);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
