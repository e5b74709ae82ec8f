//! The packages of Torch7 in use: a whole training script, graphs that train, and `optim` in Lua against the rules in Rust.

use std::{path::Path, process::Command};

use digits::{
    frontend::{
        NetworkParams, Source,
        lua::{
            load, torch_vm,
            vm::{Limit, Vm, VmOptions},
        },
    },
    nn::{Activity, Context, Mode},
    optim::{Gradient, OptimizerKind, OptimizerSpec},
};

use crate::tree;

/// What a trusted script of `tests/scripts` prints, which ends well and writes `file`.
fn trusted(script: &str, file: &Path) -> String {
    let script = tree::root().join("tests/scripts").join(script);
    let run = Command::new(env!("CARGO_BIN_EXE_digits-rs")).args(["th", "--trusted"]).arg(script).arg(file).output();
    let run = run.unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    said
}

#[test]
fn a_classic_training_script_learns_and_saves_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let said = trusted("classic_training.lua", &folder.path().join("model.t7"));
    assert!(said.contains("learned: loss ") && said.contains(" + global correct: "), "{said}");
    assert!(folder.path().join("model.t7").metadata().unwrap().len() > 1000);
}

/// A script of `tests/lua` with its own assertions.
fn passes(script: &str) {
    passes_on(script, &torch_vm(VmOptions::default()).unwrap());
}

fn passes_on(script: &str, vm: &Vm) {
    let load = |name: &str| {
        let text = std::fs::read_to_string(tree::root().join("tests/lua").join(name)).unwrap();
        vm.load(name, &text).unwrap()
    };
    let (differences, script) = (load("differences.lua"), load(script));
    vm.guard(Limit::None, "in a test", || script.call::<()>(differences.call::<mlua::Function>(())?))
        .unwrap_or_else(|page| panic!("{page}"));
}

/// dpnn's modules for pictures and two classes: their rules by hand, their gradients against finite differences.
#[test]
fn dpnn_s_layers_follow_their_rules() {
    passes("dpnn_layers.lua");
}

#[test]
fn dpnn_s_samplers_learn_from_rewards_and_noise() {
    passes("dpnn_sampling.lua");
}

#[test]
fn recurrences_follow_their_formulas() {
    passes("rnn.lua");
}

#[test]
fn what_whole_scripts_call_beside_nn_follows_its_formulas() {
    passes("whole_scripts.lua");
}

#[test]
fn mat_files_give_what_scipy_put_in() {
    let vm = torch_vm(VmOptions::default()).unwrap();
    // A pasted file may read what lies beside it.
    vm.set_folder(tree::root().join("tests/golden/mat"));
    passes_on("mat_files.lua", &vm);
}

#[test]
fn the_small_packages_follow_their_rules() {
    passes("small_packages.lua");
}

#[test]
fn pictures_of_bytes_follow_those_of_floats() {
    passes("image_bytes.lua");
}

#[test]
fn layers_of_ccn2_are_those_of_nn_with_the_batch_last() {
    passes("ccn2.lua");
}

#[test]
fn csvigo_reads_what_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let said = trusted("csv.lua", &folder.path().join("table.csv"));
    assert!(said.contains("csv ok"), "{said}");
}

#[test]
fn moses_gives_what_its_documentation_says() {
    passes("moses.lua");
}

