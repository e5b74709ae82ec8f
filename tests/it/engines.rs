//! The engine of small convolutional networks against autograd: every network in `networks/`, and made-up ones for
//! every setting that it takes over.

use std::cell::RefCell;

use digits::{
    frontend::{
        NetworkParams, Source,
        lua::{load, vm::VmOptions},
    },
    nn::{Activity, Context, MemoryFormat, Mode, Network},
    optim::{OptimizerKind, OptimizerSpec},
    torch::Generator,
    train::engine::{Engine, EngineOptions, Level, engine},
};

use crate::{networks, tree};

const CLASSES: i64 = 10;

/// A network file for samples of this shape, by one of two engines.
struct Case<'a> {
    text: &'a str,
    sample: [i64; 3],
    spec: OptimizerSpec,
    threads: usize,
    level: Option<Level>,
}

impl Case<'_> {
    fn engine(&self, force_autograd: bool) -> Box<dyn Engine> {
        // Tests run side by side: libtorch's waiting threads would only heat the machine.
        tch::set_num_threads(1);
        let params =
            NetworkParams { input_shape: Some(self.sample), nclasses: Some(CLASSES), ..NetworkParams::default() };
        let loaded = load(Source::pasted("net.lua", self.text), &params, VmOptions::default(), 7).unwrap();
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let (threads, sample, level) = (self.threads, Some(self.sample.to_vec()), self.level);
        let options = EngineOptions { batch_size: 64, threads, force_autograd, sample, level };
        engine(network, &self.spec, &options).unwrap()
    }

    /// Grey levels less a mean, and classes or, for a regression, values: different for each `salt`.
    fn batch(&self, n: i64, salt: i64, outputs: Option<i64>) -> (tch::Tensor, Activity) {
        let mut generator = Generator::new(100 + salt.unsigned_abs());
        let count = n * self.sample.iter().product::<i64>();
        let numbers: Vec<f32> = (0..count).map(|_| generator.uniform(-33.0, 222.0).round() as f32).collect();
        let input = tch::Tensor::from_slice(&numbers).view([n, self.sample[0], self.sample[1], self.sample[2]]);
        let target = match outputs {
            Some(outputs) => (0..n * outputs).map(|_| generator.uniform(-1.0, 1.0) as f32).collect::<Vec<_>>(),
            None => (0..n).map(|_| generator.uniform(1.0, CLASSES as f64 + 0.99).floor() as f32).collect(),
        };
        (input, Activity::Tensor(tch::Tensor::from_slice(&target)))
    }
}

fn weights(engine: &dyn Engine) -> Vec<f32> {
    Vec::try_from(engine.network().parameters.flat.view()).unwrap()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from((a - b).abs()))
        .fold(0.0, |most, d| if d > most || d.is_nan() { d } else { most })
}

