//! The networks of the benches: the network file, a batch, and the same network as anyone would write it with tch.

mod by_hand;

use digits::{
    frontend::{NetworkParams, Source, load, lua::vm::VmOptions},
    nn::Activity,
    optim::OptimizerSpec,
    train::engine::{Engine, EngineOptions, engine},
};

pub(crate) use by_hand::ByHand;

/// One network to be timed.
pub(crate) struct Case {
    pub name: &'static str,
    text: String,
    /// Samples in a batch.
    samples: i64,
    /// Of the dataset's images, `[c, h, w]`.
    image: [i64; 3],
    /// What the network sees of them.
    sample: [i64; 3],
    target: Target,
    pub by_hand: fn() -> ByHand,
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
    /// The engine that the program would take, or autograd.
    pub(crate) fn engine(&self, force_autograd: bool) -> Box<dyn Engine> {
        let params =
            NetworkParams { input_shape: Some(self.image), nclasses: Some(CLASSES), ..NetworkParams::default() };
        let source = Source::pasted(self.name, &self.text);
        let loaded = load(source, &params, VmOptions::default(), 1).expect("the file loads");
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).expect("the network lowers");
        let options = EngineOptions {
            batch_size: self.samples as usize,
            force_autograd,
            sample: Some(self.sample.to_vec()),
            ..EngineOptions::default()
        };
        let engine = engine(network, &OptimizerSpec::default(), &options).expect("the network trains");
        engine.surroundings().grant();
        engine
    }

    /// Input and target.
    pub(crate) fn batch(&self) -> (tch::Tensor, Activity) {
        tch::manual_seed(1);
        let [c, h, w] = self.sample;
        // Like digits less their mean: mostly dark. A text's bytes are drawn evenly.
        let grey = tch::Tensor::rand([self.samples, c, h, w], (tch::Kind::Float, tch::Device::Cpu));
        let input =
            if self.name == TEXT { (grey * 70.0).floor() + 1.0 } else { grey.pow_tensor_scalar(6) * 255.0 - 33.0 };
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

const TEXT: &str = "text classification";

fn case(
    name: &'static str,
    text: &str,
    samples: i64,
    sample: [i64; 3],
    target: Target,
    by_hand: fn() -> ByHand,
) -> Case {
    Case { name, text: text.to_string(), samples, image: sample, sample, target, by_hand }
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../networks/", $name, ".lua"))
    };
}

/// The networks that kernels of our own train, and a small one that they do not know.
pub(crate) fn small() -> Vec<Case> {
    let digit = [1, 28, 28];
    vec![
        case("autoencoder", file!("autoencoder"), 64, digit, Target::Input, by_hand::autoencoder),
        case("LeNet", file!("lenet"), 64, digit, Target::Classes, by_hand::lenet),
        case("normalised net", NORMALISED, 64, digit, Target::Classes, by_hand::normalised),
    ]
}

/// Every network of the table. Batches of the large ones are smaller than their files say, to keep the bench short.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = small();
    cases.extend([
        case("siamese", file!("siamese"), 8, [2, 28, 28], Target::Same, by_hand::siamese),
        case("binary segmentation", file!("binary-segmentation"), 4, [1, 64, 64], Target::Plane, by_hand::segmentation),
        case("small ResNet", RESNET, 32, [3, 32, 32], Target::Classes, by_hand::resnet),
        case(TEXT, file!("text-classification"), 8, [1, 32, 32], Target::Classes, by_hand::text),
    ]);
    let photograph = [3, 256, 256];
    let seen = |case| Case { image: photograph, ..case };
    cases.extend([
        seen(case("AlexNet", file!("alexnet"), 8, [3, 224, 224], Target::Classes, by_hand::alexnet)),
        seen(case("GoogLeNet", file!("googlenet"), 4, [3, 224, 224], Target::Classes, by_hand::googlenet)),
    ]);
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
