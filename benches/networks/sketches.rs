//! Small networks of many kinds, for the bench `lowering`.

use tch::{
    Kind, Tensor,
    nn::{self, Module, ModuleT},
};

use super::{
    ByHand, Case, Group, Input, Target,
    by_hand::{Forward, conv, linear, norm},
};

fn sequence(net: nn::SequentialT) -> Forward {
    Box::new(move |x| net.forward_t(x, true))
}

/// A convolution without a bias, 3 x 3.
fn plain(path: nn::Path<'_>, planes: i64) -> nn::Conv2D {
    nn::conv2d(path, planes, planes, 3, nn::ConvConfig { padding: 1, bias: false, ..Default::default() })
}

pub(super) fn all() -> [Case; 7] {
    [
        Case {
            name: "MLP with softmax",
            group: Group::Sketch,
            text: "local net = nn.Sequential():add(nn.View(784)):add(nn.Linear(784, 256)):add(nn.Tanh())
            net:add(nn.Linear(256, 256)):add(nn.Tanh()):add(nn.Linear(256, 10)):add(nn.LogSoftMax())
            return { model = net, loss = nn.ClassNLLCriterion() }",
            samples: 64,
            image: [1, 28, 28],
            sample: [1, 28, 28],
            input: Input::Noise,
            target: Target::Classes,
            by_hand: || {
                ByHand::scores(|path| {
                    let net =
                        nn::seq_t().add_fn(|x| x.view([-1, 784])).add(linear(path / 1, 784, 256)).add_fn(Tensor::tanh);
                    sequence(net.add(linear(path / 2, 256, 256)).add_fn(Tensor::tanh).add(linear(path / 3, 256, 10)))
                })
            },
        },
        Case {
            name: "ResNet block",
            group: Group::Sketch,
            text: "local function conv() return nn.SpatialConvolution(16, 16, 3, 3, 1, 1, 1, 1):noBias() end
            local body = nn.Sequential():add(conv()):add(nn.SpatialBatchNormalization(16)):add(nn.ReLU(true))
               :add(conv()):add(nn.SpatialBatchNormalization(16))
            local net = nn.Sequential()
               :add(nn.ConcatTable():add(body):add(nn.Identity())):add(nn.CAddTable(true)):add(nn.ReLU(true))
               :add(nn.SpatialAveragePooling(32, 32)):add(nn.View(16):setNumInputDims(3)):add(nn.Linear(16, 10))
            return { model = net, loss = nn.CrossEntropyCriterion() }",
            samples: 16,
            image: [16, 32, 32],
            sample: [16, 32, 32],
            input: Input::Noise,
            target: Target::Classes,
            by_hand: || {
                ByHand::scores(|path| {
                    let body = nn::seq_t().add(plain(path / 1, 16)).add(norm(path / 2, 16)).add_fn(Tensor::relu);
                    let body = body.add(plain(path / 3, 16)).add(norm(path / 4, 16));
                    let net = nn::seq_t()
                        .add_fn_t(move |x, train| (x + body.forward_t(x, train)).relu())
                        .add_fn(|x| x.avg_pool2d([32, 32], [1, 1], [0, 0], false, true, None::<i64>).view([-1, 16]));
                    sequence(net.add(linear(path / 5, 16, 10)))
                })
            },
        },
        Case {
            name: "VGG of CIFAR",
            group: Group::Sketch,
            text: "local net, planes = nn.Sequential(), 3
            for _, n in ipairs{16, 32, 64} do
               net:add(nn.SpatialConvolution(planes, n, 3, 3, 1, 1, 1, 1)):add(nn.SpatialBatchNormalization(n, 1e-3))
               net:add(nn.ReLU(true)):add(nn.SpatialMaxPooling(2, 2, 2, 2):ceil())
               planes = n
            end
            net:add(nn.View(1024)):add(nn.Dropout(0.5)):add(nn.Linear(1024, 128))
            net:add(nn.ReLU(true)):add(nn.Linear(128, 10))
            return { model = net, loss = nn.CrossEntropyCriterion() }",
            samples: 16,
            image: [3, 32, 32],
            sample: [3, 32, 32],
            input: Input::Noise,
            target: Target::Classes,
            by_hand: || {
                ByHand::scores(|path| {
                    let mut net = nn::seq_t();
                    for (i, (inputs, outputs)) in [(3, 16), (16, 32), (32, 64)].into_iter().enumerate() {
                        net =
                            net.add(conv(path / i / "c", inputs, outputs, 3, 1, 1)).add(norm(path / i / "n", outputs));
                        net = net.add_fn(|x| x.relu().max_pool2d_default(2));
                    }
                    let net = net.add_fn_t(|x, train| x.view([-1, 1024]).dropout(0.5, train));
                    sequence(net.add(linear(path / 7, 1024, 128)).add_fn(Tensor::relu).add(linear(path / 8, 128, 10)))
                })
            },
        },
        Case {
            name: "inception block",
            group: Group::Sketch,
            text: "local function conv(i, o, k)
               return nn.SpatialConvolution(i, o, k, k, 1, 1, (k - 1) / 2, (k - 1) / 2)
            end
            local function chain(...)
               local net = nn.Sequential()
               for _, layer in ipairs{...} do net:add(layer) end
               return net
            end
            local block = nn.Concat(2)
               :add(chain(conv(16, 8, 1), nn.ReLU(true)))
               :add(chain(conv(16, 8, 1), nn.ReLU(true), conv(8, 16, 3), nn.ReLU(true)))
               :add(chain(conv(16, 4, 1), nn.ReLU(true), conv(4, 8, 5), nn.ReLU(true)))
               :add(chain(nn.SpatialMaxPooling(3, 3, 1, 1, 1, 1), conv(16, 8, 1), nn.ReLU(true)))
            local net = chain(block, nn.SpatialAveragePooling(16, 16), nn.View(40):setNumInputDims(3))
            net:add(nn.Linear(40, 10))
            return { model = net, loss = nn.CrossEntropyCriterion() }",
            samples: 16,
            image: [16, 16, 16],
            sample: [16, 16, 16],
            input: Input::Noise,
            target: Target::Classes,
            by_hand: || {
                ByHand::scores(|path| {
                    let one = conv(path / 1, 16, 8, 1, 1, 0);
                    let (two, two2) = (conv(path / 2, 16, 8, 1, 1, 0), conv(path / 3, 8, 16, 3, 1, 1));
                    let (three, three2) = (conv(path / 4, 16, 4, 1, 1, 0), conv(path / 5, 4, 8, 5, 1, 2));
                    let four = conv(path / 6, 16, 8, 1, 1, 0);
                    let last = linear(path / 7, 40, 10);
                    Box::new(move |x| {
                        let pooled = x.max_pool2d([3, 3], [1, 1], [1, 1], [1, 1], false);
                        let branches = [
                            one.forward(x).relu(),
                            two2.forward(&two.forward(x).relu()).relu(),
                            three2.forward(&three.forward(x).relu()).relu(),
                            four.forward(&pooled).relu(),
                        ];
                        let all = Tensor::cat(&branches, 1);
                        last.forward(&all.avg_pool2d([16, 16], [1, 1], [0, 0], false, true, None::<i64>).view([-1, 40]))
                    })
                })
            },
        },
        Case {
            name: "LSTM, 6 steps",
            group: Group::Sketch,
            text: "require 'nngraph'
            local n, steps = 64, 6
            local input = nn.Identity()()
            local slices = nn.SplitTable(2)(nn.View(steps, n):setNumInputDims(3)(input))
            local first = nn.Linear(n, 4 * n)
            local inner = nn.Linear(n, 4 * n):noBias()
            local h, c
            for t = 1, steps do
               local shared = {'weight', 'bias', 'gradWeight', 'gradBias'}
               local gates = first:clone(unpack(shared))(nn.SelectTable(t)(slices))
               if h then gates = nn.CAddTable()({gates, inner:clone('weight', 'gradWeight')(h)}) end
               local parts = nn.SplitTable(2)(nn.View(4, n):setNumInputDims(1)(gates))
               local function gate(at, squash) return squash(nn.SelectTable(at)(parts)) end
               local fresh = nn.CMulTable()({gate(1, nn.Sigmoid()), gate(4, nn.Tanh())})
               c = c and nn.CAddTable()({nn.CMulTable()({gate(2, nn.Sigmoid()), c}), fresh}) or fresh
               h = nn.CMulTable()({gate(3, nn.Sigmoid()), nn.Tanh()(c)})
            end
            return { model = nn.gModule({input}, {nn.Linear(n, 10)(h)}), loss = nn.CrossEntropyCriterion() }",
            samples: 32,
            image: [1, 6, 64],
            sample: [1, 6, 64],
            input: Input::Noise,
            target: Target::Classes,
            by_hand: || {
                ByHand::scores(|path| {
                    let (n, steps) = (64, 6);
                    let first = linear(path / 1, n, 4 * n);
                    let inner = nn::linear(path / 2, n, 4 * n, nn::LinearConfig { bias: false, ..Default::default() });
                    let last = linear(path / 3, n, 10);
                    Box::new(move |x| {
                        let x = x.view([-1, steps, n]);
                        let mut state: Option<(Tensor, Tensor)> = None;
                        for t in 0..steps {
                            let gates = first.forward(&x.select(1, t));
                            let gates = if let Some((h, _)) = &state { gates + inner.forward(h) } else { gates };
                            let parts = gates.view([-1, 4, n]);
                            let gate = |at: i64| parts.select(1, at);
                            let fresh = gate(0).sigmoid() * gate(3).tanh();
                            let c = if let Some((_, c)) = &state { gate(1).sigmoid() * c + fresh } else { fresh };
                            state = Some((gate(2).sigmoid() * c.tanh(), c));
                        }
                        last.forward(&state.expect("there are steps").0)
                    })
                })
            },
        },
        Case {
            name: "text convolution",
            group: Group::Sketch,
            text: "local net = nn.Sequential():add(nn.View(50):setNumInputDims(3)):add(nn.LookupTable(1000, 32))
            net:add(nn.TemporalConvolution(32, 64, 5)):add(nn.ReLU()):add(nn.TemporalMaxPooling(46))
            net:add(nn.View(64)):add(nn.Linear(64, 10)):add(nn.LogSoftMax())
            return { model = net, loss = nn.ClassNLLCriterion() }",
            samples: 32,
            image: [1, 1, 50],
            sample: [1, 1, 50],
            input: Input::Words(1000.0),
            target: Target::Classes,
            by_hand: || {
                ByHand::scores(|path| {
                    let words = nn::embedding(path / 1, 1000, 32, nn::EmbeddingConfig::default());
                    let conv = nn::conv1d(path / 2, 32, 64, 5, nn::ConvConfig::default());
                    let last = linear(path / 3, 64, 10);
                    Box::new(move |x| {
                        let x = words.forward(&(x.view([-1, 50]).to_kind(Kind::Int64) - 1));
                        let x = conv.forward(&x.transpose(1, 2)).relu().max_pool1d([46], [46], [0], [1], false);
                        last.forward(&x.view([-1, 64]))
                    })
                })
            },
        },
        Case {
            name: "upward convolutions",
            group: Group::Sketch,
            text: "local net = nn.Sequential()
            net:add(nn.SpatialConvolution(1, 16, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2))
            net:add(nn.SpatialConvolution(16, 32, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2))
            net:add(nn.SpatialFullConvolution(32, 16, 4, 4, 2, 2, 1, 1)):add(nn.ReLU())
            net:add(nn.SpatialFullConvolution(16, 1, 4, 4, 2, 2, 1, 1)):add(nn.Sigmoid())
            return { model = net, loss = nn.MSECriterion() }",
            samples: 8,
            image: [1, 32, 32],
            sample: [1, 32, 32],
            input: Input::Unit,
            target: Target::Input,
            by_hand: || {
                ByHand::new(|path| {
                    let config = || nn::ConvConfig { stride: 2, padding: 1, ..nn::ConvConfig::default() };
                    let upward =
                        || nn::ConvTransposeConfig { stride: 2, padding: 1, ..nn::ConvTransposeConfig::default() };
                    let leaky = |x: &Tensor| x.maximum(&(x * 0.2));
                    let net = nn::seq_t().add(nn::conv2d(path / 1, 1, 16, 4, config())).add_fn(leaky);
                    let net = net.add(nn::conv2d(path / 2, 16, 32, 4, config())).add_fn(leaky);
                    let net = net.add(nn::conv_transpose2d(path / 3, 32, 16, 4, upward())).add_fn(Tensor::relu);
                    let net = net.add(nn::conv_transpose2d(path / 4, 16, 1, 4, upward())).add_fn(Tensor::sigmoid);
                    Box::new(move |input, target| net.forward_t(input, true).mse_loss(target, tch::Reduction::Mean))
                })
            },
        },
    ]
}
