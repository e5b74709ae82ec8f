//! The networks of the benches: the network file, a batch, and the same network as anyone would write it with tch.

use digits::{
    frontend::{NetworkParams, Source, load, lua::vm::VmOptions},
    nn::Activity,
    optim::OptimizerSpec,
    train::engine::{Engine, EngineOptions, engine},
};
use tch::nn::{self, ModuleT, OptimizerConfig};

/// Samples in a batch.
pub(crate) const SAMPLES: i64 = 64;

/// One network to be timed.
pub(crate) struct Case {
    pub name: &'static str,
    text: String,
    pub input: tch::Tensor,
    pub target: Activity,
    pub by_hand: fn() -> ByHand,
}

impl Case {
    /// The engine that the program would take, or autograd.
    pub(crate) fn engine(&self, force_autograd: bool) -> Box<dyn Engine> {
        let sample = [1, 28, 28];
        let params = NetworkParams { input_shape: Some(sample), nclasses: Some(10), ..NetworkParams::default() };
        let source = Source::pasted(self.name, &self.text);
        let loaded = load(source, &params, VmOptions::default(), 1).expect("the file loads");
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).expect("the network lowers");
        let options = EngineOptions {
            batch_size: SAMPLES as usize,
            force_autograd,
            sample: Some(sample.to_vec()),
            ..EngineOptions::default()
        };
        engine(network, &OptimizerSpec::default(), &options).expect("the network trains")
    }
}

/// `nn::seq` and SGD, here with Torch's dampening.
pub(crate) struct ByHand {
    _store: nn::VarStore,
    network: nn::SequentialT,
    loss: fn(&tch::Tensor, &tch::Tensor) -> tch::Tensor,
    scale: f64,
    optimizer: nn::Optimizer,
}

impl ByHand {
    fn new(
        make: fn(&nn::Path<'_>) -> nn::SequentialT,
        loss: fn(&tch::Tensor, &tch::Tensor) -> tch::Tensor,
        scale: f64,
    ) -> ByHand {
        let store = nn::VarStore::new(tch::Device::Cpu);
        let network = make(&store.root());
        let optimizer = nn::sgd(0.9, 0.9, 1e-4, false).build(&store, 0.01).expect("the settings are right");
        ByHand { _store: store, network, loss, scale, optimizer }
    }

    /// One step.
    pub(crate) fn step(&mut self, input: &tch::Tensor, target: &Activity) {
        let output = self.network.forward_t(&(input * self.scale), true);
        let loss = (self.loss)(&output, target.tensor().expect("these targets are tensors"));
        self.optimizer.backward_step(&loss);
    }
}

fn images() -> tch::Tensor {
    tch::manual_seed(1);
    // Like digits less their mean: mostly dark.
    let grey = tch::Tensor::rand([SAMPLES, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu));
    grey.pow_tensor_scalar(6) * 255.0 - 33.0
}

fn classes() -> Activity {
    let labels: Vec<f32> = (0..SAMPLES).map(|i| (i % 10 + 1) as f32).collect();
    tch::Tensor::from_slice(&labels).into()
}

fn nll(output: &tch::Tensor, target: &tch::Tensor) -> tch::Tensor {
    output.nll_loss(&(target.to_kind(tch::Kind::Int64) - 1))
}

/// The seed document's autoencoder.
pub(crate) fn autoencoder() -> Case {
    let input = images();
    let by_hand = || {
        let make = |path: &nn::Path<'_>| {
            let mut net = nn::seq_t().add_fn(|x| x.view([-1, 784]));
            for (i, (a, b)) in [(784, 300), (300, 50), (50, 300), (300, 784)].into_iter().enumerate() {
                net = net.add(nn::linear(path / i, a, b, nn::LinearConfig::default()));
                net = if i < 3 { net.add_fn(tch::Tensor::relu) } else { net };
            }
            net
        };
        let loss =
            |output: &tch::Tensor, target: &tch::Tensor| output.mse_loss(&target.view([-1, 784]), tch::Reduction::Mean);
        ByHand::new(make, loss, 0.003_906_25)
    };
    let target = Activity::Tensor(input.shallow_clone());
    let text = include_str!("../../networks/autoencoder.lua").to_string();
    Case { name: "autoencoder", text, input, target, by_hand }
}

/// DIGITS' LeNet.
pub(crate) fn lenet() -> Case {
    let by_hand = || {
        let make = |path: &nn::Path<'_>| {
            nn::seq_t()
                .add(nn::conv2d(path / "c1", 1, 20, 5, nn::ConvConfig::default()))
                .add_fn(|x| x.max_pool2d_default(2))
                .add(nn::conv2d(path / "c2", 20, 50, 5, nn::ConvConfig::default()))
                .add_fn(|x| x.max_pool2d_default(2).view([-1, 800]))
                .add(nn::linear(path / "l1", 800, 500, nn::LinearConfig::default()))
                .add_fn(tch::Tensor::relu)
                .add(nn::linear(path / "l2", 500, 10, nn::LinearConfig::default()))
                .add_fn(|x| x.log_softmax(1, None))
        };
        ByHand::new(make, nll, 0.0125)
    };
    let text = include_str!("../../networks/lenet.lua").to_string();
    Case { name: "LeNet", text, input: images(), target: classes(), by_hand }
}

/// A network that no kernel of our own knows: it runs on autograd.
pub(crate) fn normalised() -> Case {
    let text = "return function()
        local n = nn.Sequential():add(nn.MulConstant(0.0125))
        n:add(nn.SpatialConvolution(1, 16, 5, 5)):add(nn.SpatialBatchNormalization(16)):add(nn.ReLU())
        n:add(nn.SpatialMaxPooling(2, 2, 2, 2)):add(nn.View(-1):setNumInputDims(3)):add(nn.Dropout(0.5))
        n:add(nn.Linear(2304, 10)):add(nn.LogSoftMax())
        return { model = n, loss = nn.ClassNLLCriterion() }
    end";
    let by_hand = || {
        let make = |path: &nn::Path<'_>| {
            nn::seq_t()
                .add(nn::conv2d(path / "c", 1, 16, 5, nn::ConvConfig::default()))
                .add(nn::batch_norm2d(path / "b", 16, nn::BatchNormConfig::default()))
                .add_fn(|x| x.relu().max_pool2d_default(2).view([-1, 2304]))
                .add_fn_t(|x, train| x.dropout(0.5, train))
                .add(nn::linear(path / "l", 2304, 10, nn::LinearConfig::default()))
                .add_fn(|x| x.log_softmax(1, None))
        };
        ByHand::new(make, nll, 0.0125)
    };
    Case { name: "normalised net", text: text.to_string(), input: images(), target: classes(), by_hand }
}
