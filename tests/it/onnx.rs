//! ONNX models beside onnxruntime: every network in `networks/`, and small networks of the other modules that can be
//! written; a network that cannot gets a page. Needs the Python of `tests/it/python.rs`.

use std::{fs, path::Path};

use digits::{
    frontend::{
        NetworkParams, Source,
        lua::{load, vm::VmOptions},
    },
    nn::{Activity, Context, Mode, Network},
    onnx::{Input, export},
};

use crate::{networks::ALL, python::python};

/// `[n, …]` numbers that look like pixels less their mean, or whole numbers from 1 on for `whole`.
fn image(size: &[i64], whole: bool) -> tch::Tensor {
    let count: i64 = size.iter().product();
    let numbers: Vec<f32> = (0..count)
        .map(|i| if whole { (1 + i * 7 % 60) as f32 } else { ((i * 7919 + i / 13 * 31) % 256) as f32 - 100.0 })
        .collect();
    tch::Tensor::from_slice(&numbers).reshape(size)
}

fn raw(folder: &Path, name: &str, tensor: &tch::Tensor) -> String {
    let flat = Vec::<f32>::try_from(tensor.to_kind(tch::Kind::Float).contiguous().reshape([-1])).unwrap();
    let bytes: Vec<u8> = flat.iter().flat_map(|value| value.to_le_bytes()).collect();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    let size: Vec<String> = tensor.size().iter().map(i64::to_string).collect();
    format!("{}:{}", path.display(), size.join("x"))
}

