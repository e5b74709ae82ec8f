//! What the front end costs: a training step of a lowered network against the same network written by hand with tch
//! (the ratio must stay at or below 1.05), and `m:forward(x)` called from Lua against libtorch's own call (at most 20 µs
//! more for a Linear).
//!
//! `cargo bench --bench lowering`. The variants take turns and each number is a median over rounds, since other programs
//! disturb the clock.
#![expect(clippy::print_stdout, reason = "a bench tells its numbers")]

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
    nn::{self, ModuleT, OptimizerConfig},
};

const ROUNDS: usize = 41;

/// A network in both forms, with a batch for it.
struct Case {
    name: &'static str,
    lua: &'static str,
    hand: fn(&nn::Path) -> nn::SequentialT,
    shape: [i64; 4],
    classes: i64,
}

const CASES: [Case; 3] = [
    Case {
        name: "LeNet, batch 64",
        lua: "local net = nn.Sequential()
            net:add(nn.SpatialConvolution(1, 20, 5, 5)):add(nn.SpatialMaxPooling(2, 2, 2, 2))
            net:add(nn.SpatialConvolution(20, 50, 5, 5)):add(nn.SpatialMaxPooling(2, 2, 2, 2))
            net:add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(800, 500)):add(nn.ReLU()):add(nn.Linear(500, 10))
            net:add(nn.LogSoftMax())
            return { model = net, loss = nn.ClassNLLCriterion() }",
        hand: lenet,
        shape: [64, 1, 28, 28],
        classes: 10,
    },
    Case {
        name: "ResNet block, batch 16",
        lua: "local function conv() return nn.SpatialConvolution(16, 16, 3, 3, 1, 1, 1, 1):noBias() end
            local body = nn.Sequential():add(conv()):add(nn.SpatialBatchNormalization(16)):add(nn.ReLU(true))
               :add(conv()):add(nn.SpatialBatchNormalization(16))
            local net = nn.Sequential()
               :add(nn.ConcatTable():add(body):add(nn.Identity())):add(nn.CAddTable(true)):add(nn.ReLU(true))
               :add(nn.SpatialAveragePooling(32, 32)):add(nn.View(16):setNumInputDims(3)):add(nn.Linear(16, 10))
            return { model = net, loss = nn.CrossEntropyCriterion() }",
        hand: block,
        shape: [16, 16, 32, 32],
        classes: 10,
    },
    Case {
        name: "MLP with softmax, batch 64",
        lua: "local net = nn.Sequential():add(nn.View(784)):add(nn.Linear(784, 256)):add(nn.Tanh())
            net:add(nn.Linear(256, 256)):add(nn.Tanh()):add(nn.Linear(256, 10)):add(nn.LogSoftMax())
            return { model = net, loss = nn.ClassNLLCriterion() }",
        hand: mlp,
        shape: [64, 1, 28, 28],
        classes: 10,
    },
];

fn lenet(path: &nn::Path) -> nn::SequentialT {
    nn::seq_t()
        .add(nn::conv2d(path / 1, 1, 20, 5, nn::ConvConfig::default()))
        .add_fn(|x| x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false))
        .add(nn::conv2d(path / 2, 20, 50, 5, nn::ConvConfig::default()))
        .add_fn(|x| x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false).view([-1, 800]))
        .add(nn::linear(path / 3, 800, 500, nn::LinearConfig::default()))
        .add_fn(Tensor::relu)
        .add(nn::linear(path / 4, 500, 10, nn::LinearConfig::default()))
}

fn block(path: &nn::Path) -> nn::SequentialT {
    let config = || nn::ConvConfig { padding: 1, bias: false, ..nn::ConvConfig::default() };
    let body = nn::seq_t()
        .add(nn::conv2d(path / 1, 16, 16, 3, config()))
        .add(nn::batch_norm2d(path / 2, 16, nn::BatchNormConfig::default()))
        .add_fn(Tensor::relu)
        .add(nn::conv2d(path / 3, 16, 16, 3, config()))
        .add(nn::batch_norm2d(path / 4, 16, nn::BatchNormConfig::default()));
    nn::seq_t()
        .add_fn_t(move |x, train| (x + body.forward_t(x, train)).relu())
        .add_fn(|x| x.avg_pool2d([32, 32], [1, 1], [0, 0], false, true, None::<i64>).view([-1, 16]))
        .add(nn::linear(path / 5, 16, 10, nn::LinearConfig::default()))
}

fn mlp(path: &nn::Path) -> nn::SequentialT {
    nn::seq_t()
        .add_fn(|x| x.view([-1, 784]))
        .add(nn::linear(path / 1, 784, 256, nn::LinearConfig::default()))
        .add_fn(Tensor::tanh)
        .add(nn::linear(path / 2, 256, 256, nn::LinearConfig::default()))
        .add_fn(Tensor::tanh)
        .add(nn::linear(path / 3, 256, 10, nn::LinearConfig::default()))
}

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
fn lowered(case: &Case) -> Box<dyn Engine> {
    let [_, c, h, w] = case.shape;
    let params = NetworkParams { input_shape: Some([c, h, w]), ..NetworkParams::default() };
    let loaded =
        load(Source::pasted("net.lua", case.lua), &params, VmOptions::default(), 1).expect("the file is right");
    let network = loaded.lower(Kind::Float, tch::Device::Cpu).expect("every module is native");
    let options = EngineOptions {
        batch_size: case.shape[0] as usize,
        threads: 1,
        force_autograd: false,
        ..EngineOptions::default()
    };
    engine(network, &OptimizerSpec::default(), &options).expect("the settings are right")
}

fn steps() {
    println!("{:<28} {:>12} {:>12} {:>8}", "one training step", "lowered, ms", "by hand, ms", "ratio");
    for case in &CASES {
        let input = Tensor::randn(case.shape, (Kind::Float, tch::Device::Cpu));
        let labels = Tensor::randint(case.classes, [case.shape[0]], (Kind::Int64, tch::Device::Cpu));
        let mut engine = lowered(case);
        // Torch's labels count from 1.
        let target = Activity::Tensor((&labels + 1).to_kind(Kind::Float));
        let store = nn::VarStore::new(tch::Device::Cpu);
        let net = (case.hand)(&store.root());
        let mut optimizer = nn::sgd(0.9, 0.9, 1e-4, false).build(&store, 0.01).expect("the settings are right");
        let (ours, hand, ratio) = race(
            5,
            || engine.step(&input, &target, 0.01, 1).expect("the batch fits"),
            || {
                let loss = net.forward_t(&input, true).cross_entropy_for_logits(&labels);
                optimizer.backward_step(&loss);
                black_box(&store);
            },
        );
        println!("{:<28} {:>12.3} {:>12.3} {ratio:>8.3}", case.name, ours * 1e3, hand * 1e3);
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
    steps();
    eager();
}
