//! What the front end costs: a training step of a lowered network against the same network written by hand with tch
//! (the ratio must stay at or below 1.05), and `m:forward(x)` called from Lua against libtorch's own call (at most 20 µs
//! more for a Linear).
//!
//! `cargo bench --bench lowering [-- WORD …]`, where the words pick networks by name. The variants take turns and each number is a median over rounds, since other programs
//! disturb the clock.
#![expect(clippy::print_stdout, reason = "a bench tells its numbers")]

mod cases;

use std::{hint::black_box, time::Instant};

use digits::{
    frontend::{
        NetworkParams, Source,
        lua::{
            load, torch_vm,
            vm::{Limit, VmOptions},
        },
    },
    nn::Activity,
    optim::OptimizerSpec,
    train::engine::{Engine, EngineOptions, engine},
};
use tch::{
    Kind, Tensor,
    nn::{self, OptimizerConfig},
};

use cases::Case;

const ROUNDS: usize = 31;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Median seconds a call of each of two functions that take turns, and the median of the rounds' ratios.
fn race(calls: u32, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (f64, f64, f64) {
    let mut times = (Vec::new(), Vec::new());
    let clock = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..calls).for_each(|_| run());
        start.elapsed().as_secs_f64() / f64::from(calls)
    };
    for round in 0..=ROUNDS {
        let pair = (clock(&mut ours), clock(&mut theirs));
        // The first round warms caches and allocators.
        if round > 0 {
            times.0.push(pair.0);
            times.1.push(pair.1);
        }
    }
    let ratios = times.0.iter().zip(&times.1).map(|(a, b)| a / b).collect();
    (median(times.0), median(times.1), median(ratios))
}

/// The lowered network in the engine that `digits-rs run` trains it with.
fn lowered(case: &Case, input: &Tensor) -> Box<dyn Engine> {
    let size = input.size();
    let sample = [size[1], size[2], size[3]];
    let params = NetworkParams { input_shape: Some(sample), ..NetworkParams::default() };
    let loaded =
        load(Source::pasted("net.lua", case.lua), &params, VmOptions::default(), 1).expect("the file is right");
    let network = loaded.lower(Kind::Float, tch::Device::Cpu).expect("every module is native");
    let options = EngineOptions {
        batch_size: size[0] as usize,
        threads: 1,
        force_autograd: false,
        sample: Some(sample.to_vec()),
        ..EngineOptions::default()
    };
    let engine = engine(network, &OptimizerSpec::default(), &options).expect("the settings are right");
    engine.surroundings().grant();
    engine
}

fn steps(only: &[String]) {
    println!("{:<28} {:>12} {:>12} {:>8}  engine", "one training step", "lowered, ms", "by hand, ms", "ratio");
    for case in cases::ALL.iter().filter(|case| only.is_empty() || only.iter().any(|word| case.name.contains(word))) {
        let input = (case.input)();
        let labels = (case.target)(&input);
        let mut engine = lowered(case, &input);
        tch::set_num_threads(1);
        let target = Activity::Tensor(labels.shallow_clone());
        let store = nn::VarStore::new(tch::Device::Cpu);
        let forward = (case.by_hand)(&store.root());
        let mut optimizer = nn::sgd(0.9, 0.9, 1e-4, false).build(&store, 0.01).expect("the settings are right");
        let (ours, hand, ratio) = race(
            5,
            || engine.step(&input, &target, 0.01, 1).expect("the batch fits"),
            || optimizer.backward_step(&(case.loss)(&forward(&input), &labels)),
        );
        let name = engine.describe();
        println!("{:<28} {:>12.3} {:>12.3} {ratio:>8.3}  {name}", case.name, ours * 1e3, hand * 1e3);
        black_box(engine.take_losses().expect("the losses can be read"));
    }
}

fn eager() {
    let calls = 2000;
    let vm = torch_vm(VmOptions::default()).expect("a machine");
    let text = format!(
        "local m, x = nn.Linear(64, 64), torch.randn(16, 64); return function() for _ = 1, {calls} do m:forward(x) end end"
    );
    let make = vm.load("eager.lua", &text).expect("it is Lua");
    let run = vm.guard(Limit::Build, "in the bench", || make.call::<mlua::Function>(())).expect("it runs");
    let float = (Kind::Float, tch::Device::Cpu);
    let (x, weight, bias) =
        (Tensor::randn([16, 64], float), Tensor::randn([64, 64], float), Tensor::randn([64], float));
    let (ours, theirs, _) = race(
        1,
        || vm.guard(Limit::None, "in the bench", || run.call::<()>(())).expect("it runs"),
        || {
            tch::no_grad(|| (0..calls).for_each(|_| _ = black_box(x.linear(&weight, Some(&bias)))));
        },
    );
    let (ours, theirs) = (ours / f64::from(calls), theirs / f64::from(calls));
    println!(
        "\nnn.Linear(64, 64):forward(16 x 64) from Lua {:.1} µs, libtorch's call {:.1} µs: {:.1} µs more",
        ours * 1e6,
        theirs * 1e6,
        (ours - theirs) * 1e6
    );
}

fn main() {
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    tch::set_num_threads(1);
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    steps(&only);
    eager();
}
