//! The seed's TensorFlow network, twenty steps under each solver, against TensorFlow's own losses
//! (`tests/golden/tensorflow/steps.json`): weights and images are made here by the recipe's generator.

use digits::{
    frontend::{Purpose, tensorflow::Lowered},
    nn::Activity,
    optim::OptimizerSpec,
    torch::Generator,
    train::engine::{self, EngineOptions},
};
use serde_json::Value as Json;

use crate::tensorflow_files::file;

const BATCH: usize = 16;
const STEPS: usize = 20;

/// numpy's `RandomState(seed)`: doubles of 53 bits from two outputs.
struct RandomState(Generator);

impl RandomState {
    fn double(&mut self) -> f64 {
        let (a, b) = (f64::from(self.0.random() >> 5), f64::from(self.0.random() >> 6));
        (a * 67_108_864.0 + b) / 9_007_199_254_740_992.0
    }

    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.double()
    }
}

/// `[20 · 16, 28, 28]` grey levels.
fn noise() -> Vec<f64> {
    let mut state = Generator::new(5678);
    (0..STEPS * BATCH * 784).map(|_| f64::from(state.random() & 255)).collect()
}

fn blobs() -> Vec<f64> {
    let mut state = RandomState(Generator::new(91011));
    let mut all = vec![0.0; STEPS * BATCH * 784];
    for image in all.chunks_mut(784) {
        for _ in 0..3 {
            let (cy, cx) = (state.uniform(4.0, 24.0), state.uniform(4.0, 24.0));
            let (s, height) = (state.uniform(1.5, 5.0), state.uniform(60.0, 200.0));
            for (at, pixel) in image.iter_mut().enumerate() {
                let (y, x) = ((at / 28) as f64 - cy, (at % 28) as f64 - cx);
                *pixel += height * (-(y * y + x * x) / (2.0 * s * s)).exp();
            }
        }
        image.iter_mut().for_each(|pixel| *pixel = pixel.round_ties_even().clamp(0.0, 255.0));
    }
    all
}

fn lowered(kind: tch::Kind) -> Lowered {
    file("autoencoder").lower(Purpose::Training, kind, tch::Device::Cpu).unwrap()
}

/// The recipe's weights, put where TensorFlow's variables lie.
fn start(lowered: &Lowered) {
    let mut state = RandomState(Generator::new(1234));
    for variable in lowered.network.parameters.stored() {
        let size = variable.size();
        let values: Vec<f64> = match *size {
            [i, o] => {
                let limit = (6.0 / (i + o) as f64).sqrt();
                (0..i * o).map(|_| f64::from(state.uniform(-limit, limit) as f32)).collect()
            }
            [n] => vec![0.0; n as usize],
            _ => unreachable!("matrices and biases"),
        };
        variable.put(&tch::Tensor::from_slice(&values).view(&size[..])).unwrap();
    }
}

#[test]
fn every_solver_follows_tensorflow() {
    let golden: Json = serde_json::from_str(include_str!("../golden/tensorflow/steps.json")).unwrap();
    let images = [("noise", noise(), 0.0), ("blobs", blobs(), 128.0)];
    let mut followed = 0;
    for (name, run) in golden["runs"].as_object().unwrap() {
        let [kind, solver, _] = name.split(' ').collect::<Vec<_>>()[..] else { panic!("{name}") };
        let Ok(spec) = OptimizerSpec::tensorflow(solver, 0.9) else {
            assert_eq!(solver, "adagradda");
            continue;
        };
        let rate = run["lr"].as_f64().unwrap();
        // TensorFlow computes in f32: how far its own losses are from those in f64, by the recipe's check.
        let tolerance = match solver {
            "adam" if rate == 0.01 => 2e-4,
            "adadelta" if rate == 1.0 => 2e-5,
            _ => 1e-5,
        };
        let finite = |name: &str| run[name].as_array().unwrap().iter().map_while(Json::as_f64).collect::<Vec<_>>();
        let mut logged = finite("logged");
        // A run that leaves the numbers is chaotic before it does.
        let is_tame = logged.len() == STEPS;
        logged.truncate(if is_tame { STEPS } else { 7 });
        let (_, pixels, mean) = images.iter().find(|(name, ..)| *name == kind).unwrap();
        let batch = |step: usize| {
            let part = &pixels[step * BATCH * 784..(step + 1) * BATCH * 784];
            (tch::Tensor::from_slice(part) - *mean).view([BATCH as i64, 1, 28, 28])
        };
        let lowered = lowered(tch::Kind::Double);
        assert!(lowered.target_is_input);
        start(&lowered);
        let options = EngineOptions { batch_size: BATCH, ..EngineOptions::default() };
        let mut engine = engine::engine(lowered.network, &spec, &options).unwrap();
        let mut losses = Vec::new();
        for step in 0..logged.len() {
            let x = batch(step);
            engine.step(&x, &Activity::Tensor(x.shallow_clone()), rate, 1).unwrap();
            losses.extend(engine.take_losses().unwrap());
        }
        if is_tame {
            let x = batch(0);
            let penalty = run["regularisation after"].as_f64().unwrap();
            let loss = engine.evaluate(&x, &Activity::Tensor(x.shallow_clone())).unwrap().0;
            losses.push(loss + engine.reported().unwrap() - penalty);
            logged.push(run["after"].as_f64().unwrap());
        }
        for (step, (got, wanted)) in losses.iter().zip(&logged).enumerate() {
            assert!(((got - wanted) / wanted).abs() <= tolerance, "{name}, step {step}: {got}, not {wanted}");
        }
        followed += 1;
    }
    assert_eq!(followed, 22);
}

#[test]
fn the_chain_engine_takes_the_lowered_file_and_gives_the_same_losses() {
    let spec = OptimizerSpec::tensorflow("momentum", 0.9).unwrap();
    let run = |force_autograd: bool| {
        let lowered = lowered(tch::Kind::Float);
        start(&lowered);
        let options = EngineOptions { batch_size: BATCH, force_autograd, ..EngineOptions::default() };
        let mut engine = engine::engine(lowered.network, &spec, &options).unwrap();
        let pixels = blobs();
        for step in 0..STEPS {
            let part = &pixels[step * BATCH * 784..(step + 1) * BATCH * 784];
            let x = (tch::Tensor::from_slice(part) - 128.0).to_kind(tch::Kind::Float).view([BATCH as i64, 1, 28, 28]);
            engine.step(&x, &Activity::Tensor(x.shallow_clone()), 0.001, 1).unwrap();
        }
        (engine.describe(), engine.take_losses().unwrap())
    };
    let ((fast, own), (slow, libtorch)) = (run(false), run(true));
    assert!(fast.starts_with("chain (4 layers"), "{fast}");
    assert_eq!(slow, "autograd");
    for (a, b) in own.iter().zip(&libtorch) {
        assert!(((a - b) / b).abs() < 1e-3, "{a} and {b}");
    }
}
