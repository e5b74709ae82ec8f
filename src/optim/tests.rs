//! Every rule against the numbers of `tests/golden/optim/make.py`, by both ways of computing, and across a resume.

use super::*;
use crate::torch::fused::{Rate, SgdNumbers};

/// The made-up gradient of `make.py`.
fn gradient(x: &tch::Tensor, t: usize) -> tch::Tensor {
    let c = tch::Tensor::from_slice(&[1.0, 0.3, 2.0, 0.7, 5.0, 0.0, 0.01]).to_kind(x.kind());
    let place = tch::Tensor::from_slice(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0f64]) + t as f64;
    let curved = c.gt(0.0).to_kind(x.kind()) * (x * x * x * 0.1);
    &c * (x - place.sin().to_kind(x.kind())) + curved
}

fn rate_at(t: usize) -> f64 {
    if t < 6 { 0.05 } else { 0.005 }
}

/// A 1-D tensor whose memory has gaps: of a gradient like this the rules make work of libtorch's.
fn strided(x: &tch::Tensor) -> tch::Tensor {
    let wide = tch::Tensor::zeros([x.numel() as i64, 2], (x.kind(), x.device()));
    let mut column = wide.select(1, 0);
    column.copy_(x);
    column
}

/// Of several shapes, one of them empty.
fn in_pieces(g: &tch::Tensor) -> Gradient {
    Gradient::of(vec![g.narrow(0, 0, 2).view([2, 1]), g.narrow(0, 2, 0), g.narrow(0, 2, 5)])
}

fn one_step(optimizer: &mut dyn Optimizer, x: &tch::Tensor, t: usize) {
    optimizer.before_forward(x).unwrap();
    let g = gradient(x, t);
    // Every other time in pieces.
    let g = if t.is_multiple_of(2) { Gradient::whole(&g) } else { in_pieces(&g) };
    optimizer.step(x, &g, rate_at(t)).unwrap();
}

/// By which way a rule's steps are computed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// One pass over the vectors.
    Sweep,
    /// What the rules do with what a sweep cannot take.
    Gaps,
    /// A device's launches, here on the processor.
    Device,
}

fn built(spec: &OptimizerSpec, way: Way) -> Box<dyn Optimizer> {
    let rule = spec.build().unwrap();
    if way == Way::Device { Box::new(OnDevice::new(rule)) } else { rule }
}

fn follow(kind: tch::Kind, way: Way, resume_at: usize, tolerance: f64) {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../../tests/golden/optim/rules.json")).unwrap();
    let numbers = |v: &serde_json::Value| -> Vec<f64> { serde_json::from_value(v.clone()).unwrap() };
    let runs = golden["runs"].as_array().unwrap();
    for run in runs {
        let spec: OptimizerSpec = serde_json::from_value(run["spec"].clone()).unwrap();
        let start = tch::Tensor::from_slice(&numbers(&golden["start"])).to_kind(kind);
        let mut x = start.copy();
        let mut optimizer = built(&spec, way);
        for (t, wanted) in run["x"].as_array().unwrap().iter().enumerate() {
            if t == resume_at {
                let state = optimizer.state();
                optimizer = built(&spec, way);
                x = x.copy();
                optimizer.load(&x, &state).unwrap();
            }
            if way == Way::Gaps {
                optimizer.before_forward(&x).unwrap();
                let g = Gradient::whole(&strided(&gradient(&x, t)));
                optimizer.step(&x, &g, rate_at(t)).unwrap();
            } else {
                one_step(&mut *optimizer, &x, t);
            }
            let got = Vec::<f64>::try_from(x.to_kind(tch::Kind::Double).contiguous()).unwrap();
            for (got, wanted) in got.iter().zip(numbers(wanted)) {
                assert!(
                    (got - wanted).abs() <= tolerance * wanted.abs().max(1e-2),
                    "{spec:?} at step {t}, {way:?}: {got}, not {wanted}"
                );
            }
        }
    }
    assert!(runs.len() >= 14);
}

#[test]
fn every_rule_follows_the_reference_in_f64_and_f32() {
    follow(tch::Kind::Double, Way::Sweep, usize::MAX, 1e-12);
    follow(tch::Kind::Float, Way::Sweep, usize::MAX, 2e-4);
}

#[test]
fn a_gradient_with_gaps_gives_the_same_numbers() {
    follow(tch::Kind::Double, Way::Gaps, usize::MAX, 1e-12);
}

#[test]
fn a_device_s_launches_give_the_same_numbers() {
    for at in [usize::MAX, 0, 1, 5] {
        follow(tch::Kind::Double, Way::Device, at, 1e-12);
        follow(tch::Kind::Float, Way::Device, at, 2e-4);
    }
}

#[test]
fn every_rule_on_a_device_keeps_to_the_sweep_within_rounding() {
    let mut specs: Vec<OptimizerSpec> =
        TENSORFLOW_SOLVERS.into_iter().filter_map(|solver| OptimizerSpec::tensorflow(solver, 0.9).ok()).collect();
    specs.extend(OptimizerKind::ALL.map(|kind| OptimizerSpec { kind, ..Default::default() }));
    for (momentum, dampening, weight_decay) in [(0.9, Some(0.0), 0.0), (0.5, Some(0.2), 0.1), (0.0, None, 0.01)] {
        specs.push(OptimizerSpec { momentum, dampening, weight_decay, learning_rate_decay: 0.1, ..Default::default() });
    }
    assert!(specs.len() >= 16);
    for spec in &specs {
        for (kind, most) in [(tch::Kind::Double, 1e-13), (tch::Kind::Float, 4e-6)] {
            let x = tch::Tensor::from_slice(&[0.5f64, -1.0, 2.0, 0.1, -0.3, 1.5, 4.0]).to_kind(kind);
            let (mut swept, mut launched) = (built(spec, Way::Sweep), built(spec, Way::Device));
            let y = x.copy();
            for t in 0..8 {
                one_step(&mut *swept, &x, t);
                one_step(&mut *launched, &y, t);
                let difference = (&x - &y).abs().max().double_value(&[]);
                assert!(difference <= most, "{spec:?} in {kind:?} at step {t}: {difference:e}");
            }
        }
    }
}

