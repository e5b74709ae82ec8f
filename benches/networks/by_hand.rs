//! The networks of the benches as anyone would write them with tch: `nn::seq_t`, libtorch's losses, `nn::sgd`.

use digits::nn::Activity;
use tch::{
    Reduction, Tensor,
    nn::{self, ModuleT, OptimizerConfig, Path, SequentialT},
};

use super::CLASSES;

type Loss = Box<dyn Fn(&Tensor, &Tensor) -> Tensor>;
/// The forward pass of a network in training mode.
pub(super) type Forward = Box<dyn Fn(&Tensor) -> Tensor>;

/// A network and SGD, here with Torch's dampening.
pub(crate) struct ByHand {
    _store: nn::VarStore,
    loss: Loss,
    optimizer: nn::Optimizer,
}

impl ByHand {
    /// `make` gives the loss of an input and a target.
    pub(super) fn new(make: impl Fn(&Path<'_>) -> Loss) -> ByHand {
        let store = nn::VarStore::new(tch::Device::Cpu);
        let loss = make(&store.root());
        let optimizer = nn::sgd(0.9, 0.9, 1e-4, false).build(&store, 0.01).expect("the settings are right");
        ByHand { _store: store, loss, optimizer }
    }

    /// A classifier: `make` gives its scores.
    pub(super) fn scores(make: impl Fn(&Path<'_>) -> Forward) -> ByHand {
        ByHand::new(|path| {
            let network = make(path);
            Box::new(move |input, target| {
                network(input).log_softmax(1, None).nll_loss(&(target.to_kind(tch::Kind::Int64) - 1))
            })
        })
    }

    /// A classifier of images that are multiplied by `scale` first.
    fn classifier(scale: f64, make: impl Fn(&Path<'_>) -> SequentialT) -> ByHand {
        ByHand::scores(|path| {
            let network = make(path);
            Box::new(move |input| {
                let input = if scale == 1.0 { input.shallow_clone() } else { input * scale };
                network.forward_t(&input, true)
            })
        })
    }

    /// One step.
    pub(crate) fn step(&mut self, input: &Tensor, target: &Activity) {
        let loss = (self.loss)(input, target.tensor().expect("these targets are tensors"));
        self.optimizer.backward_step(&loss);
    }
}

/// A convolution with a square window.
pub(super) fn conv(path: Path<'_>, from: i64, to: i64, side: i64, stride: i64, padding: i64) -> nn::Conv2D {
    nn::conv2d(path, from, to, side, nn::ConvConfig { stride, padding, ..Default::default() })
}

pub(super) fn linear(path: Path<'_>, from: i64, to: i64) -> nn::Linear {
    nn::linear(path, from, to, nn::LinearConfig::default())
}

pub(super) fn norm(path: Path<'_>, planes: i64) -> nn::BatchNorm {
    nn::batch_norm2d(path, planes, nn::BatchNormConfig::default())
}

pub(super) fn autoencoder() -> ByHand {
    ByHand::new(|path| {
        let mut net = nn::seq_t().add_fn(|x| x.view([-1, 784]));
        for (i, (a, b)) in [(784, 300), (300, 50), (50, 300), (300, 784)].into_iter().enumerate() {
            net = net.add(linear(path / i, a, b));
            net = if i < 3 { net.add_fn(Tensor::relu) } else { net };
        }
        Box::new(move |input, target| {
            net.forward_t(&(input * 0.003_906_25), true).mse_loss(&target.view([-1, 784]), Reduction::Mean)
        })
    })
}

/// DIGITS' LeNet up to its second hidden layer of 500.
fn lenet_body(path: &Path<'_>) -> SequentialT {
    nn::seq_t()
        .add(conv(path / "c1", 1, 20, 5, 1, 0))
        .add_fn(|x| x.max_pool2d_default(2))
        .add(conv(path / "c2", 20, 50, 5, 1, 0))
        .add_fn(|x| x.max_pool2d_default(2).view([-1, 800]))
        .add(linear(path / "l1", 800, 500))
        .add_fn(Tensor::relu)
}

pub(super) fn lenet() -> ByHand {
    ByHand::classifier(0.0125, |path| lenet_body(path).add(linear(path / "l2", 500, CLASSES)))
}

pub(super) fn normalised() -> ByHand {
    ByHand::classifier(0.0125, |path| {
        nn::seq_t()
            .add(conv(path / "c", 1, 16, 5, 1, 0))
            .add(norm(path / "b", 16))
            .add_fn(|x| x.relu().max_pool2d_default(2).view([-1, 2304]))
            .add_fn_t(|x, train| x.dropout(0.5, train))
            .add(linear(path / "l", 2304, CLASSES))
    })
}

pub(super) fn siamese() -> ByHand {
    ByHand::new(|path| {
        let branch = lenet_body(path).add(linear(path / "l2", 500, 2));
        Box::new(move |input, target| {
            let input = input * 0.03;
            let [a, b] = [0, 1].map(|i| branch.forward_t(&input.narrow(1, i, 1), true));
            Tensor::cosine_embedding_loss(&a, &b, target, 0.8, Reduction::Mean)
        })
    })
}

pub(super) fn segmentation() -> ByHand {
    ByHand::new(|path| {
        let net = nn::seq_t()
            .add(conv(path / "c1", 1, 32, 3, 1, 1))
            .add_fn(Tensor::relu)
            .add(conv(path / "c2", 32, 1024, 16, 16, 0))
            .add_fn(Tensor::relu)
            .add(nn::conv_transpose2d(
                path / "f",
                1024,
                1,
                16,
                nn::ConvTransposeConfig { stride: 16, ..Default::default() },
            ));
        Box::new(move |input, target| net.forward_t(input, true).smooth_l1_loss(target, Reduction::Mean, 1.0))
    })
}

/// Two convolutions beside a shortcut.
fn block(path: Path<'_>, from: i64, to: i64, stride: i64) -> nn::FuncT<'static> {
    let plain = |path: Path<'_>, from, side, stride| {
        let config = nn::ConvConfig { stride, padding: side / 2, bias: false, ..Default::default() };
        nn::conv2d(path, from, to, side, config)
    };
    let long = nn::seq_t()
        .add(plain(&path / "c1", from, 3, stride))
        .add(norm(&path / "b1", to))
        .add_fn(Tensor::relu)
        .add(plain(&path / "c2", to, 3, 1))
        .add(norm(&path / "b2", to));
    let mut short = nn::seq_t();
    if stride != 1 {
        short = short.add(plain(&path / "c3", from, 1, stride)).add(norm(&path / "b3", to));
    }
    nn::func_t(move |x, train| {
        let shortcut = if short.is_empty() { x.shallow_clone() } else { short.forward_t(x, train) };
        (long.forward_t(x, train) + shortcut).relu()
    })
}

pub(super) fn resnet() -> ByHand {
    ByHand::classifier(0.02, |path| {
        let first = nn::ConvConfig { padding: 1, bias: false, ..Default::default() };
        nn::seq_t()
            .add(nn::conv2d(path / "c", 3, 16, 3, first))
            .add(norm(path / "b", 16))
            .add_fn(Tensor::relu)
            .add(block(path / "1", 16, 16, 1))
            .add(block(path / "2", 16, 32, 2))
            .add(block(path / "3", 32, 64, 2))
            .add_fn(|x| x.avg_pool2d_default(8).view([-1, 64]))
            .add(linear(path / "l", 64, CLASSES))
    })
}

pub(super) fn text() -> ByHand {
    ByHand::classifier(1.0, |path| {
        let mut net = nn::seq_t()
            .add_fn(|x| (x.view([-1, 1024]).to_kind(tch::Kind::Int64) - 1).one_hot(71))
            .add_fn(|x| x.to_kind(tch::Kind::Float).transpose(1, 2));
        let layers = [(7, true), (7, true), (3, false), (3, false), (3, false), (3, true)];
        for (i, (window, pools)) in layers.into_iter().enumerate() {
            let from = if i == 0 { 71 } else { 256 };
            net = net.add(nn::conv1d(path / i, from, 256, window, nn::ConvConfig::default())).add_fn(Tensor::relu);
            if pools {
                net = net.add_fn(|x| x.max_pool1d(3, 3, 0, 1, false));
            }
        }
        net.add_fn(|x| x.flatten(1, -1))
            .add(linear(path / "l1", 8704, 1024))
            .add_fn_t(|x, train| x.relu().dropout(0.5, train))
            .add(linear(path / "l2", 1024, 1024))
            .add_fn_t(|x, train| x.relu().dropout(0.5, train))
            .add(linear(path / "l3", 1024, CLASSES))
    })
}

pub(super) fn alexnet() -> ByHand {
    ByHand::classifier(1.0, |path| {
        let pool = |x: &Tensor| x.relu().max_pool2d([3, 3], [2, 2], [0, 0], [1, 1], false);
        nn::seq_t()
            .add(conv(path / "c1", 3, 96, 11, 4, 2))
            .add_fn(pool)
            .add(conv(path / "c2", 96, 256, 5, 1, 2))
            .add_fn(pool)
            .add(conv(path / "c3", 256, 384, 3, 1, 1))
            .add_fn(Tensor::relu)
            .add(conv(path / "c4", 384, 384, 3, 1, 1))
            .add_fn(Tensor::relu)
            .add(conv(path / "c5", 384, 256, 3, 1, 1))
            .add_fn(pool)
            .add_fn_t(|x, train| x.view([-1, 9216]).dropout(0.5, train))
            .add(linear(path / "l1", 9216, 4096))
            .add_fn_t(|x, train| x.relu().dropout(0.5, train))
            .add(linear(path / "l2", 4096, 4096))
            .add_fn(Tensor::relu)
            .add(linear(path / "l3", 4096, CLASSES))
    })
}

/// A convolution, its normalisation and its rectifier.
fn convolved(path: Path<'_>, from: i64, to: i64, side: i64, stride: i64, padding: i64) -> SequentialT {
    nn::seq_t().add(conv(&path / "c", from, to, side, stride, padding)).add(norm(&path / "b", to)).add_fn(Tensor::relu)
}

fn max_pool(side: i64, stride: i64, padding: i64) -> impl Fn(&Tensor) -> Tensor {
    move |x| x.max_pool2d([side, side], [stride, stride], [padding, padding], [1, 1], true)
}

/// As in `networks/googlenet.lua`: 1x1, {reduce, 3x3}, {reduce, double 3x3}, (average, planes).
type Inception = (i64, [i64; 2], [i64; 2], (bool, i64));

/// Branches side by side.
fn inception(path: Path<'_>, from: i64, plan: Inception) -> nn::FuncT<'static> {
    let (direct, single, double, (average, pooled)) = plan;
    let halves = direct == 0;
    let mut branches = Vec::new();
    if !halves {
        branches.push(convolved(&path / "1", from, direct, 1, 1, 0));
    }
    let at = &path / "2";
    let mut branch = nn::seq_t().add(convolved(&at / 1, from, single[0], 1, 1, 0));
    branch = branch.add(convolved(&at / 2, single[0], if halves { single[0] } else { single[1] }, 3, 1, 1));
    if halves {
        branch = branch.add(conv(&at / 3, single[0], single[1], 2, 2, 0));
    }
    branches.push(branch);
    let at = &path / "3";
    let mut branch = nn::seq_t().add(convolved(&at / 1, from, double[0], 1, 1, 0));
    branch = branch.add(convolved(&at / 2, double[0], double[1], 3, 1, 1));
    branches.push(if halves {
        branch.add(conv(&at / 3, double[1], double[1], 2, 2, 0))
    } else {
        branch.add(convolved(&at / 3, double[1], double[1], 3, 1, 1))
    });
    let mut branch = match (halves, average) {
        (true, _) => nn::seq_t().add_fn(max_pool(3, 2, 0)),
        (false, true) => nn::seq_t().add_fn(|x| x.avg_pool2d([3, 3], [1, 1], [1, 1], false, true, None)),
        (false, false) => nn::seq_t().add_fn(max_pool(3, 1, 1)),
    };
    if pooled > 0 {
        branch = branch.add(convolved(&path / "4", from, pooled, 1, 1, 0));
    }
    branches.push(branch);
    nn::func_t(move |x, train| Tensor::cat(&branches.iter().map(|b| b.forward_t(x, train)).collect::<Vec<_>>(), 1))
}

pub(super) fn googlenet() -> ByHand {
    const PLANS: [(i64, Inception); 10] = [
        (192, (64, [64, 64], [64, 96], (true, 32))),
        (256, (64, [64, 96], [64, 96], (true, 64))),
        (320, (0, [128, 160], [64, 96], (false, 0))),
        (576, (224, [64, 96], [96, 128], (true, 128))),
        (576, (192, [96, 128], [96, 128], (true, 128))),
        (576, (160, [128, 160], [128, 160], (true, 96))),
        (576, (96, [128, 192], [160, 192], (true, 96))),
        (576, (0, [128, 192], [192, 256], (false, 0))),
        (1024, (352, [192, 320], [160, 224], (true, 128))),
        (1024, (352, [192, 320], [192, 224], (false, 128))),
    ];
    ByHand::classifier(0.02, |path| {
        let mut net = nn::seq_t()
            .add(convolved(path / "a", 3, 64, 7, 2, 3))
            .add_fn(max_pool(3, 2, 0))
            .add(convolved(path / "b", 64, 64, 1, 1, 0))
            .add(convolved(path / "c", 64, 192, 3, 1, 1))
            .add_fn(max_pool(3, 2, 0));
        for (i, (from, plan)) in PLANS.into_iter().enumerate() {
            net = net.add(inception(path / i, from, plan));
        }
        net.add_fn(|x| x.avg_pool2d([7, 7], [1, 1], [0, 0], false, true, None).view([-1, 1024])).add(linear(
            path / "l",
            1024,
            CLASSES,
        ))
    })
}
