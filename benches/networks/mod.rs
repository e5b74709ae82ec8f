//! The networks of the benches, one list: the network file, a batch, and the same network as anyone would write it with
//! tch.

mod by_hand;
mod sketches;

use digits::{
    frontend::{
        NetworkParams, Source,
        lua::{load, vm::VmOptions},
    },
    nn::Activity,
    optim::OptimizerSpec,
    train::engine::{Engine, EngineOptions, engine},
};

pub(crate) use by_hand::ByHand;

/// One network to be timed.
pub(crate) struct Case {
    pub name: &'static str,
    pub group: Group,
    text: &'static str,
    /// Samples in a batch.
    samples: i64,
    /// Of the dataset's images, `[c, h, w]`.
    image: [i64; 3],
    /// What the network sees of them.
    sample: [i64; 3],
    input: Input,
    target: Target,
    pub by_hand: fn() -> ByHand,
}

/// Which bench times it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// `step`, by criterion and in the table: what kernels of our own train, and a small network that they do not know.
    Small,
    /// `step`, in the table only.
    Large,
    /// `lowering`: small networks of many kinds.
    Sketch,
}

#[derive(Clone, Copy)]
enum Input {
    /// Like digits less their mean: mostly dark.
    Digits,
    /// Whole numbers from 1 to this, drawn evenly: a text's bytes or words.
    Words(f64),
    /// Normal noise.
    Noise,
    /// From 0 to 1.
    Unit,
}

#[derive(Clone, Copy)]
enum Target {
    Classes,
    /// The input itself.
    Input,
    /// One plane of the input's size.
    Plane,
    /// Whether two pictures are the same: 1 or −1.
    Same,
}

pub(crate) const CLASSES: i64 = 10;

impl Case {
    /// The engine that the program would take, where `options` do not say otherwise.
    pub(crate) fn engine(&self, options: EngineOptions) -> Box<dyn Engine> {
        let params =
            NetworkParams { input_shape: Some(self.image), nclasses: Some(CLASSES), ..NetworkParams::default() };
        let source = Source::pasted(self.name, self.text);
        let loaded = load(source, &params, VmOptions::default(), 1).expect("the file loads");
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).expect("the network lowers");
        let options =
            EngineOptions { batch_size: self.samples as usize, sample: Some(self.sample.to_vec()), ..options };
        let engine = engine(network, &OptimizerSpec::default(), &options).expect("the network trains");
        std::mem::forget(engine.surroundings().grant()); // for the rest of the bench
        engine
    }

    /// Input and target.
    pub(crate) fn batch(&self) -> (tch::Tensor, Activity) {
        tch::manual_seed(1);
        let [c, h, w] = self.sample;
        let unit = tch::Tensor::rand([self.samples, c, h, w], (tch::Kind::Float, tch::Device::Cpu));
        let input = match self.input {
            Input::Digits => unit.pow_tensor_scalar(6) * 255.0 - 33.0,
            Input::Words(count) => (unit * count).floor() + 1.0,
            Input::Noise => unit.randn_like(),
            Input::Unit => unit,
        };
        let each = |number: fn(i64) -> f32| tch::Tensor::from_slice(&(0..self.samples).map(number).collect::<Vec<_>>());
        let target = match self.target {
            Target::Classes => each(|i| (i % CLASSES + 1) as f32),
            Target::Input => input.shallow_clone(),
            Target::Plane => input.narrow(1, 0, 1) / 255.0,
            Target::Same => each(|i| if i % 2 == 0 { 1.0 } else { -1.0 }),
        };
        (input, Activity::Tensor(target))
    }
}

const fn case(
    name: &'static str,
    text: &'static str,
    samples: i64,
    sample: [i64; 3],
    target: Target,
    by_hand: fn() -> ByHand,
) -> Case {
    Case { name, group: Group::Large, text, samples, image: sample, sample, input: Input::Digits, target, by_hand }
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../networks/", $name, ".lua"))
    };
}

/// Every network. Batches of the large ones are smaller than their files say, to keep the bench short.
pub(crate) fn all() -> Vec<Case> {
    let digit = [1, 28, 28];
    let small = |case| Case { group: Group::Small, ..case };
    let photograph = |case| Case { image: [3, 256, 256], ..case };
    let words = Input::Words(70.0);
    let mut cases = vec![
        small(case("autoencoder", file!("autoencoder"), 64, digit, Target::Input, by_hand::autoencoder)),
        small(case("LeNet", file!("lenet"), 64, digit, Target::Classes, by_hand::lenet)),
        small(case("normalised net", NORMALISED, 64, digit, Target::Classes, by_hand::normalised)),
        case("siamese", file!("siamese"), 8, [2, 28, 28], Target::Same, by_hand::siamese),
        case("binary segmentation", file!("binary-segmentation"), 4, [1, 64, 64], Target::Plane, by_hand::segmentation),
        case("small ResNet", RESNET, 32, [3, 32, 32], Target::Classes, by_hand::resnet),
        Case {
            input: words,
            ..case("text classification", file!("text-classification"), 8, [1, 32, 32], Target::Classes, by_hand::text)
        },
        photograph(case("AlexNet", file!("alexnet"), 8, [3, 224, 224], Target::Classes, by_hand::alexnet)),
        photograph(case("GoogLeNet", file!("googlenet"), 4, [3, 224, 224], Target::Classes, by_hand::googlenet)),
    ];
    cases.extend(sketches::all());
    cases
}

/// A network that no kernel of our own knows: it runs on autograd.
const NORMALISED: &str = "return function()
    local n = nn.Sequential():add(nn.MulConstant(0.0125))
    n:add(nn.SpatialConvolution(1, 16, 5, 5)):add(nn.SpatialBatchNormalization(16)):add(nn.ReLU())
    n:add(nn.SpatialMaxPooling(2, 2, 2, 2)):add(nn.View(-1):setNumInputDims(3)):add(nn.Dropout(0.5))
    n:add(nn.Linear(2304, 10)):add(nn.LogSoftMax())
    return { model = n, loss = nn.ClassNLLCriterion() }
end";

/// He et al.: Deep residual learning (2015), with one block a stage.
const RESNET: &str = "return function()
    local function convolve(net, from, to, side, step)
        local border = (side - 1) / 2
        net:add(nn.SpatialConvolution(from, to, side, side, step, step, border, border):noBias())
        return net:add(nn.SpatialBatchNormalization(to))
    end
    local function block(net, from, to, step)
        local long = convolve(nn.Sequential(), from, to, 3, step):add(nn.ReLU(true))
        convolve(long, to, to, 3, 1)
        local short = step == 1 and nn.Identity() or convolve(nn.Sequential(), from, to, 1, step)
        net:add(nn.ConcatTable():add(long):add(short)):add(nn.CAddTable(true)):add(nn.ReLU(true))
    end
    local net = convolve(nn.Sequential():add(nn.MulConstant(0.02)), 3, 16, 3, 1):add(nn.ReLU(true))
    block(net, 16, 16, 1)
    block(net, 16, 32, 2)
    block(net, 32, 64, 2)
    net:add(nn.SpatialAveragePooling(8, 8, 1, 1)):add(nn.View(64):setNumInputDims(3))
    net:add(nn.Linear(64, 10)):add(nn.LogSoftMax())
    return { model = net, loss = nn.ClassNLLCriterion() }
end";