/// `steps` steps of both from the same state each time, every fifth batch short; losses and weights must agree.
fn compare(name: &str, case: &Case<'_>, steps: i64, outputs: Option<i64>, rate: f64) {
    let (mut ours, mut oracle) = (case.engine(false), case.engine(true));
    assert!(ours.describe().starts_with("panels"), "{name}: {}", ours.describe());
    let mut differences = Vec::new();
    for t in 0..steps {
        let (input, target) = case.batch([64, 64, 17, 64, 10][(t % 5) as usize], t % 30, outputs);
        oracle.network().parameters.flat.copy_from(&ours.network().parameters.flat.view()).unwrap();
        oracle.load_optimizer_state(&ours.optimizer_state()).unwrap();
        for engine in [&mut ours, &mut oracle] {
            engine.step(&input, &target, rate, t as u64).unwrap();
        }
        let (loss, wanted) = (ours.take_losses().unwrap()[0], oracle.take_losses().unwrap()[0]);
        assert!((loss - wanted).abs() <= 2e-5 * wanted.abs().max(1e-3), "{name} step {t}: loss {loss}, not {wanted}");
        differences.push(distance(&weights(&*ours), &weights(&*oracle)));
    }
    differences.sort_by(f64::total_cmp);
    let typical = differences[differences.len() / 2];
    // Where a ReLU's input or two cells of a pooling window are equal up to rounding, one sample's gradient differs.
    assert!(typical < 2e-6, "{name}: {typical:e}");
    assert!(differences[differences.len() - 1] < 1e-3, "{name}: {differences:?}");

    for n in [1, 10, 64, 100] {
        let (input, target) = case.batch(n, 77, outputs);
        oracle.network().parameters.flat.copy_from(&ours.network().parameters.flat.view()).unwrap();
        let ((loss, output), (wanted, oracle)) =
            (ours.evaluate(&input, &target).unwrap(), oracle.evaluate(&input, &target).unwrap());
        assert!((loss - wanted).abs() <= 2e-5 * wanted.abs().max(1e-3), "{name}: {loss}, not {wanted}");
        assert_eq!(output.shape(), oracle.shape(), "{name}");
        let (output, oracle) = (output.tensor().unwrap(), oracle.tensor().unwrap());
        let (most, scale) = ((output - oracle).abs().max().double_value(&[]), oracle.abs().max().double_value(&[]));
        assert!(most <= 1e-4 * scale.max(1.0), "{name}: outputs differ by {most}");
    }
}

fn case(text: &str, sample: [i64; 3]) -> Case<'_> {
    Case { text, sample, spec: OptimizerSpec::default(), threads: 2, level: None }
}

/// A network file of these layers.
fn file(layers: &str, loss: &str) -> String {
    format!("return function() local n = nn.Sequential() {layers} return {{ model = n, loss = {loss} }} end")
}

#[test]
fn lenet_s_200_steps_are_autograd_s() {
    // Unoptimised kernels take a second a step: the full length is for `cargo test --release`.
    let steps = if cfg!(debug_assertions) { 2 } else { 200 };
    compare("lenet.lua", &case(include_str!("../../networks/lenet.lua"), [1, 28, 28]), steps, None, 0.01);
}

#[test]
fn a_small_network_s_200_steps_are_autograd_s() {
    let layers =
        "n:add(nn.MulConstant(0.01)):add(nn.SpatialConvolution(1, 6, 3, 3)):add(nn.SpatialMaxPooling(2, 2, 2, 2))
        n:add(nn.ReLU()):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(54, 10)):add(nn.LogSoftMax())";
    compare("small", &case(&file(layers, "nn.ClassNLLCriterion()"), [1, 8, 8]), 200, None, 0.01);
}

#[test]
fn every_network_of_the_repository_trains_the_same_on_every_engine() {
    for (name, sample) in [("autoencoder.lua", [1, 28, 28]), ("lenet.lua", [3, 28, 28])] {
        let text = std::fs::read_to_string(tree::root().join("networks").join(name)).unwrap();
        let case = case(&text, sample);
        let (mut ours, mut oracle) = (case.engine(false), case.engine(true));
        for t in [0, 4] {
            let (input, mut target) = case.batch(if t % 5 == 4 { 10 } else { 64 }, t, None);
            if name == "autoencoder.lua" {
                target = Activity::Tensor(input.shallow_clone());
            }
            for engine in [&mut ours, &mut oracle] {
                engine.step(&input, &target, 0.01, t as u64).unwrap();
            }
        }
        let (losses, wanted) = (ours.take_losses().unwrap(), oracle.take_losses().unwrap());
        let agree = losses.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-3 * b.abs());
        assert!(agree, "{name} by {}: {losses:?}, not {wanted:?}", ours.describe());
    }
}

/// A network with settings that the others do not have.
struct Setting {
    name: &'static str,
    /// `[c, h, w]`
    sample: [i64; 3],
    layers: &'static str,
    loss: &'static str,
    /// Numbers of a target, for a regression; a class otherwise.
    outputs: Option<i64>,
    rate: f64,
}

