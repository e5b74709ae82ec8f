//! Tests of `load`: what becomes of network files, good and bad.

use super::*;
use crate::nn::Activity;

const AUTOENCODER: &str = include_str!("../../../../../networks/autoencoder.lua");

fn load_text(text: &str) -> Result<Loaded> {
    let params = NetworkParams { input_shape: Some([1, 28, 28]), ..NetworkParams::default() };
    load(Source::pasted("net.lua", text), &params, VmOptions::default(), 1)
}

#[test]
fn the_autoencoder_prints_lowers_and_runs() {
    let loaded = load_text(AUTOENCODER).unwrap();
    assert!(loaded.printed.starts_with("nn.Sequential {\n  [input -> (1) -> (2)"), "{}", loaded.printed);
    assert!(loaded.printed.contains("(3): nn.Linear(784 -> 300)"), "{}", loaded.printed);
    assert_eq!(loaded.settings.train_batch_size, Some(64));
    let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    assert_eq!(network.parameters.count(), 784 * 300 + 300 + 300 * 50 + 50 + 50 * 300 + 300 + 300 * 784 + 784);
    assert_eq!(network.root.walk()[3].origin.as_ref().unwrap().text.trim(), "autoencoder:add(nn.Linear(784,300))");
    let input: Activity = tch::Tensor::rand([5, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)).into();
    let mut cx = crate::nn::Context::new(crate::nn::Mode::Train);
    let output = network.forward(&input, &mut cx).unwrap();
    assert_eq!(output.tensor().unwrap().size(), [5, 1, 28, 28]);
    let loss = network.loss(&output, &input, &mut cx).unwrap();
    network.backward(&loss, cx.take_cuts()).unwrap();
    assert!(network.parameters.grad.view().abs().sum(tch::Kind::Float).double_value(&[]) > 0.0);
}

#[test]
fn a_wrong_size_names_line_path_and_shapes() {
    let loaded = load_text(&AUTOENCODER.replace("784,300", "783,300")).unwrap();
    let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    let input: Activity = tch::Tensor::zeros([2, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)).into();
    let error = network.forward(&input, &mut crate::nn::Context::new(crate::nn::Mode::Evaluate)).unwrap_err();
    let page = error.to_string();
    for part in ["net.lua:", "nn.Linear(783,300)", "(3) nn.Linear(783 -> 300)", "[2, 784]", "[783] or [n, 783]"] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
}

#[test]
fn a_module_of_the_user_s_own_trains_like_the_native_one() {
    let own = r#"
        local M, parent = torch.class('nn.Twice', 'nn.Module')
        function M:updateOutput(x) self.output = x * 2; return self.output end
        function M:updateGradInput(x, g) self.gradInput = g * 2; return self.gradInput end
        local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 10)):add(TWICE):add(nn.Linear(10, 3))
        return { model = net, loss = nn.MSECriterion() }
    "#;
    let grads = |module: &str| {
        let loaded = load_text(&own.replace("TWICE", module)).unwrap();
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        tch::manual_seed(3);
        let input: Activity = tch::Tensor::rand([4, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)).into();
        let mut cx = crate::nn::Context::new(crate::nn::Mode::Train);
        let output = network.forward(&input, &mut cx).unwrap();
        let loss = output.tensor().unwrap().square().sum(tch::Kind::Float);
        network.backward(&loss, cx.take_cuts()).unwrap();
        network.parameters.grad.view().copy()
    };
    let difference = (grads("nn.Twice()") - grads("nn.MulConstant(2)")).abs().max().double_value(&[]);
    assert!(difference < 1e-5, "{difference}");
}

#[test]
fn modules_that_share_weights_share_their_leaves() {
    let text = r#"
        local net, a = nn.Sequential(), nn.Linear(4, 4)
        net:add(a):add(nn.Tanh()):add(a:clone('weight', 'bias', 'gradWeight', 'gradBias'))
        return { model = net, loss = nn.MSECriterion() }
    "#;
    let network = load_text(text).unwrap().lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    let parameters = &network.parameters;
    assert_eq!(parameters.list.iter().map(|p| p.is_twin).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(parameters.in_order(), Some(vec![0, 1]));
    let float = (tch::Kind::Float, tch::Device::Cpu);
    let (input, target) = (Activity::from(tch::Tensor::rand([3, 4], float)), tch::Tensor::rand([3, 4], float).into());
    let loss = || {
        let mut cx = crate::nn::Context::new(crate::nn::Mode::Train);
        let output = network.forward(&input, &mut cx).unwrap();
        network.loss(&output, &target, &mut cx).unwrap()
    };
    let pieces = network.gradients(&loss(), vec![]).unwrap();
    let found = tch::Tensor::cat(&pieces.iter().map(|piece| piece.reshape([-1])).collect::<Vec<_>>(), 0);
    // The slope along a parameter of both modules at once.
    for (i, step) in [(0, 1e-2), (17, 1e-2)] {
        let mut number = parameters.flat.view().get(i);
        let mut moved = |by: f64| {
            let _ = tch::no_grad(|| number.f_add_scalar_(by).unwrap());
            loss().double_value(&[])
        };
        let slope = (moved(step) - moved(-2.0 * step)) / (2.0 * step);
        let _ = moved(step);
        let gradient = found.double_value(&[i]);
        assert!((gradient - slope).abs() < 1e-3 + 0.02 * slope.abs(), "{i}: {gradient}, not {slope}");
    }
}

#[test]
fn a_snapshot_holds_what_a_module_of_the_user_s_own_learns() {
    let own = r#"
        local M, parent = torch.class('nn.Own', 'nn.Linear')
        function M:updateOutput(x) return parent.updateOutput(self, x) end
        return { model = nn.Sequential():add(nn.Linear(4, 3)):add(nn.Own(3, 2)), loss = nn.MSECriterion() }
    "#;
    let network = load_text(own).unwrap().lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    let names: Vec<&str> = network.parameters.named().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["1.weight", "1.bias", "2.weight", "2.bias"]);
}