#[test]
fn repeated_work_follows_the_rate_and_gives_the_bits_of_steps_one_by_one() {
    for kind in OptimizerKind::ALL {
        let spec = OptimizerSpec { kind, learning_rate_decay: 0.1, ..Default::default() };
        let x = tch::Tensor::from_slice(&[0.5f32, -1.0, 2.0, 0.1, -0.3, 1.5, 4.0]);
        let (mut steps, mut repeats) = (built(&spec, Way::Device), OnDevice::new(spec.build().unwrap()));
        let y = x.copy();
        assert!(repeats.repeatable(&y).unwrap().is_none(), "nothing is known before the first step");
        for t in 0..2 {
            one_step(&mut *steps, &x, t);
            one_step(&mut repeats, &y, t);
        }
        let work = repeats.repeatable(&y).unwrap().unwrap();
        for t in 2..9 {
            one_step(&mut *steps, &x, t);
            repeats.set_rate(rate_at(t), y.device()).unwrap();
            work.look_ahead(&y).unwrap();
            let g = gradient(&y, t);
            work.update(&y, &if t.is_multiple_of(2) { Gradient::whole(&g) } else { in_pieces(&g) }).unwrap();
            repeats.advance();
            assert_eq!(Vec::<f32>::try_from(&x).unwrap(), Vec::<f32>::try_from(&y).unwrap(), "{kind} at step {t}");
        }
        let states = [steps.state(), repeats.state()].map(|state| {
            state
                .into_iter()
                .map(|(name, t)| (name, Vec::<f64>::try_from(t.to_kind(tch::Kind::Double)).unwrap()))
                .collect::<Vec<_>>()
        });
        assert_eq!(states[0], states[1], "{kind}");
    }
}

#[test]
fn what_the_fused_step_refuses_is_an_error() {
    let [x, g, v] = [0; 3].map(|_| tch::Tensor::zeros([4], (tch::Kind::Int64, tch::Device::Cpu)));
    let numbers = SgdNumbers { decay: 0.0, momentum: 0.9, dampening: 0.9, is_first: true };
    let refused = crate::torch::fused::sgd(&[x], &[g], Some(&[v]), numbers, &Rate::Number(0.1));
    assert!(refused.unwrap_err().to_string().contains("not implemented for 'Long'"));
}

#[test]
fn a_resumed_optimizer_goes_on_as_if_nothing_had_happened() {
    for at in [0, 1, 5] {
        follow(tch::Kind::Double, Way::Sweep, at, 1e-12);
    }
}

#[test]
fn an_abandoned_look_ahead_leaves_the_parameters_bit_for_bit() {
    let mut nag = OptimizerSpec { kind: OptimizerKind::Nag, ..Default::default() }.build().unwrap();
    let x = tch::Tensor::from_slice(&[0.1f32, 0.2, 0.3, 1e-7, 5.0, 6.0, 7.0]);
    one_step(&mut *nag, &x, 0);
    let before = Vec::<f32>::try_from(&x).unwrap();
    nag.before_forward(&x).unwrap();
    assert_ne!(Vec::<f32>::try_from(&x).unwrap(), before);
    nag.abandon(&x).unwrap();
    assert_eq!(Vec::<f32>::try_from(&x).unwrap(), before);
}

#[test]
fn long_vectors_reach_every_element() {
    for n in [1i64, 15, 16, 17, 1000, (1 << 20) + 3] {
        let (x, g) = (tch::Tensor::ones([n], (tch::Kind::Float, tch::Device::Cpu)), 2.0);
        let g = x.full_like(g);
        let spec = OptimizerSpec { weight_decay: 0.0, ..Default::default() };
        spec.build().unwrap().step(&x, &Gradient::whole(&g), 0.25).unwrap();
        assert_eq!(Vec::<f32>::try_from(&x).unwrap(), vec![0.5; n as usize]);
    }
}

#[test]
fn names_settings_and_foreign_state_are_checked() {
    assert_eq!("NESTEROV".parse::<OptimizerKind>().unwrap(), OptimizerKind::Nag);
    for kind in OptimizerKind::ALL {
        assert_eq!(kind.name().parse::<OptimizerKind>().unwrap(), kind);
    }
    assert!("lbfgs".parse::<OptimizerKind>().unwrap_err().to_string().contains("adadelta"));
    let spec = OptimizerSpec { kind: OptimizerKind::Nag, momentum: 0.0, ..Default::default() };
    assert_eq!(spec.build().err().unwrap().message(), "momentum of nag is 0, but must be above 0");

    let x = tch::Tensor::zeros([3], (tch::Kind::Float, tch::Device::Cpu));
    let mut sgd = OptimizerSpec::default().build().unwrap();
    let other = vec![
        ("evalCounter".to_string(), tch::Tensor::from_slice(&[4.0])),
        ("dfdx".to_string(), tch::Tensor::from_slice(&[0.0, 1.0])),
    ];
    assert!(sgd.load(&x, &other).unwrap_err().to_string().contains("3 parameters"));
    assert!(sgd.load(&x, &[]).unwrap_err().message().contains("evalCounter"));
}