/// A sequence of the test above, as a network file: lowered, its loss and gradients are those of the calls from Lua.
#[test]
fn a_recurrent_network_lowers_to_the_numbers_of_its_eager_calls() {
    let numbers = |machine: &str| {
        let network = format!(
            "require 'rnn'
            torch.setdefaulttensortype('torch.DoubleTensor')
            torch.manualSeed(2)
            local net = nn.Sequential():add(nn.SplitTable(1, 2)):add({machine}):add(nn.SelectTable(-1)):add(nn.Linear(5, 1))
            local loss = nn.MSECriterion()"
        );
        let eager = format!(
            "{network}
            local x, target = torch.range(0, 23):div(12):add(-1):view(2, 4, 3), torch.zeros(2, 1)
            local _, gradients = net:getParameters()
            gradients:zero()
            local value = loss:forward(net:forward(x), target)
            net:backward(x, loss:backward(net.output, target))
            return value, gradients:totable()"
        );
        let vm = torch_vm(VmOptions::default()).unwrap();
        let chunk = vm.load("eager.lua", &eager).unwrap();
        let (value, expected) = vm.guard(Limit::None, "in a test", || chunk.call::<(f64, Vec<f64>)>(())).unwrap();

        let text = format!("{network}\nreturn {{ model = net, loss = loss }}");
        let loaded =
            load(Source::pasted("net.lua", &text), &NetworkParams::default(), VmOptions::default(), 1).unwrap();
        let network = loaded.lower(tch::Kind::Double, tch::Device::Cpu).unwrap();
        let input: Vec<f64> = (0..24).map(|i| f64::from(i) / 12.0 - 1.0).collect();
        let input = Activity::Tensor(tch::Tensor::from_slice(&input).view([2, 4, 3]));
        let target = Activity::Tensor(tch::Tensor::zeros([2, 1], (tch::Kind::Double, tch::Device::Cpu)));
        // The second pass finds the clones and states of the first.
        for pass in 0..2 {
            let mut cx = Context::new(Mode::Train);
            let output = network.forward(&input, &mut cx).unwrap();
            let loss = network.loss(&output, &target, &mut cx).unwrap();
            let _ = network.parameters.grad.view().zero_();
            network.backward(&loss, cx.take_cuts()).unwrap();
            assert!((loss.double_value(&[]) - value).abs() < 1e-12, "{machine}, pass {pass}");
            let grad = Vec::<f64>::try_from(network.parameters.grad.view()).unwrap();
            assert_eq!(expected.len(), grad.len());
            let off = expected.iter().zip(&grad).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-12 && grad.iter().any(|g| g.abs() > 1e-4), "{machine}, pass {pass}: off by {off}");
        }
    };
    numbers("nn.Sequencer(nn.LSTM(3, 5))");
    numbers("nn.Sequencer(nn.Sequential():add(nn.GRU(3, 4)):add(nn.Linear(4, 5)))");
    numbers("nn.BiSequencer(nn.FastLSTM(3, 5), nn.FastLSTM(3, 5), nn.CAddTable())");
}

/// Twenty steps on ½ Σ aᵢ (xᵢ − 1)², with weight decay and decaying rate, by `optim.M` and by the rule in `src/optim`.
#[test]
fn optim_in_lua_takes_the_same_steps_as_the_rules_in_rust() {
    let vm = torch_vm(VmOptions::default()).unwrap();
    let rates = [
        (OptimizerKind::Sgd, 0.05),
        (OptimizerKind::Nag, 0.05),
        (OptimizerKind::Adagrad, 0.1),
        (OptimizerKind::Rmsprop, 0.01),
        (OptimizerKind::Adadelta, 1.0),
        (OptimizerKind::Adam, 0.02),
    ];
    for (kind, rate) in rates {
        let text = format!(
            "torch.setdefaulttensortype('torch.DoubleTensor')
            local a, x = torch.range(1, 5), torch.zeros(5)
            local config = {{learningRate = {rate}, momentum = 0.9, weightDecay = 1e-3, learningRateDecay = 1e-2}}
            local optim = require 'optim'
            for i = 1, 20 do
               optim.{kind}(function(x) return 0, torch.add(x, -1):cmul(a) end, x, config)
            end
            return x:totable()"
        );
        let chunk = vm.load("optim.lua", &text).unwrap();
        let lua = vm.guard(Limit::None, "in a test", || chunk.call::<Vec<f64>>(())).unwrap();

        let spec = OptimizerSpec {
            kind,
            momentum: 0.9,
            weight_decay: 1e-3,
            learning_rate_decay: if matches!(kind, OptimizerKind::Rmsprop | OptimizerKind::Adadelta) {
                0.0
            } else {
                1e-2
            },
            ..OptimizerSpec::default()
        };
        let mut rule = spec.build().unwrap();
        let a = tch::Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        let x = tch::Tensor::zeros([5], (tch::Kind::Double, tch::Device::Cpu));
        for _ in 0..20 {
            rule.before_forward(&x).unwrap();
            let g = (&x - 1.0) * &a;
            rule.step(&x, &Gradient::whole(&g), rate).unwrap();
        }
        let rust = Vec::<f64>::try_from(x).unwrap();
        assert!(rust.iter().any(|x| *x > 0.01), "{kind} moves: {rust:?}");
        for (a, b) in lua.iter().zip(&rust) {
            assert!((a - b).abs() < 1e-12, "{kind}: {lua:?} in Lua, {rust:?} in Rust");
        }
    }
}