#[test]
fn decorated_and_joined_branches_lower_and_learn() {
    let text = r#"
        local branches = nn.DepthConcat(2):add(nn.Linear(784, 5)):add(nn.Bottle(nn.Linear(784, 4)))
        local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(branches)
        net:add(nn.ConcatTable():add(nn.Identity()):add(nn.Identity()))
        net:add(nn.MapTable(nn.Linear(9, 3))):add(nn.CAddTable()):add(nn.Decorator(nn.Tanh()))
        return { model = net, loss = nn.MSECriterion() }
    "#;
    let loaded = load_text(text).unwrap();
    assert!(loaded.printed.contains("nn.Bottle @ nn.Linear(784 -> 4)"), "{}", loaded.printed);
    let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    let input: Activity = tch::Tensor::rand([4, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)).into();
    let mut cx = crate::nn::Context::new(crate::nn::Mode::Train);
    let output = network.forward(&input, &mut cx).unwrap();
    assert_eq!(output.tensor().unwrap().size(), [4, 3]);
    network.backward(&output.tensor().unwrap().square().sum(tch::Kind::Float), cx.take_cuts()).unwrap();
    for parameter in &network.parameters.list {
        assert!(parameter.grad.abs().max().double_value(&[]) > 0.0, "{} learns nothing", parameter.name);
    }
}

#[test]
fn a_script_that_trains_by_hand_sees_its_loss_fall() {
    let text = r#"
        local net = nn.Sequential():add(nn.Linear(4, 3)):add(nn.Tanh()):add(nn.Linear(3, 2))
        local x, y, loss = torch.randn(5, 4), torch.randn(5, 2), nn.MSECriterion()
        local w, g = net:getParameters()
        local first = loss:forward(net:forward(x), y)
        for _ = 1, 200 do
           g:zero()
           loss:forward(net:forward(x), y)
           net:backward(x, loss:backward(net.output, y))
           w:add(-0.1, g)
        end
        local last = loss:forward(net:forward(x), y)
        assert(last < 0.7 * first, first .. ' -> ' .. last)
        local copy = net:clone()
        copy:get(1).weight:zero()
        assert(net:get(1).weight:norm() > 0 and copy:get(1).weight:norm() == 0)
        assert(copy:double():get(1).weight:type() == 'torch.DoubleTensor')
        return net
    "#;
    load_text(text).unwrap();
}

#[test]
fn long_calls_of_tensors_and_modules_do_not_outlast_the_clock() {
    let options = VmOptions { build_time: std::time::Duration::from_millis(300), ..VmOptions::default() };
    for long in ["x:mm(x, x)", "m:forward(x)", "x:normal()"] {
        let text = format!("local x = torch.randn(700, 700) local m = nn.Linear(700, 700) while true do {long} end");
        let start = Instant::now();
        let page = load(Source::pasted("net.lua", &text), &NetworkParams::default(), options.clone(), 1).err().unwrap();
        assert!(page.to_string().contains("stopped after 300 ms"), "{long}: {page}");
        // Without a look at the clock in the calls themselves it would be 250 of them.
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{long}: {:?}", start.elapsed());
    }
}

#[test]
fn what_is_no_network_is_told_so() {
    for (text, words) in [
        ("local x = 1", "returns nothing"),
        ("return 42", "returns a number, not a network"),
        ("return function() return {loss = nn.MSECriterion()} end", "returns a table without 'model'"),
        ("return nn.Sequental()", "did you mean nn.Sequential?"),
        ("return nn.Sequential():add(nn.ReLU)", "call the class"),
        ("return nn.Linear(10)", "#2 (outputSize) to nn.Linear is nil: number expected"),
    ] {
        let page = load_text(text).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(page.contains(words), "{text}: {page}");
    }
}
