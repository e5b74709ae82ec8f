//! What the front end costs: a training step of a lowered network against the same network written by hand with tch
//! (the ratio must stay at or below 1.05), and `m:forward(x)` called from Lua against libtorch's own call (at most 20 µs
//! more for a Linear).
//!
//! `cargo bench --bench lowering [-- WORD …]`, where the words pick networks by name. The variants take turns and each
//! number is a median over rounds, since other programs disturb the clock.
#![expect(clippy::print_stdout, reason = "a bench tells its numbers")]

mod networks;

use std::{hint::black_box, time::Instant};

use digits::{
    frontend::lua::{
        torch_vm,
        vm::{Limit, VmOptions},
    },
    train::engine::EngineOptions,
};
use tch::{Kind, Tensor};

use networks::{Case, Group};

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

fn steps(only: &[String]) {
    println!("{:<28} {:>12} {:>12} {:>8}  engine", "one training step", "lowered, ms", "by hand, ms", "ratio");
    let is_picked = |name: &str| only.is_empty() || only.iter().any(|word| name.contains(word));
    // The sketches, and the two networks that everyone knows.
    let is_timed = |case: &Case| case.group == Group::Sketch || ["autoencoder", "LeNet"].contains(&case.name);
    for case in networks::all().iter().filter(|case| is_timed(case) && is_picked(case.name)) {
        let (input, target) = case.batch();
        let mut engine = case.engine(EngineOptions { threads: 1, ..EngineOptions::default() });
        tch::set_num_threads(1);
        let mut by_hand = (case.by_hand)();
        let (ours, hand, ratio) = race(
            5,
            || engine.step(&input, &target, 0.01, 1).expect("the batch fits"),
            || by_hand.step(&input, &target),
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