/// Writes the network, runs it on a batch of `batch` in onnxruntime, and compares with our own output.
fn compare(name: &str, network: &Network, input: Input<'_>, batch: i64, whole: bool) {
    let folder = tempfile::tempdir().unwrap();
    let size = [&[batch], &input.shape[..]].concat();
    let pixels = image(&size, whole);
    let seen = input.mean.map_or_else(|| pixels.shallow_clone(), |mean| &pixels - mean);
    let output = tch::no_grad(|| network.forward(&seen.into(), &mut Context::new(Mode::Evaluate)).unwrap());
    let model = folder.path().join("model.onnx");
    fs::write(&model, export(network, input).unwrap()).unwrap();
    let mut arguments = vec![model.display().to_string(), raw(folder.path(), "image.raw", &pixels)];
    for (i, tensor) in Activity::tensors(&output).into_iter().enumerate() {
        arguments.push(raw(folder.path(), &format!("{i}.raw"), tensor));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(printed) = python("onnx_run.py", &arguments) else { return };
    let differences: Vec<f64> = printed.lines().map(|line| line.parse().unwrap()).collect();
    assert!(!differences.is_empty());
    for difference in differences {
        assert!(difference < 2e-5, "{name}: onnxruntime differs by {difference:e} of the largest number");
    }
}

#[test]
fn every_network_runs_in_onnxruntime_with_our_numbers() {
    for network in ALL {
        let mut loaded = load(network.source(), &network.params(), VmOptions::default(), 1).unwrap();
        loaded.fine_tune().unwrap();
        let [channels, height, width] = network.shape;
        let shape = match loaded.settings.croplen {
            Some(side) => [channels, side, side],
            None => [channels, height, width],
        };
        let lowered = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let whole = network.name == "text-classification";
        let mean = (!whole).then(|| image(&shape, true));
        let input = Input { shape, mean: mean.as_ref(), notes: vec![("network".into(), network.name.into())] };
        compare(network.name, &lowered, input, if height > 200 { 2 } else { 5 }, whole);
    }
}

/// The module list of a network whose input is `[n, 2, 6, 7]`.
fn small(modules: &str) -> Network {
    let text = format!(
        "return function(params) local net = nn.Sequential() for _, m in ipairs{{{modules}}} do net:add(m) end \
         return {{model = net}} end"
    );
    let params = NetworkParams { input_shape: Some([2, 6, 7]), ..NetworkParams::default() };
    let loaded = load(Source::pasted("small.lua", &text), &params, VmOptions::default(), 1).unwrap();
    loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap()
}

const FLAT: &str = "nn.MulConstant(0.01), nn.View(-1):setNumInputDims(3)";

#[test]
fn modules_run_in_onnxruntime_with_our_numbers() {
    let flat = |modules: &str| format!("{FLAT}, nn.Linear(84, 6), {modules}");
    let branches = |container: &str| format!("{container}:add(nn.Tanh()):add(nn.MulConstant(0.5))");
    let cases = [
        flat("nn.ReLU6(), nn.ELU(0.7), nn.LeakyReLU(0.2), nn.Sigmoid(), nn.SoftMax()"),
        flat("nn.SoftPlus(2), nn.LogSigmoid(), nn.SoftSign(), nn.TanhShrink(), nn.Exp(), nn.Sqrt(), nn.Log(), nn.SoftMin()"),
        flat("nn.HardShrink(0.3), nn.Square(), nn.Abs(), nn.Power(1.5), nn.HardTanh(-0.4, 0.4)"),
        flat("nn.SoftShrink(0.1), nn.Clamp(-0.2, 0.3), nn.Threshold(0.1, -1), nn.AddConstant(2)"),
        flat("nn.BatchNormalization(6), nn.PReLU(6), nn.Add(6), nn.Mul(), nn.CMul(6), nn.CAdd(1, 6)"),
        flat("nn.Normalize(2), nn.Normalize(3), nn.Dropout(0.4, true), nn.GradientReversal(2)"),
        flat(&format!("{}, nn.JoinTable(2)", branches("nn.ConcatTable()"))),
        flat(&format!("{}, nn.CSubTable()", branches("nn.ConcatTable()"))),
        flat(&format!("{}, nn.ReverseTable(), nn.SelectTable(-1)", branches("nn.ConcatTable()"))),
        flat(&format!("{}, {}, nn.FlattenTable(), nn.CMaxTable()", branches("nn.ConcatTable()"), branches("nn.ParallelTable()"))),
        flat("nn.View(2, 3), nn.SplitTable(2), nn.MapTable(nn.Linear(3, 2)), nn.CMulTable()"),
        flat("nn.View(3, 2), nn.Transpose({2, 3}), nn.Select(2, -1), nn.Unsqueeze(2), nn.Squeeze(2)"),
        flat("nn.View(3, 2), nn.Mean(1, 2), nn.View(2, 1), nn.Sum(3), nn.Max(2)"),
        flat("nn.View(2, 3), nn.Min(3), nn.Padding(2, 2, 2, 0.5), nn.Padding(1, -1, 1)"),
        "nn.SpatialConvolution(2, 4, 3, 2, 2, 1, 1, 0), nn.SpatialBatchNormalization(4), nn.SpatialCrossMapLRN(3, 0.5)".into(),
        "nn.SpatialDilatedConvolution(2, 3, 3, 3, 1, 1, 2, 2, 2, 2), nn.SpatialLogSoftMax()".into(),
        "nn.SpatialFullConvolution(2, 3, 4, 3, 2, 2, 1, 1, 1, 0), nn.SpatialDropout(0.2)".into(),
        "nn.SpatialMaxPooling(3, 2, 2, 2):ceil(), nn.SpatialAveragePooling(2, 2, 1, 1, 1, 1)".into(),
        "nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1):ceil(), nn.SpatialAveragePooling(3, 3, 2, 2):ceil()".into(),
        "nn.SpatialAveragePooling(3, 2, 2, 2, 1, 1):ceil():setCountExcludePad()".into(),
        "nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1):ceil()".into(),
        "nn.SpatialZeroPadding(1, -1, 2, 0), nn.SpatialReflectionPadding(1, 2, 0, 1), nn.SpatialReplicationPadding(1, 0, 2, 1)".into(),
        format!("{}:add(nn.SpatialMaxPooling(3, 3, 1, 1))", branches("nn.DepthConcat(2)")),
        branches("nn.Concat(3)"),
        "nn.Narrow(3, 2, 5), nn.Select(2, 1), nn.TemporalConvolution(7, 5, 2, 1), nn.TemporalMaxPooling(2)".into(),
        // Two of one shape: each is written with the weights of its own.
        "nn.Select(2, 1), nn.TemporalConvolution(7, 7, 2, 1), nn.TemporalConvolution(7, 7, 2, 1)".into(),
        "nn.Select(2, 2), nn.TemporalRowConvolution(7, 3), nn.TemporalSubSampling(7, 2, 2), nn.Collapse(2)".into(),
        "nn.Decorator(nn.Identity()), nn.Copy(), nn.Contiguous(), nn.L1Penalty(0.1)".into(),
    ];
    for modules in &cases {
        let input = Input { shape: [2, 6, 7], mean: None, notes: vec![] };
        compare(modules, &small(modules), input, 4, false);
    }
    let lookup = "nn.View(-1):setNumInputDims(3), nn.LookupTable(60, 3)";
    compare(lookup, &small(lookup), Input { shape: [2, 6, 7], mean: None, notes: vec![] }, 3, true);
}

#[test]
fn what_cannot_be_written_is_named() {
    let page = |modules: &str| {
        let input = Input { shape: [2, 6, 7], mean: None, notes: vec![] };
        export(&small(modules), input).unwrap_err().to_string()
    };
    let noise = page(&format!("{FLAT}, nn.WhiteNoise(0, 0.1)"));
    assert!(
        noise.contains("nn.WhiteNoise cannot be written as ONNX") && noise.contains("(3) nn.WhiteNoise"),
        "{noise}"
    );
    assert!(noise.contains("small.lua:1"), "{noise}");
    let lost = page("nn.Mean(1)");
    assert!(lost.contains("the batch"), "{lost}");
}

#[test]
fn shared_weights_are_written_once() {
    let siamese = ALL.iter().find(|network| network.name == "siamese").unwrap();
    let loaded = load(siamese.source(), &siamese.params(), VmOptions::default(), 1).unwrap();
    let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    let bytes = export(&network, Input { shape: siamese.shape, mean: None, notes: vec![] }).unwrap();
    let weights = network.parameters.count() as usize * 4;
    assert!((weights..weights + 20_000).contains(&bytes.len()), "{} bytes for {weights}", bytes.len());
}