const STRIDES: Setting = Setting {
    name: "strides and padding",
    sample: [3, 13, 11],
    layers: "n:add(nn.MulConstant(0.01)):add(nn.SpatialConvolution(3, 7, 3, 2, 2, 1, 1, 2)):add(nn.ReLU())
         n:add(nn.SpatialConvolution(7, 13, 2, 3, 1, 2, 0, 1)):add(nn.SpatialMaxPooling(3, 2, 2, 1)):add(nn.ReLU())
         n:add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(13 * 7 * 2, 10)):add(nn.LogSoftMax())",
    loss: "nn.ClassNLLCriterion()",
    outputs: None,
    rate: 0.01,
};

const OVERLAP: Setting = Setting {
    name: "overlapping pools and no bias",
    sample: [1, 16, 16],
    layers:
        "n:add(nn.MulConstant(0.01)):add(nn.SpatialConvolution(1, 4, 4, 4)):add(nn.SpatialMaxPooling(3, 3, 2, 2):ceil())
         local c = nn.SpatialConvolution(4, 9, 3, 3) c.bias = nil c.gradBias = nil n:add(c):add(nn.ReLU())
         n:add(nn.Reshape(9 * 4 * 4)):add(nn.Linear(9 * 4 * 4, 31)):add(nn.ReLU()):add(nn.Linear(31, 10))",
    loss: "nn.CrossEntropyCriterion()",
    outputs: None,
    rate: 0.01,
};

const REGRESSION: Setting = Setting {
    name: "regression, summed",
    sample: [2, 9, 8],
    layers: "n:add(nn.MulConstant(0.01)):add(nn.SpatialConvolution(2, 5, 3, 3, 1, 1, 1, 1)):add(nn.ReLU())
         n:add(nn.SpatialConvolution(5, 2, 3, 3, 1, 1, 1, 1))",
    loss: "nn.MSECriterion(false)",
    outputs: Some(2 * 9 * 8),
    rate: 1e-4,
};

#[test]
fn every_setting_follows_autograd_at_every_level_and_for_any_threads() {
    for Setting { name, sample, layers, loss, outputs, rate } in [STRIDES, OVERLAP, REGRESSION] {
        let text = file(layers, loss);
        for level in Level::available() {
            for threads in [1, 2, 3] {
                compare(name, &Case { level: Some(level), threads, ..case(&text, sample) }, 5, outputs, rate);
            }
        }
    }
}

#[test]
fn every_rule_works_and_the_bits_are_the_same_for_any_threads() {
    let text = file(OVERLAP.layers, OVERLAP.loss);
    for kind in OptimizerKind::ALL {
        let spec = OptimizerSpec { kind, ..Default::default() };
        let case = |threads| Case { threads, spec: spec.clone(), ..case(&text, [1, 16, 16]) };
        compare(kind.name(), &case(2), 5, None, 1e-3);
        let run = |threads| {
            let mut engine = case(threads).engine(false);
            for t in 0..4 {
                let (input, target) = case(1).batch(if t == 2 { 10 } else { 64 }, t, None);
                engine.step(&input, &target, 1e-3, 0).unwrap();
            }
            (weights(&*engine), engine.take_losses().unwrap())
        };
        assert_eq!(run(2), run(1), "{kind}");
        assert_eq!(run(3), run(2), "{kind}");
    }
}