/// A network as a graph and as containers, with the same parameters: output, loss and gradients agree.
#[test]
fn a_graph_lowers_to_the_numbers_of_its_containers() {
    let gradients = |model: &str| {
        let text = format!(
            "require 'nngraph'
            torch.manualSeed(3)
            local a, b, c = nn.Linear(6, 4), nn.Linear(6, 4), nn.Linear(8, 3)
            local net = {model}
            return {{ model = net, loss = nn.MSECriterion() }}"
        );
        let loaded =
            load(Source::pasted("net.lua", &text), &NetworkParams::default(), VmOptions::default(), 1).unwrap();
        let network = loaded.lower(tch::Kind::Double, tch::Device::Cpu).unwrap();
        let numbers: Vec<f64> = (0..12).map(|i| f64::from(i) / 6.0 - 1.0).collect();
        let input = tch::Tensor::from_slice(&numbers).view([2, 6]);
        let mut cx = Context::new(Mode::Train);
        let output = network.forward(&Activity::Tensor(input), &mut cx).unwrap();
        let target = Activity::Tensor(output.tensor().unwrap().detach() * 0.5 + 1.0);
        let loss = network.loss(&output, &target, &mut cx).unwrap();
        network.backward(&loss, cx.take_cuts()).unwrap();
        (loss.double_value(&[]), network.parameters.grad.view().copy())
    };
    let graph = gradients(
        "(function()
            local x = nn.Identity()()
            local h = nn.Tanh()(a(x))
            local g = x - b - nn.Sigmoid()
            local y = c(nn.JoinTable(1, 1)({h, g}))
            return nn.gModule({x}, {y})
        end)()",
    );
    let containers = gradients(
        "nn.Sequential()
            :add(nn.ConcatTable():add(nn.Sequential():add(a):add(nn.Tanh())):add(nn.Sequential():add(b):add(nn.Sigmoid())))
            :add(nn.JoinTable(1, 1)):add(c)",
    );
    assert!((graph.0 - containers.0).abs() < 1e-12, "{} and {}", graph.0, containers.0);
    assert!((graph.1 - containers.1).abs().max().double_value(&[]) < 1e-12);
}

#[test]
fn gnuplot_s_pictures_are_drawn_without_gnuplot() {
    let folder = tempfile::tempdir().unwrap();
    let said = trusted("gnuplot.lua", folder.path());
    assert!(said.contains("drawn") && said.contains("hist.eps is written as"), "{said}");
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for name in ["sine.png", "map.png"] {
        let picture = image::load_from_memory(&read(name)).unwrap();
        assert_eq!((picture.width(), picture.height()), (800, 560), "{name}");
    }
    for (name, words) in
        [("loss.svg", "loss"), ("hist.svg", "rect"), ("arrows.svg", "field"), ("train.log.svg", "test")]
    {
        let svg = String::from_utf8(read(name)).unwrap();
        assert!(svg.contains(words) && !svg.contains("NaN"), "{name}: {svg}");
    }
    // A pasted file writes nothing.
    let mut pasted = Command::new(env!("CARGO_BIN_EXE_digits-rs"));
    let run = pasted.current_dir(folder.path()).args(["th", "-e", "require 'gnuplot'.plot(torch.rand(3))"]).output();
    let said = String::from_utf8_lossy(&run.unwrap().stdout).into_owned();
    assert!(said.contains("writes no pictures"), "{said}");
    assert!(!folder.path().join("figure1.svg").exists());
}

