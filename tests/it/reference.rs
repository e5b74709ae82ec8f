//! The whole numerical path against an independent implementation: Lua file, Torch's initialisation, mean subtraction,
//! label hook, criterion, backward, optimiser. 20 steps of the seed's autoencoder in float64.
//!
//! The numbers and their recipe are `tests/golden/autoencoder20/` (numpy, its own generator and backward).

use digits::{
    data::{Augment, Mean, Planes, Preprocess, Scratch, Subtract, Values},
    frontend::{
        NetworkParams, Source,
        lua::{load, vm::VmOptions},
    },
    optim::OptimizerSpec,
    train::{
        Targets,
        engine::{EngineOptions, engine},
    },
};

const SHAPE: [i64; 3] = [1, 28, 28];

#[test]
fn twenty_steps_from_the_lua_file_are_the_reference_s() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../golden/autoencoder20/numbers.json")).unwrap();
    let wanted: Vec<f64> = serde_json::from_value(golden["losses"].clone()).unwrap();
    let images = golden["images"].as_i64().unwrap();

    // The file as it ships; only the type of new tensors is set first, as a script would.
    let text =
        format!("torch.setdefaulttensortype('torch.DoubleTensor')\n{}", include_str!("../../networks/autoencoder.lua"));
    let params = NetworkParams { input_shape: Some(SHAPE), ..NetworkParams::default() };
    let seed = golden["seed"].as_u64().unwrap();
    let loaded = load(Source::pasted("autoencoder.lua", &text), &params, VmOptions::default(), seed).unwrap();
    let mut targets = Targets::new(loaded.label_hook());
    let network = loaded.lower(tch::Kind::Double, tch::Device::Cpu).unwrap();
    let mut engine = engine(network, &OptimizerSpec::default(), &EngineOptions::default()).unwrap();

    // The made-up images of the recipe, through the mean file and the preprocessing that training uses.
    let pixel = |i: i64, p: i64| ((i * i * 31 + p * p * 17 + i * p * 7 + 3 * p) % 256) as u8;
    let average = |p: i64| ((0..images).map(|i| i64::from(pixel(i, p))).sum::<i64>() / images) as f32;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mean.binaryproto");
    Mean { shape: SHAPE, values: (0..784).map(average).collect() }.write(&path).unwrap();
    let mean = Mean::read(&path).unwrap();
    let preprocess = Preprocess::new(SHAPE, Subtract::Image, Some(&mean), None, Augment::default()).unwrap();
    let mut scratch = Scratch::default();

    for t in 0..20 {
        let mut numbers = vec![0f64; 64 * 784];
        for (k, out) in numbers.chunks_mut(784).enumerate() {
            let i = (t * 64 + k as i64) % images;
            let planes = Planes { shape: SHAPE, values: Values::Bytes((0..784).map(|p| pixel(i, p)).collect()) };
            preprocess.apply(&planes, None, &mut scratch, out);
        }
        let input = tch::Tensor::from_slice(&numbers).view([64, 1, 28, 28]);
        let (input, target) = targets.of(&input, &input).unwrap();
        engine.step(&input, &target, 0.01, 0).unwrap();
    }
    let losses = engine.take_losses().unwrap();
    assert_eq!(losses.len(), wanted.len());
    for (t, (got, wanted)) in losses.iter().zip(&wanted).enumerate() {
        let error = (got - wanted).abs() / wanted;
        assert!(error < 1e-9, "step {t}: {got}, not {wanted} (relative error {error:e})");
    }
}
