//! The chain against autograd, and both against the promises of `Engine`.

use super::{
    sample::{Sample, batch, node, sequence},
    *,
};
use crate::{
    nn::{Activity, modules::mul_constant::MulConstant},
    optim::OptimizerSpec,
    torch::{TensorType, memory},
};

fn options(threads: usize) -> EngineOptions {
    EngineOptions { batch_size: 64, threads, force_autograd: false, sample: None, level: None }
}

fn autograd(sample: &Sample, spec: &OptimizerSpec) -> Box<dyn Engine> {
    engine(sample.network(TensorType::FLOAT), spec, &EngineOptions { force_autograd: true, ..options(1) }).unwrap()
}

fn chain(sample: &Sample, spec: &OptimizerSpec, threads: usize) -> Box<dyn Engine> {
    let chain = engine(sample.network(TensorType::FLOAT), spec, &options(threads)).unwrap();
    assert!(chain.describe().starts_with("chain"), "{}", chain.describe());
    chain
}

fn weights(engine: &dyn Engine) -> Vec<f32> {
    Vec::try_from(engine.network().parameters.flat.view()).unwrap()
}

/// Largest difference of two vectors.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    largest(a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())))
}

/// The largest number, 0 of none; no number when one of them is none.
fn largest(all: impl Iterator<Item = f64>) -> f64 {
    all.fold(0.0, |most, d| if d > most || d.is_nan() { d } else { most })
}

/// Step `t` of a run; every 11th batch is short, as the last of an epoch.
fn step(engine: &mut dyn Engine, width: i64, t: i64) {
    let n = if t % 11 == 10 { 10 } else { 64 };
    let input = batch(n, width, t % 20);
    engine.step(&input, &Activity::Tensor(input.shallow_clone()), 0.01, t as u64).unwrap();
}

/// Largest differences of weights after `steps` steps, and of losses relative to autograd's.
fn compare(sample: &Sample, spec: &OptimizerSpec, threads: usize, steps: i64) -> (f64, f64) {
    let (mut ours, mut oracle) = (chain(sample, spec, threads), autograd(sample, spec));
    for t in 0..steps {
        step(&mut *ours, sample.widths[0], t);
        step(&mut *oracle, sample.widths[0], t);
    }
    let (losses, wanted) = (ours.take_losses().unwrap(), oracle.take_losses().unwrap());
    assert_eq!(losses.len(), steps as usize);
    let worst = largest(losses.iter().zip(&wanted).map(|(a, b)| (a - b).abs() / b.abs()));
    (distance(&weights(&*ours), &weights(&*oracle)), worst)
}

#[test]
fn the_autoencoder_s_weights_follow_autograd_s() {
    let (sample, spec) = (Sample::autoencoder(), OptimizerSpec::default());
    // The largest weights are about 0.14, where neighbouring f32 are 1.5e-8 apart. In 200 steps some ReLU's input comes
    // so near 0 that rounding decides whether its unit learns from that sample; from there on the runs part slowly.
    for (threads, steps, weights, losses) in
        [(2, 1, 1.5e-8, 1e-7), (2, 10, 6e-8, 1e-6), (1, 10, 6e-8, 1e-6), (2, 200, 5e-3, 1e-3)]
    {
        let (most, worst) = compare(&sample, &spec, threads, steps);
        assert!(most < weights, "{threads} threads, {steps} steps: weights differ by {most:e}");
        assert!(worst < losses, "{threads} threads, {steps} steps: losses differ by {worst:e}");
    }
}

