//! Captured steps on a stand-in that writes down its calls, against the general engine: the same bits, and which step is
//! recorded, repeated or taken one by one.

use std::rc::Rc;

use super::{
    autograd::Autograd,
    capturable,
    captured::Captured,
    contract::{Engine, EngineOptions},
    engine,
    sample::{Sample, batch, node, sequence},
};
use crate::{
    cuda::{
        Call::{self, Dropped, Recorded, Refused, Repeated},
        StandIn,
    },
    error::Result,
    nn::{Activity, Context, MemoryFormat, Module, criteria::class_nll::ClassNll, modules::convolution::Convolution},
    optim::{OnDevice, OptimizerKind, OptimizerSpec},
    torch::TensorType,
};

const WIDTH: i64 = 12;

fn sample() -> Sample {
    Sample::of(&[WIDTH, 9, WIDTH])
}

/// The general engine with a device's rule, on the processor.
fn general(spec: &OptimizerSpec) -> Autograd {
    let rule = Box::new(OnDevice::new(spec.build().unwrap()));
    Autograd::with(sample().network(TensorType::FLOAT), spec, rule).unwrap()
}

fn captured(spec: &OptimizerSpec, stand_in: &StandIn) -> Captured {
    Captured::new(general(spec), Box::new(stand_in.clone())).unwrap()
}

/// Rates that change from step to step, as policies' do.
fn rate(t: i64) -> f64 {
    0.02 / (1 + t) as f64
}

/// A step of `n` samples; the input is the target when `is_own`.
fn step(engine: &mut dyn Engine, t: i64, n: i64, is_own: bool) {
    let input = batch(n, WIDTH, t);
    let target = if is_own { input.shallow_clone() } else { batch(n, WIDTH, t + 100) };
    engine.step(&input, &Activity::Tensor(target), rate(t), t as u64).unwrap();
}

fn bits(engine: &dyn Engine) -> Vec<u32> {
    let values = Vec::<f32>::try_from(engine.network().parameters.flat.view()).unwrap();
    let state = engine.optimizer_state().into_iter();
    let state = state.flat_map(|(_, t)| Vec::<f32>::try_from(t.to_kind(tch::Kind::Float)).unwrap());
    values.into_iter().chain(state).map(f32::to_bits).collect()
}

/// Five batches an epoch, the last one short.
fn size(t: i64) -> i64 {
    if t % 5 == 4 { 3 } else { 8 }
}

#[test]
fn captured_steps_give_the_bits_of_steps_one_by_one_with_every_rule() {
    let kinds = OptimizerKind::ALL.map(|kind| OptimizerSpec { kind, learning_rate_decay: 0.1, ..Default::default() });
    let tensorflow = ["sgd", "adagrad", "adadelta", "ftrl", "rmsprop"];
    let tensorflow = tensorflow.map(|solver| OptimizerSpec::tensorflow(solver, 0.9).unwrap());
    for spec in kinds.iter().chain(&tensorflow) {
        for is_own in [true, false] {
            let stand_in = StandIn::default();
            let (mut ours, mut oracle) = (captured(spec, &stand_in), general(spec));
            let (mut losses, mut wanted) = (Vec::new(), Vec::new());
            for t in 0..24 {
                step(&mut ours, t, size(t), is_own);
                step(&mut oracle, t, size(t), is_own);
                assert_eq!(bits(&ours), bits(&oracle), "{spec:?} at step {t}");
                if t % 7 == 6 {
                    losses.extend(ours.take_losses().unwrap());
                    wanted.extend(oracle.take_losses().unwrap());
                }
            }
            losses.extend(ours.take_losses().unwrap());
            wanted.extend(oracle.take_losses().unwrap());
            assert_eq!(losses, wanted, "{spec:?}");
            assert_eq!(losses.len(), 24);
            let calls = stand_in.take_calls();
            let count = |wanted: fn(&Call) -> bool| calls.iter().filter(|call| wanted(call)).count();
            assert_eq!(count(|call| matches!(call, Recorded(_))), 2, "whole and short batches: {calls:?}");
            assert_eq!(count(|call| matches!(call, Repeated(_))), 24 - 3 - 3, "{calls:?}");
        }
    }
}