#[test]
fn what_is_not_as_planned_goes_to_autograd_and_is_told_in_its_words() {
    let text = file(OVERLAP.layers, OVERLAP.loss);
    let case = case(&text, [1, 16, 16]);
    let (input, target) = case.batch(8, 1, None);
    let wrong = Activity::Tensor(tch::Tensor::from_slice(&[11f32; 8]));
    let pages = [false, true].map(|force_autograd| {
        let mut engine = case.engine(force_autograd);
        let before = weights(&*engine);
        let label = engine.step(&input, &wrong, 0.1, 0).unwrap_err().to_string();
        let image = engine.step(&input.narrow(2, 0, 8), &target, 0.1, 0).unwrap_err().to_string();
        assert_eq!(weights(&*engine), before);
        engine.step(&input, &target, 0.1, 0).unwrap();
        assert_eq!(engine.take_losses().unwrap().len(), 1);
        (label, image)
    });
    assert!(pages[0].0.contains("target 11 is no class from 1 to 10"), "{}", pages[0].0);
    assert_eq!(pages[0], pages[1]);

    for (why, layers) in [
        (
            "dropout",
            "n:add(nn.SpatialConvolution(1, 2, 16, 16)):add(nn.Dropout()):add(nn.View(2)):add(nn.LogSoftMax())",
        ),
        (
            "a late factor",
            "n:add(nn.SpatialConvolution(1, 2, 16, 16)):add(nn.MulConstant(2)):add(nn.View(2)):add(nn.LogSoftMax())",
        ),
        ("no logarithm", "n:add(nn.SpatialConvolution(1, 2, 16, 16)):add(nn.View(2))"),
        (
            "a view that splits the batch",
            "n:add(nn.SpatialConvolution(1, 2, 16, 16)):add(nn.View(-1, 1)):add(nn.LogSoftMax())",
        ),
        (
            "a shared weight",
            "local a, b = nn.Linear(256, 256), nn.Linear(256, 256) b:share(a, 'weight', 'gradWeight') n:add(nn.View(256)):add(a):add(b):add(nn.LogSoftMax())",
        ),
    ] {
        let text = file(layers, "nn.ClassNLLCriterion()");
        let engine = Case { text: &text, ..self::case(&text, [1, 16, 16]) }.engine(false);
        assert_eq!(engine.describe(), "autograd", "{why}");
    }
}

/// Loss and gradient of one training pass; of a private one, the gradient as the engine takes it.
fn differentiated(network: &Network, input: &tch::Tensor, target: &Activity, is_private: bool) -> (f64, Vec<f32>) {
    // Not libtorch's generator: the tests beside this one draw from it too.
    let generator = RefCell::new(Generator::new(3));
    let mut cx = Context::with_generator(Mode::Train, &generator);
    if is_private {
        cx = cx.private(MemoryFormat::ImagesPlanesLast);
    }
    let output = network.forward(&Activity::Tensor(input.shallow_clone()), &mut cx).unwrap();
    let loss = network.loss(&output, target, &mut cx).unwrap();
    let gradient = if is_private {
        let pieces = network.gradients(&loss, cx.take_cuts()).unwrap();
        tch::Tensor::cat(&pieces.iter().map(|piece| piece.reshape([-1])).collect::<Vec<_>>(), 0)
    } else {
        network.backward(&loss, cx.take_cuts()).unwrap();
        network.parameters.grad.view()
    };
    (loss.double_value(&[]), Vec::try_from(gradient.to_kind(tch::Kind::Float)).unwrap())
}

/// A private pass must be as near to the truth, which is a plain pass in f64, as a plain one in f32: deep networks with
/// batch normalisation carry a rounding far, so that two right answers may part by some hundredths.
fn assert_passes_agree(name: &str, [single, double]: &[Network; 2], input: &tch::Tensor, target: &Activity) {
    let (loss, plain) = differentiated(single, input, target, false);
    let (private_loss, private) = differentiated(single, input, target, true);
    assert!((loss - private_loss).abs() <= 1e-4 * loss.abs(), "{name}: {private_loss}, not {loss}");
    let wide = Activity::Tensor(target.tensor().unwrap().to_kind(tch::Kind::Double));
    let (_, truth) = differentiated(double, &input.to_kind(tch::Kind::Double), &wide, false);
    let length = |g: &mut dyn Iterator<Item = f32>| g.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let error = |g: &[f32]| length(&mut g.iter().zip(&truth).map(|(a, b)| a - b));
    assert_eq!((plain.len(), private.len()), (truth.len(), truth.len()), "{name}");
    let (scale, usual, ours) = (length(&mut truth.iter().copied()), error(&plain), error(&private));
    eprintln!("{name}: off by {ours:e}, a plain pass by {usual:e}, of {scale:e}");
    assert!(
        scale > 0.0 && ours <= 3.0 * usual + 2e-3 * scale,
        "{name}: off by {ours}, a plain pass by {usual}, of {scale}"
    );
}