#[test]
fn each_of_200_steps_does_what_autograd_does_from_the_same_state() {
    let (sample, spec) = (Sample::autoencoder(), OptimizerSpec::default());
    let (mut ours, mut oracle) = (chain(&sample, &spec, 2), autograd(&sample, &spec));
    let mut differences: Vec<f64> = (0..200)
        .map(|t| {
            oracle.network().parameters.flat.copy_from(&ours.network().parameters.flat.view()).unwrap();
            oracle.load_optimizer_state(&ours.optimizer_state()).unwrap();
            step(&mut *ours, 784, t);
            step(&mut *oracle, 784, t);
            distance(&weights(&*ours), &weights(&*oracle))
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    // Nearly all within a unit in the last place; a handful where a ReLU's input is 0 up to rounding.
    assert!(differences[100] <= 1.5e-8, "{:e}", differences[100]);
    assert!(differences[190] <= 3e-8, "{:e}", differences[190]);
    assert!(differences[199] < 1e-4, "{:e}", differences[199]);
}

#[test]
fn odd_widths_and_settings_follow_autograd_s() {
    let plain = || Sample::of(&[19, 7, 33]);
    let samples = [
        Sample { widths: vec![16, 16, 16], ..plain() },
        Sample { bias: false, ..plain() },
        Sample { widths: vec![5, 1], ..plain() },
        Sample { widths: vec![40, 20, 10, 20, 40], last_relu: true, ..plain() },
        Sample { scale: 0.01, size_average: false, ..plain() },
    ];
    let specs = [
        OptimizerSpec::default(),
        OptimizerSpec { momentum: 0.0, ..Default::default() },
        OptimizerSpec { dampening: Some(0.0), weight_decay: 0.0, learning_rate_decay: 0.1, ..Default::default() },
    ];
    for sample in &samples {
        for spec in &specs {
            let (mut ours, mut oracle) = (chain(sample, spec, 2), autograd(sample, spec));
            // Small errors keep the summed loss from exploding.
            for (t, n) in [64, 10, 1, 16, 17, 100, 33].into_iter().enumerate() {
                let input = batch(n, sample.widths[0], t as i64);
                let target = Activity::Tensor(batch(n, sample.widths[sample.widths.len() - 1], 50) / 512.0);
                for engine in [&mut ours, &mut oracle] {
                    engine.step(&input, &target, 1e-3, 0).unwrap();
                }
            }
            let (mine, wanted) = (ours.take_losses().unwrap(), oracle.take_losses().unwrap());
            for (a, b) in mine.iter().zip(&wanted) {
                assert!((a - b).abs() <= 1e-5 * b.abs(), "{:?} {spec:?}: {mine:?}, not {wanted:?}", sample.widths);
            }
            let difference = distance(&weights(&*ours), &weights(&*oracle));
            assert!(difference < 1e-6, "{:?} {spec:?}: {difference:e}", sample.widths);
        }
    }
}

#[test]
fn whether_a_batch_fits_is_found_without_an_update() {
    // One number, seen as rows of 4 MiB: what the first module makes of them is memory.
    let width = 1 << 20;
    let mut engine = autograd(&Sample::of(&[width, 1]), &OptimizerSpec::default());
    let before = weights(&*engine);
    let one = tch::Tensor::from_slice(&[1f32]);
    let mut fits = |n: i64| {
        let (input, target) = (one.expand([n, 1, 1, width], false), one.expand([n, 1, 1], false));
        engine.fits(&input, &Activity::Tensor(target))
    };
    memory::set_limit(memory::live() + (100 << 20));
    assert_eq!([fits(64), fits(32), fits(20), fits(1)], [Some(false), Some(false), Some(true), Some(true)]);
    memory::set_limit(memory::DEFAULT_LIMIT);
    let narrow = tch::Tensor::zeros([2, 1, 1, 5], (tch::Kind::Float, tch::Device::Cpu));
    assert_eq!(engine.fits(&narrow, &Activity::Tensor(narrow.shallow_clone())), None);
    assert!(distance(&weights(&*engine), &before) == 0.0 && engine.take_losses().unwrap().is_empty());
}

#[test]
fn every_instruction_set_gives_the_same_numbers() {
    let (sample, spec) = (Sample::of(&[50, 30, 20, 50]), OptimizerSpec::default());
    let mut oracle = autograd(&sample, &spec);
    (0..12).for_each(|t| step(&mut *oracle, 50, t));
    for level in Level::available() {
        let network = sample.network(TensorType::FLOAT);
        let shape = recognise::chain(&network, &spec).unwrap();
        let mut chain =
            chain::Chain::new(network, shape, &spec, &EngineOptions { level: Some(level), ..options(2) }).unwrap();
        (0..12).for_each(|t| step(&mut chain, 50, t));
        let difference = distance(&weights(&chain), &weights(&*oracle));
        assert!(difference < 1e-6, "{level:?}: {difference:e}");
    }
}

#[test]
fn the_same_steps_give_the_same_bits_for_any_number_of_threads() {
    let (sample, spec) = (Sample::of(&[100, 61, 9, 100]), OptimizerSpec::default());
    let run = |threads| {
        let mut engine = chain(&sample, &spec, threads);
        (0..30).for_each(|t| step(&mut *engine, 100, t));
        (weights(&*engine), engine.take_losses().unwrap())
    };
    let first = run(2);
    for threads in [2, 1, 3] {
        assert_eq!(run(threads), first, "{threads} threads");
    }
}

#[test]
fn evaluation_agrees_with_autograd_for_any_batch() {
    let (sample, spec) = (Sample::autoencoder(), OptimizerSpec::default());
    let (mut ours, mut oracle) = (chain(&sample, &spec, 2), autograd(&sample, &spec));
    let before = weights(&*ours);
    for n in [1, 10, 64, 100, 200] {
        let input = batch(n, 784, 3);
        for target in [input.shallow_clone(), batch(n, 784, 4)] {
            let target = Activity::Tensor(target);
            let (loss, output) = ours.evaluate(&input, &target).unwrap();
            let (wanted_loss, wanted) = oracle.evaluate(&input, &target).unwrap();
            assert!((loss - wanted_loss).abs() < 1e-5 * wanted_loss);
            assert_eq!(output.shape(), wanted.shape());
            let difference = output.tensor().unwrap() - wanted.tensor().unwrap();
            assert!(difference.abs().max().double_value(&[]) < 1e-5);
        }
    }
    assert_eq!(weights(&*ours), before);
    assert!(ours.take_losses().unwrap().is_empty());
}

#[test]
fn validation_takes_no_new_memory_for_its_outputs() {
    let mut ours = chain(&Sample::autoencoder(), &OptimizerSpec::default(), 2);
    let input = batch(64, 784, 3);
    // Held, so that none can lie where another one was.
    let outputs: Vec<_> =
        (0..3).map(|_| ours.evaluate(&input, &Activity::Tensor(input.shallow_clone())).unwrap().1).collect();
    let place = |output: &Activity| output.tensor().unwrap().data_ptr();
    assert!(outputs.iter().all(|output| place(output) == place(&outputs[0])));
}

#[test]
fn a_run_may_be_resumed_by_either_engine() {
    let (sample, spec) = (Sample::of(&[40, 20, 40]), OptimizerSpec::default());
    type Make = fn(&Sample, &OptimizerSpec) -> Box<dyn Engine>;
    let makers: [Make; 2] = [autograd, |sample, spec| chain(sample, spec, 2)];
    for cut in [0, 1, 7] {
        for (a, before) in makers.iter().enumerate() {
            for (b, after) in makers.iter().enumerate() {
                let mut whole = after(&sample, &spec);
                (0..15).for_each(|t| step(&mut *whole, 40, t));
                let mut first = before(&sample, &spec);
                (0..cut).for_each(|t| step(&mut *first, 40, t));
                let mut second = after(&sample, &spec);
                second.network().parameters.flat.copy_from(&first.network().parameters.flat.view()).unwrap();
                second.load_optimizer_state(&first.optimizer_state()).unwrap();
                (cut..15).for_each(|t| step(&mut *second, 40, t));
                let difference = distance(&weights(&*second), &weights(&*whole));
                assert!(if a == b { difference == 0.0 } else { difference < 1e-6 }, "{a} to {b} at {cut}");
            }
        }
    }
}

#[test]
fn a_refused_batch_changes_nothing_and_says_the_same_in_both_engines() {
    let sample = Sample::of(&[40, 20, 40]);
    for kind in [crate::optim::OptimizerKind::Sgd, crate::optim::OptimizerKind::Nag] {
        let spec = OptimizerSpec { kind, ..Default::default() };
        let mut engines = vec![autograd(&sample, &spec)];
        if kind == crate::optim::OptimizerKind::Sgd {
            engines.push(chain(&sample, &spec, 2));
        }
        let pages: Vec<String> = engines
            .iter_mut()
            .map(|engine| {
                step(&mut **engine, 40, 0);
                let before = weights(&**engine);
                let (good, bad) = (batch(64, 40, 1), batch(64, 39, 1));
                let first = engine.step(&bad, &Activity::Tensor(good.shallow_clone()), 0.1, 0).unwrap_err();
                let second = engine.step(&good, &Activity::Tensor(bad), 0.1, 0).unwrap_err();
                assert_eq!(weights(&**engine), before);
                assert_eq!(engine.take_losses().unwrap().len(), 1);
                format!("{first}\n{second}")
            })
            .collect();
        assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "{}\n\n{}", pages[0], pages[pages.len() - 1]);
    }
}

#[test]
fn weights_written_between_steps_are_used() {
    let (sample, spec) = (Sample::of(&[40, 20, 40]), OptimizerSpec::default());
    let (mut ours, mut oracle) = (chain(&sample, &spec, 2), autograd(&sample, &spec));
    for engine in [&mut ours, &mut oracle] {
        step(&mut **engine, 40, 0);
        let _ = engine.network().parameters.flat.view().f_mul_scalar_(0.5).unwrap();
        step(&mut **engine, 40, 1);
    }
    assert!(distance(&weights(&*ours), &weights(&*oracle)) < 1e-7);
}

#[test]
fn other_networks_go_to_autograd() {
    let sample = Sample::of(&[40, 20, 40]);
    let float = || sample.network(TensorType::FLOAT);
    let spec = OptimizerSpec::default();
    let mut frozen = float();
    frozen.parameters.list[0].learns = false;
    let mut scaled_late = float();
    let scale = node("2".into(), Box::new(MulConstant { constant: 2.0 }));
    scaled_late.root = sequence(vec![scaled_late.root.clone(), scale]);
    let mut tied = float();
    tied.parameters.list.pop();
    let adam = OptimizerSpec { kind: crate::optim::OptimizerKind::Adam, ..spec.clone() };
    for (name, network, spec) in [
        ("f64", sample.network(TensorType::DOUBLE), &spec),
        ("frozen", frozen, &spec),
        ("scaled late", scaled_late, &spec),
        ("tied", tied, &spec),
        ("adam", float(), &adam),
    ] {
        assert_eq!(engine(network, spec, &options(2)).unwrap().describe(), "autograd", "{name}");
    }
    let described = engine(float(), &spec, &options(2)).unwrap().describe();
    assert!(described.starts_with("chain (2 layers, ") && described.ends_with(", 2 threads)"), "{described}");
}

/// `tests/golden/autoencoder20/make.py`: the seed's autoencoder, 20 steps in float64.
#[test]
fn twenty_steps_of_the_autoencoder_are_the_reference_s_in_f64() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/golden/autoencoder20/numbers.json")).unwrap();
    let list = |name: &str| -> Vec<f64> { serde_json::from_value(golden[name].clone()).unwrap() };
    let sample = Sample { seed: golden["seed"].as_u64().unwrap(), ..Sample::autoencoder() };
    let mut engine = engine(sample.network(TensorType::DOUBLE), &OptimizerSpec::default(), &options(2)).unwrap();
    assert_eq!(engine.describe(), "autograd");

    // The made-up data, by the same formula in whole numbers.
    let pixel = |i: i64, p: i64| (i * i * 31 + p * p * 17 + i * p * 7 + 3 * p) % 256;
    let images = golden["images"].as_i64().unwrap();
    let mean: Vec<i64> = (0..784).map(|p| (0..images).map(|i| pixel(i, p)).sum::<i64>() / images).collect();
    let losses_at = |engine: &mut dyn Engine, t: i64| {
        let numbers: Vec<f64> = (0..64)
            .flat_map(|k| (0..784).map(move |p| ((t * 64 + k) % images, p)))
            .map(|(i, p)| (pixel(i, p) - mean[p as usize]) as f64)
            .collect();
        let input = tch::Tensor::from_slice(&numbers).view([64, 1, 28, 28]);
        engine.step(&input, &Activity::Tensor(input.shallow_clone()), 0.01, 0).unwrap();
    };
    let close = |got: f64, wanted: f64, what: &str| {
        assert!((got - wanted).abs() < 1e-9 * wanted.abs(), "{what}: {got}, not {wanted}");
    };
    let sums = |engine: &dyn Engine| -> Vec<f64> {
        let list = &engine.network().parameters.list;
        list.iter()
            .flat_map(|p| {
                let x = p.leaf.detach().reshape([-1]);
                let ramp = tch::Tensor::arange(x.numel() as i64, (tch::Kind::Double, tch::Device::Cpu)) + 1.0;
                [(&x * &x).sum(tch::Kind::Double), (&x * &x * ramp).sum(tch::Kind::Double)]
            })
            .map(|sum| sum.double_value(&[]))
            .collect()
    };
    let check_sums = |engine: &dyn Engine, name: &str| {
        let wanted = list(name);
        assert_eq!(wanted.len(), 16);
        sums(engine).iter().zip(wanted).for_each(|(&got, wanted)| close(got, wanted, name));
    };
    check_sums(&*engine, "sums_at_start");
    for t in 0..20 {
        losses_at(&mut *engine, t);
    }
    let (losses, wanted) = (engine.take_losses().unwrap(), list("losses"));
    assert_eq!(losses.len(), wanted.len());
    for (t, (&got, &wanted)) in losses.iter().zip(&wanted).enumerate() {
        close(got, wanted, &format!("loss {t}"));
    }
    check_sums(&*engine, "sums_at_end");
}