/// A convolution of images `[n, 2, 5, 5]` to `[n, 4, 3, 3]`, by the parameters of a Linear from 18 to 4.
fn convolving(format: MemoryFormat) -> Autograd {
    let mut network = Sample::of(&[18, 4]).network(TensorType::FLOAT);
    let leaf = |i: usize| network.parameters.list[i].leaf.shallow_clone();
    let convolution = Convolution {
        weight: leaf(0),
        size: vec![4, 2, 3, 3],
        bias: Some(leaf(1)),
        stride: vec![1, 1],
        padding: vec![0, 0],
        dilation: vec![1, 1],
        groups: 1,
        class: "nn.SpatialConvolutionMM".into(),
    };
    network.root = node(String::new(), Box::new(convolution));
    let spec = OptimizerSpec::default();
    let rule = Box::new(OnDevice::new(spec.build().unwrap()));
    let mut general = Autograd::with(network, &spec, rule).unwrap();
    general.format = format;
    general
}

#[test]
fn planes_last_is_captured_too_and_leaves_parameters_and_state_in_torch7_s_order() {
    let mut first: Option<Vec<f32>> = None;
    for format in [MemoryFormat::PlanesFirst, MemoryFormat::PlanesLast] {
        let mut ours = Captured::new(convolving(format), Box::new(StandIn::default())).unwrap();
        let mut oracle = convolving(format);
        for t in 0..8 {
            let (input, target) = (batch(6, 50, t).view([6, 2, 5, 5]), batch(6, 36, t + 100).view([6, 4, 3, 3]));
            for engine in [&mut ours as &mut dyn Engine, &mut oracle] {
                engine.step(&input, &Activity::Tensor(target.shallow_clone()), rate(t), t as u64).unwrap();
            }
            assert_eq!(bits(&ours), bits(&oracle), "{format:?} at step {t}");
        }
        let state = ours.optimizer_state();
        assert!(state.len() == 2 && state.iter().all(|(_, tensor)| tensor.is_contiguous()));
        let now: Vec<f32> = bits(&ours).into_iter().map(f32::from_bits).collect();
        for (a, b) in first.get_or_insert_with(|| now.clone()).iter().zip(&now) {
            // Another order of the planes rounds otherwise, and momentum carries that on.
            assert!((a - b).abs() <= 1e-4 * a.abs().max(1e-2), "{format:?}: {b}, not {a}");
        }
    }
}

#[test]
fn a_size_is_recorded_after_three_of_its_steps_and_two_sizes_are() {
    let stand_in = StandIn::default();
    let mut engine = captured(&OptimizerSpec::default(), &stand_in);
    assert_eq!(engine.describe(), "captured steps");
    let mut calls = |sizes: &[i64]| {
        sizes.iter().for_each(|&n| step(&mut engine, 1, n, true));
        stand_in.take_calls()
    };
    assert_eq!(calls(&[8, 8, 2]), []);
    assert_eq!(calls(&[8]), []);
    assert_eq!(calls(&[8, 8]), [Recorded(0), Repeated(0), Repeated(0)]);
    assert_eq!(calls(&[2, 8, 2]), [Repeated(0)]);
    assert_eq!(calls(&[2, 2]), [Recorded(1), Repeated(1), Repeated(1)]);
    assert_eq!(calls(&[5, 5, 5, 5, 5, 8]), [Repeated(0)], "a third size goes on one by one");
}