#[test]
fn a_private_pass_has_the_loss_and_the_gradient_of_a_plain_one() {
    tch::set_num_threads(1);
    // AlexNet's 60 million weights would only add time to what alexnet-small shows.
    for file in networks::ALL.iter().filter(|file| file.name != "alexnet") {
        let load = || load(file.source(), &file.params(), VmOptions::default(), 7).unwrap();
        let loaded = load();
        let [c, h, w] = file.shape;
        let [h, w] = loaded.settings.croplen.map_or([h, w], |side| [side, side]);
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let input = case("", [c, h, w]).batch(4, 5, None).0;
        let input = if file.name == "text-classification" { input.abs().clamp(1.0, 71.0) } else { input };
        let target = match (file.name, file.classes) {
            ("siamese", _) => tch::Tensor::from_slice(&[1f32, -1.0, 1.0, -1.0]),
            (_, Some(classes)) => tch::Tensor::from_slice(&[1, 2, 1, 2].map(|class: i64| class.min(classes) as f32)),
            _ => {
                let plain = &mut Context::new(Mode::Evaluate);
                let output = network.forward(&Activity::Tensor(input.shallow_clone()), plain).unwrap();
                output.tensor().unwrap().detach() * 0.5 + 1.0
            }
        };
        let double = load().lower(tch::Kind::Double, tch::Device::Cpu).unwrap();
        assert_passes_agree(file.name, &[network, double], &input, &Activity::Tensor(target));
    }
}

#[test]
fn private_passes_lay_planes_side_by_side_and_plain_ones_do_not() {
    let text =
        file("n:add(nn.SpatialConvolution(3, 6, 3, 3)):add(nn.SpatialMaxPooling(2, 2, 2, 2))", "nn.MSECriterion()");
    let input = case(&text, [3, 10, 10]).batch(4, 5, Some(6 * 16)).0;
    let loaded = load(Source::pasted("net.lua", &text), &NetworkParams::default(), VmOptions::default(), 7).unwrap();
    let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    let strides = |mut cx: Context<'_>| {
        let output = network.forward(&Activity::Tensor(input.shallow_clone()), &mut cx).unwrap();
        assert_eq!(output.tensor().unwrap().size(), [4, 6, 4, 4]);
        output.tensor().unwrap().stride()
    };
    assert_eq!(strides(Context::new(Mode::Evaluate)), [96, 16, 4, 1]);
    assert_eq!(strides(Context::new(Mode::Evaluate).private(MemoryFormat::ImagesPlanesLast)), [96, 1, 24, 6]);
}

#[test]
fn modules_of_the_user_see_torch7_s_strides() {
    tch::set_num_threads(1);
    let text = "local Mine = torch.class('nn.Mine', 'nn.Module')
        function Mine:updateOutput(x) assert(x:isContiguous()) self.output = x:view(x:nElement()):viewAs(x) * 2 return self.output end
        function Mine:updateGradInput(x, g) assert(x:isContiguous() and g:isContiguous()) self.gradInput = g * 2 return self.gradInput end
        return function()
            local n = nn.Sequential():add(nn.SpatialConvolution(3, 4, 3, 3)):add(nn.Mine()):add(nn.SpatialConvolution(4, 5, 3, 3))
            n:add(nn.ReLU()):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(80, 10)):add(nn.LogSoftMax())
            return { model = n, loss = nn.ClassNLLCriterion() }
        end";
    let (input, target) = case(text, [3, 8, 8]).batch(4, 5, None);
    let networks = [tch::Kind::Float, tch::Kind::Double].map(|kind| {
        let params =
            NetworkParams { input_shape: Some([3, 8, 8]), nclasses: Some(CLASSES), ..NetworkParams::default() };
        let loaded = load(Source::pasted("net.lua", text), &params, VmOptions::default(), 7).unwrap();
        loaded.lower(kind, tch::Device::Cpu).unwrap()
    });
    assert_passes_agree("a module in Lua", &networks, &input, &target);
}