/// A field of a protobuf message: its number, and bytes of a known length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut made = Vec::new();
    let mut varint = |mut value: usize| {
        while value > 127 {
            made.push(value as u8 | 128);
            value >>= 7;
        }
        made.push(value as u8);
    };
    varint(usize::from(number) << 3 | 2);
    varint(bytes.len());
    made.extend_from_slice(bytes);
    made
}

/// A blob of 0.01, 0.02, …, with a shape of today, or the four numbers of 2014.
fn blob(dims: &[u8], is_old: bool) -> Vec<u8> {
    let count: usize = dims.iter().map(|&d| usize::from(d)).product();
    let data: Vec<u8> = (1..=count).flat_map(|i| (i as f32 * 0.01).to_le_bytes()).collect();
    let shape = if is_old {
        let four = [vec![1u8; 4 - dims.len()], dims.to_vec()].concat();
        four.iter().zip(1u8..).flat_map(|(&d, number)| [number << 3, d]).collect()
    } else {
        field(7, &field(1, dims))
    };
    [shape, field(5, &data)].concat()
}

#[test]
fn networks_of_caffe_s_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let layers = |is_old: bool| {
        let (net, name, blobs) = if is_old { (2, 4, 6) } else { (100, 1, 7) };
        let of = |called: &str, weight: &[u8], bias: u8| {
            let blobs = [field(blobs, &blob(weight, is_old)), field(blobs, &blob(&[bias], is_old))].concat();
            field(net, &[field(name, called.as_bytes()), blobs].concat())
        };
        [of("conv1", &[2, 1, 3, 3], 2), of("fc", &[3, 8], 3)].concat()
    };
    write("new.caffemodel", &layers(false));
    write("old.caffemodel", &layers(true));
    let text = "name: \"toy\" # a network\n\
        input: \"data\"\ninput_dim: 1 input_dim: 1\n\
        layer { name: 'data' type: 'Data' top: 'data' include { phase: TRAIN } }\n\
        layer { name: 'conv1' type: 'Convolution' bottom: 'data' top: 'conv1'\n\
          convolution_param { num_output: 2 pad: 1 kernel_size: 3 weight_filler { type: 'xavier' } } }\n\
        layer { name: 'relu1' type: 'ReLU' bottom: 'conv1' top: 'conv1' }\n\
        layer { name: 'norm1' type: 'LRN' bottom: 'conv1' top: 'norm1' lrn_param { local_size: 5 alpha: 1e-4 beta: 0.75 } }\n\
        layer { name: 'pool1' type: 'Pooling' bottom: 'norm1' top: 'pool1' pooling_param { pool: MAX kernel_size: 2 stride: 2 } }\n\
        layer { name: 'fc' type: 'InnerProduct' bottom: 'pool1' top: 'fc' inner_product_param { num_output: 3 } }\n\
        layer { name: 'drop' type: 'Dropout' bottom: 'fc' top: 'fc' dropout_param { dropout_ratio: 0.5 } }\n\
        layer { name: 'prob' type: 'Softmax' bottom: 'fc' top: 'prob' }\n";
    write("new.prototxt", text.as_bytes());
    let old = ["Convolution", "ReLU", "LRN", "Pooling", "InnerProduct", "Dropout", "Softmax", "Data"].iter().fold(
        text.replace("layer {", "layers {"),
        |text, kind| {
            let upper = if *kind == "InnerProduct" { "INNER_PRODUCT".into() } else { kind.to_uppercase() };
            text.replace(&format!("type: '{kind}'"), &format!("type: {upper}"))
        },
    );
    write("old.prototxt", old.as_bytes());
    write("cut.prototxt", b"name: 'x'\n\nlayer { name: 'a'");
    let branch = "layer { name: 'a' type: 'ReLU' bottom: 'data' top: 'a' }\n\
        layer { name: 'b' type: 'ReLU' bottom: 'data' top: 'b' }\n";
    write("branch.prototxt", branch.as_bytes());
    write("strange.prototxt", b"layer { name: 's' type: 'Scale' bottom: 'data' top: 's' }");
    let said = trusted("loadcaffe.lua", folder.path());
    assert!(said.contains("read") && said.contains("conv1: 2 1 3 3") && said.contains("fc: 1 1 3 8"), "{said}");
}