#[test]
fn after_a_state_is_loaded_steps_are_recorded_anew() {
    let stand_in = StandIn::default();
    let spec = OptimizerSpec::default();
    let (mut engine, mut oracle) = (captured(&spec, &stand_in), general(&spec));
    (0..6).for_each(|t| step(&mut engine, t, 8, true));
    (0..6).for_each(|t| step(&mut oracle, t, 8, true));
    assert_eq!(stand_in.take_calls(), [Recorded(0), Repeated(0), Repeated(0), Repeated(0)]);
    let state: Vec<_> = engine.optimizer_state().into_iter().map(|(name, t)| (name, t.copy())).collect();
    engine.load_optimizer_state(&state).unwrap();
    assert_eq!(stand_in.take_calls(), [Dropped(0)]);
    for t in 6..11 {
        step(&mut engine, t, 8, true);
        step(&mut oracle, t, 8, true);
        assert_eq!(bits(&engine), bits(&oracle));
    }
    assert_eq!(stand_in.take_calls(), [Recorded(1), Repeated(1), Repeated(1)]);
    let losses = engine.take_losses().unwrap();
    assert_eq!(losses, oracle.take_losses().unwrap(), "what was collected is not lost with the recording");
}

#[test]
fn what_cannot_be_recorded_goes_on_one_by_one_and_says_so_once() {
    let stand_in = StandIn::refusing();
    let spec = OptimizerSpec::default();
    let (mut engine, mut oracle) = (captured(&spec, &stand_in), general(&spec));
    for t in 0..9 {
        step(&mut engine, t, size(t), true);
        step(&mut oracle, t, size(t), true);
        assert_eq!(bits(&engine), bits(&oracle));
    }
    assert_eq!(stand_in.take_calls(), [Refused]);
    let notice = engine.take_notice().unwrap();
    assert!(notice.contains("not permitted when stream is capturing"), "{notice}");
    assert!(engine.take_notice().is_none() && engine.describe().contains("not captured"));
}

#[test]
fn a_batch_that_the_network_refuses_changes_nothing() {
    let stand_in = StandIn::default();
    let mut engine = captured(&OptimizerSpec::default(), &stand_in);
    (0..5).for_each(|t| step(&mut engine, t, 8, true));
    let before = bits(&engine);
    let wide = batch(8, WIDTH + 1, 0);
    assert!(engine.step(&wide, &Activity::Tensor(wide.shallow_clone()), 0.1, 1).is_err());
    assert_eq!(bits(&engine), before);
    assert_eq!(engine.take_losses().unwrap().len(), 5);
}

struct Stranger;

impl Module for Stranger {
    fn forward(&self, input: &Activity, _: &mut Context<'_>) -> Result<Activity> {
        Ok(input.share())
    }
}

#[test]
fn only_networks_whose_steps_stay_on_the_device_are_captured() {
    let network = || sample().network(TensorType::FLOAT);
    assert_eq!(capturable::refusal(&network()), None);
    let refused = |network| capturable::refusal(&network).unwrap();
    assert!(refused(sample().network(TensorType::DOUBLE)).contains("64 bits"));
    let mut strange = network();
    strange.root = sequence(vec![Rc::clone(&strange.root), node("2".into(), Box::new(Stranger))]);
    assert!(refused(strange).contains("not among what is captured"));
    let mut changed = network();
    changed.gradient_update = Some(Box::new(|_, _, gradients| Ok(gradients)));
    assert!(refused(changed).contains("changes gradients"));
    let classes = |weights| ClassNll { weights, size_average: true, ignore_index: -100 };
    let mut classifier = network();
    classifier.criterion = Box::new(classes(None));
    assert_eq!(capturable::refusal(&classifier), None);
    classifier.criterion = Box::new(classes(Some(tch::Tensor::from_slice(&[1f32]))));
    assert!(refused(classifier).contains("not among what is captured"));
}

#[test]
fn on_the_processor_nothing_is_captured() {
    for force_autograd in [true, false] {
        let options = EngineOptions { force_autograd, ..EngineOptions::default() };
        let of_f64 = engine(sample().network(TensorType::DOUBLE), &OptimizerSpec::default(), &options).unwrap();
        assert_eq!(of_f64.describe(), "autograd");
    }
}
