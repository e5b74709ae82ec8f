//! Network files in DIGITS' TensorFlow form: those of `networks/` load, have the engines and names that they should, and
//! learn; what goes wrong in such a file is a page.

use digits::{
    error::Result,
    frontend::{
        LabelShape, Language, NetworkParams, Purpose, Source,
        python::Options,
        tensorflow::Lowered,
        tensorflow_file::{TensorflowFile, load},
    },
    nn::{Activity, Context, Mode},
    optim::OptimizerSpec,
    train::engine::{self, Engine, EngineOptions},
};

use crate::tree;

const ALL: &[(&str, [i64; 3], Option<i64>, LabelShape)] = &[
    ("autoencoder", [1, 28, 28], None, LabelShape::Scalar),
    ("binary-segmentation", [1, 32, 32], None, LabelShape::Image(Some([1, 32, 32]))),
    ("gan", [1, 28, 28], None, LabelShape::Scalar),
    ("lenet", [1, 28, 28], Some(10), LabelShape::Scalar),
    ("regression", [1, 10, 10], None, LabelShape::Image(Some([1, 1, 2]))),
    ("siamese", [3, 28, 28], None, LabelShape::Image(Some([1, 1, 1]))),
];

pub(crate) fn file(name: &str) -> TensorflowFile {
    let &(_, shape, nclasses, labels) = ALL.iter().find(|(known, ..)| *known == name).unwrap();
    let params = NetworkParams { nclasses, ngpus: 0, input_shape: Some(shape), labels };
    let source = Source::read(&tree::root().join(format!("networks/{name}.py"))).unwrap();
    assert_eq!(source.language(), Language::Python);
    load(source, &params, Options::default(), 1).unwrap_or_else(|page| panic!("{name}: {page}"))
}

fn lowered(name: &str, kind: tch::Kind) -> Lowered {
    file(name).lower(Purpose::Training, kind, tch::Device::Cpu).unwrap_or_else(|page| panic!("{name}: {page}"))
}

#[test]
fn every_file_loads_and_lowers_for_training_and_for_looking() {
    let listed: Vec<String> = ALL.iter().map(|(name, ..)| format!("{name}.py")).collect();
    let here: Vec<String> = tree::files("networks").into_iter().filter(|path| path.ends_with(".py")).collect();
    assert_eq!(listed, here, "the list of this test and the folder");
    for (name, shape, ..) in ALL {
        let file = file(name);
        let inference = file.lower(Purpose::Inference, tch::Kind::Float, tch::Device::Cpu).unwrap().network;
        let batch = tch::Tensor::rand([&[3], &shape[..]].concat(), (tch::Kind::Float, tch::Device::Cpu)) * 255.0;
        let output = tch::no_grad(|| inference.forward(&batch.into(), &mut Context::new(Mode::Evaluate))).unwrap();
        eprintln!("{name}: {}\n{}", output.shape(), file.printed());
        for tensor in output.tensors() {
            assert_eq!(tensor.size()[0], 3, "{name}");
        }
        let names = |lowered: &Lowered| {
            let named = lowered.network.parameters.named();
            named.into_iter().map(|(name, tensor)| format!("{name} {:?}", tensor.size())).collect::<Vec<_>>()
        };
        let training = lowered(name, tch::Kind::Float);
        let has_all = |wanted: &[String], all: &[String]| wanted.iter().all(|name| all.contains(name));
        let looked = file.lower(Purpose::Inference, tch::Kind::Float, tch::Device::Cpu).unwrap();
        assert!(has_all(&names(&looked), &names(&training)), "{name}");
    }
}

#[test]
fn the_engines_of_the_lua_forms_take_them() {
    let named = |name: &str, sample: &[i64]| {
        let spec = OptimizerSpec::tensorflow("momentum", 0.9).unwrap();
        let options = EngineOptions { sample: Some(sample.to_vec()), ..EngineOptions::default() };
        engine::engine(lowered(name, tch::Kind::Float).network, &spec, &options).unwrap().describe()
    };
    assert!(
        named("autoencoder", &[1, 28, 28]).starts_with("chain (4 layers"),
        "{}",
        named("autoencoder", &[1, 28, 28])
    );
    assert!(named("regression", &[1, 10, 10]).starts_with("chain (1 layer"), "{}", named("regression", &[1, 10, 10]));
    assert_eq!(named("gan", &[1, 28, 28]), "autograd");
    let lenet = lowered("lenet", tch::Kind::Float);
    let labels: Vec<String> = lenet.network.root.walk()[1..].iter().map(|node| node.label.clone()).collect();
    assert_eq!(
        labels,
        [
            "model/mul: nn.MulConstant",
            "model/conv1: nn.SpatialConvolution(1 -> 20, 5x5)",
            "model/pool1: nn.SpatialMaxPooling(2x2, 2,2)",
            "model/conv2: nn.SpatialConvolution(20 -> 50, 5x5)",
            "model/pool2: nn.SpatialMaxPooling(2x2, 2,2)",
            "model/Flatten: nn.View(-1)",
            "model/fc1: nn.Linear(800 -> 500)",
            "model/fc1: nn.ReLU",
            "model/do1: nn.Dropout(0.500000)",
            "model/fc2: nn.Linear(500 -> 10)",
        ]
    );
    let origin = lenet.network.root.walk()[2].origin.clone().unwrap();
    assert!(origin.text.contains("slim.conv2d(x, 20, [5, 5]"), "{origin}");
    let stored = lenet.network.parameters.stored();
    let sizes: Vec<(String, Vec<i64>)> = stored.iter().map(|v| (v.name.to_string(), v.size())).collect();
    assert_eq!(sizes[0], ("model/conv1/weights".to_string(), vec![5, 5, 1, 20]));
    assert_eq!(sizes[7], ("model/fc2/biases".to_string(), vec![10]));
}

#[test]
fn every_symbol_of_digits_own_files_works() {
    let source = Source::read(&tree::root().join("tests/tensorflow/symbols.py")).unwrap();
    let params = NetworkParams { nclasses: Some(4), input_shape: Some([2, 16, 20]), ..NetworkParams::default() };
    let file = load(source, &params, Options::default(), 1).unwrap_or_else(|page| panic!("{page}"));
    let training = file.lower(Purpose::Training, tch::Kind::Float, tch::Device::Cpu).unwrap();
    let names: Vec<&str> = training.network.parameters.stored().iter().map(|variable| variable.name).collect();
    for name in ["model/conv2/conv2_1/weights", "model/pair/fc/biases", "generator/g_bn/gamma", "model/reduce3_w"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let spec = OptimizerSpec::tensorflow("adam", 0.9).unwrap();
    let (images, _) = squares(8, [2, 16, 20], 7);
    let classes = tch::Tensor::from_slice(&[1f32, 2., 3., 4., 1., 2., 3., 4.]);
    let scalars = training.summaries.scalars(&images, &classes, None).unwrap();
    let found: Vec<&str> = scalars.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(found, ["chi_square", "d", "g", "accuracy", "accuracy_top_2"]);
    let mut engine = engine::engine(training.network, &spec, &EngineOptions::default()).unwrap();
    let before = engine.network().parameters.flat.view().copy();
    for step in 0..3 {
        engine.step(&images, &classes.shallow_clone().into(), 0.001, step).unwrap();
    }
    assert!(engine.take_losses().unwrap().iter().all(|loss| loss.is_finite()));
    let moved = (engine.network().parameters.flat.view() - before).ne(0.0).sum(tch::Kind::Int64).int64_value(&[]);
    assert!(moved > engine.network().parameters.count() / 2, "{moved}");
    let looking = file.lower(Purpose::Inference, tch::Kind::Float, tch::Device::Cpu).unwrap().network;
    let output = looking.forward(&images.into(), &mut Context::new(Mode::Evaluate)).unwrap();
    assert_eq!(output.tensor().unwrap().size(), [8, 4]);
}

#[test]
fn scalars_are_those_of_the_network_as_it_stands() {
    for name in ["lenet", "gan"] {
        let lowered = lowered(name, tch::Kind::Double);
        let (images, classes) = squares(6, [1, 28, 28], 1);
        let images = images.to_kind(tch::Kind::Double);
        let found = lowered.summaries.scalars(&images, &classes, None).unwrap();
        if name == "gan" {
            let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["d_loss", "g_loss"]);
            continue;
        }
        // The accuracy of the modules' own output.
        let input = images.shallow_clone().into();
        let output = lowered.network.forward(&input, &mut Context::new(Mode::Evaluate)).unwrap();
        let right_in = |output: &Activity| {
            let chosen = output.tensor().unwrap().argmax(1, false) + 1;
            let right = chosen.eq_tensor(&classes.to_kind(tch::Kind::Int64)).to_kind(tch::Kind::Double);
            [("accuracy".to_string(), right.mean(tch::Kind::Double).double_value(&[]))]
        };
        assert_eq!(found, right_in(&output));
        let answered = |output| lowered.summaries.scalars(&images, &classes, Some(output)).unwrap();
        assert_eq!(answered(&output), right_in(&output));
        // An answer at hand is not computed again: here one that the network would not give.
        let other = Activity::Tensor(output.tensor().unwrap().zeros_like());
        assert_eq!(answered(&other), right_in(&other));
        assert_ne!(answered(&other), found);
    }
}

/// Squares of two sizes at random places, `[n, c, 28 or more, …]`, and their classes from 1.
fn squares(n: i64, [c, h, w]: [i64; 3], seed: i64) -> (tch::Tensor, tch::Tensor) {
    tch::manual_seed(seed);
    let images = tch::Tensor::rand([n, c, h, w], (tch::Kind::Float, tch::Device::Cpu)) * 20.0;
    let mut classes = Vec::new();
    for i in 0..n {
        let class = i % 2;
        let side = if class == 0 { h / 5 } else { h / 2 };
        let at = (i * 7 + seed) % (h - side);
        let _ = images.get(i).narrow(1, at, side).narrow(2, (i * 3) % (w - side), side).fill_(250.0);
        classes.push(class as f32 + 1.0);
    }
    (images, tch::Tensor::from_slice(&classes))
}

/// The loss before and after `steps` on one batch.
fn learned(
    name: &str,
    solver: &str,
    rate: f64,
    steps: u64,
    input: &tch::Tensor,
    target: impl Fn(&tch::Tensor, bool) -> Activity,
) -> (f64, f64) {
    let lowered = lowered(name, tch::Kind::Float);
    let target = target(input, lowered.target_is_input);
    let spec = OptimizerSpec::tensorflow(solver, 0.9).unwrap();
    let options = EngineOptions { batch_size: input.size()[0] as usize, threads: 1, ..EngineOptions::default() };
    let mut engine: Box<dyn Engine> = engine::engine(lowered.network, &spec, &options).unwrap();
    let before = engine.evaluate(input, &target).unwrap().0;
    for step in 0..steps {
        engine.step(input, &target, rate, step).unwrap();
    }
    let losses = engine.take_losses().unwrap();
    assert!(losses.iter().all(|loss| loss.is_finite()), "{name}: {losses:?}");
    let after = engine.evaluate(input, &target).unwrap().0;
    eprintln!("{name}: {before} -> {after}");
    (before, after)
}

#[test]
fn each_learns() {
    let digits = [1, 28, 28];
    let (images, classes) = squares(16, digits, 1);
    let centred = &images - 60.0;
    let (before, after) = learned("autoencoder", "adam", 0.003, 60, &centred, |x, own| {
        assert!(own);
        x.shallow_clone().into()
    });
    assert!(after < 0.5 * before);
    let (before, after) = learned("lenet", "momentum", 0.002, 25, &centred, |_, _| classes.shallow_clone().into());
    assert!(after < 0.7 * before);
    let (images, _) = squares(4, [1, 32, 32], 2);
    let wanted = images.gt(100.0).to_kind(tch::Kind::Float) * 255.0;
    let (before, after) =
        learned("binary-segmentation", "adam", 0.002, 12, &images, |_, _| wanted.shallow_clone().into());
    assert!(after < 0.6 * before);
    tch::manual_seed(3);
    let slopes = tch::Tensor::rand([32, 1, 1, 2], (tch::Kind::Float, tch::Device::Cpu)) - 0.5;
    let grid = tch::Tensor::arange(10, (tch::Kind::Float, tch::Device::Cpu)) - 4.5;
    let planes =
        &slopes.narrow(3, 0, 1) * grid.view([1, 1, 1, 10]) + &slopes.narrow(3, 1, 1) * grid.view([1, 1, 10, 1]);
    let (before, after) =
        learned("regression", "sgd", 0.05, 200, &(planes * 50.0), |_, _| slopes.shallow_clone().into());
    assert!(after < 0.1 * before);
    let (left, first) = squares(12, digits, 4);
    let (right, second) = squares(12, digits, 5);
    let second = second.roll([1], [0]);
    let right = right.roll([1], [0]);
    let pairs = tch::Tensor::cat(&[left.zeros_like(), left - 30.0, right - 30.0], 1);
    let same = first.eq_tensor(&second).to_kind(tch::Kind::Float).view([12, 1, 1, 1]);
    let (before, after) = learned("siamese", "momentum", 0.001, 25, &pairs, |_, _| same.shallow_clone().into());
    assert!(after < before, "{before} -> {after}");
}

#[test]
fn the_adversaries_teach_their_own_variables_only() {
    let lowered = lowered("gan", tch::Kind::Float);
    let taught = lowered.network.criterion.taught().to_vec();
    let names = |loss: usize| -> Vec<String> {
        taught[loss].iter().map(|&i| lowered.network.parameters.list[i].name.clone()).collect()
    };
    assert_eq!(taught.len(), 2);
    assert!(names(0).iter().all(|name| name.starts_with("discriminator/")), "{:?}", names(0));
    assert!(names(1).iter().all(|name| name.starts_with("generator/")), "{:?}", names(1));
    assert_eq!(taught[0].len() + taught[1].len(), lowered.network.parameters.list.len());
    let moving: Vec<&str> = lowered.network.parameters.buffers.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(moving.len(), 6, "{moving:?}");
    let before = lowered.network.parameters.buffers[0].tensor.copy();
    let spec = OptimizerSpec::tensorflow("adam", 0.9).unwrap();
    let options = EngineOptions { batch_size: 8, ..EngineOptions::default() };
    let mut engine = engine::engine(lowered.network, &spec, &options).unwrap();
    let (images, classes) = squares(8, [1, 28, 28], 6);
    let target = Activity::from(classes);
    for step in 0..5 {
        engine.step(&images, &target, 0.001, step).unwrap();
    }
    assert!(engine.take_losses().unwrap().iter().all(|loss| loss.is_finite()));
    let after = &engine.network().parameters.buffers[0].tensor;
    assert!((after - before).abs().max().double_value(&[]) > 0.0, "the moving mean stands still");
    // A snapshot in the middle goes on with the same numbers. The generator of the noise is the process's: a test beside this one may
    // draw from it in the middle of a step.
    let goes_on = |engine: &mut dyn Engine, seed: u64| {
        let copied = |(name, tensor): (String, tch::Tensor)| (name, tensor.copy());
        let state: Vec<(String, tch::Tensor)> = engine.optimizer_state().into_iter().map(copied).collect();
        assert!(state.iter().any(|(name, _)| name.starts_with("1.")), "one state for each adversary");
        let weights = engine.network().parameters.flat.view().copy();
        let buffers: Vec<tch::Tensor> = engine.network().parameters.buffers.iter().map(|b| b.tensor.copy()).collect();
        engine.step(&images, &target, 0.001, seed).unwrap();
        let mut again = engine::engine(self::lowered("gan", tch::Kind::Float).network, &spec, &options).unwrap();
        tch::no_grad(|| {
            again.network().parameters.flat.view().copy_(&weights);
            for (own, from) in again.network().parameters.buffers.iter().zip(&buffers) {
                own.tensor.shallow_clone().copy_(from);
            }
        });
        again.load_optimizer_state(&state).unwrap();
        again.step(&images, &target, 0.001, seed).unwrap();
        again.network().parameters.flat.view() == engine.network().parameters.flat.view()
    };
    assert!((9..14).any(|seed| goes_on(&mut *engine, seed)));
}

fn page(text: &str) -> String {
    let params = NetworkParams { nclasses: Some(10), input_shape: Some([1, 28, 28]), ..NetworkParams::default() };
    let made: Result<TensorflowFile> = load(Source::pasted("net.py", text), &params, Options::default(), 1);
    made.err().map(|page| page.to_string()).unwrap_or_else(|| panic!("no page for\n{text}"))
}

fn model(inference: &str) -> String {
    format!(
        "class UserModel(Tower):\n    @model_property\n    def inference(self):\n{inference}\n    @model_property\n    def \
         loss(self):\n        return digits.classification_loss(self.inference, self.y)\n"
    )
}

/// A network of two layers whose class has `gradientUpdate` with this body.
pub(crate) fn with_update(body: &str) -> String {
    let layers = "        x = slim.fully_connected(slim.flatten(self.x), 6, scope='fc1')\n        return slim.fully_connected(x, 3, activation_fn=None, scope='fc2')";
    let method = if body.is_empty() { String::new() } else { format!("    def gradientUpdate(self, grad):\n{body}\n") };
    format!("{}{method}", model(layers))
}

/// Name, value before, and change by one step of sgd at rate 1, of each parameter.
pub(crate) fn changes(source: Source, classes: Option<i64>, solver: &str) -> Vec<(String, tch::Tensor, tch::Tensor)> {
    let params = NetworkParams { nclasses: classes, input_shape: Some([1, 28, 28]), ..NetworkParams::default() };
    let file = load(source, &params, Options::default(), 1).unwrap_or_else(|page| panic!("{page}"));
    let network = file.lower(Purpose::Training, tch::Kind::Double, tch::Device::Cpu).unwrap().network;
    let spec = OptimizerSpec::tensorflow(solver, 0.9).unwrap();
    let mut engine = engine::engine(network, &spec, &EngineOptions::default()).unwrap();
    let values = |engine: &dyn Engine| -> Vec<(String, tch::Tensor)> {
        let list = &engine.network().parameters.list;
        list.iter().map(|p| (p.name.clone(), p.leaf.detach().copy())).collect()
    };
    let before = values(&*engine);
    let (images, labels) = squares(6, [1, 28, 28], 4);
    let images = images.to_kind(tch::Kind::Double) / 255.0;
    engine.step(&images, &labels.to_kind(tch::Kind::Double).into(), 1.0, 7).unwrap();
    let after = values(&*engine).into_iter();
    before.into_iter().zip(after).map(|((name, before), (_, after))| (name, before.copy(), after - before)).collect()
}

#[test]
fn gradients_go_through_the_file_s_own_code() {
    let of = |body: &str| changes(Source::pasted("net.py", &with_update(body)), Some(3), "sgd");
    let plain = of("        return grad");
    let norm = |change: &tch::Tensor| change.norm().double_value(&[]);
    assert!(plain.iter().all(|(_, _, change)| norm(change) > 1e-3));
    let close = |a: &tch::Tensor, b: &tch::Tensor| norm(&(a - b)) < 1e-12;
    // The same network without the method: modules with weights of another layout.
    for ((name, _, change), (_, _, kept)) in of("").iter().zip(&plain) {
        assert!((norm(kept) - norm(change)).abs() < 1e-9, "{name}");
    }
    for ((name, _, twice), (_, _, once)) in of("        return [(2 * g, v) for g, v in grad]").iter().zip(&plain) {
        assert!(norm(&(twice - once * 2.0)) < 1e-9, "{name}");
    }
    let held = of("        return [(tf.clip_by_norm(g, 0.001), v) for g, v in grad]");
    assert!(held.iter().all(|(_, _, change)| (norm(change) - 0.001).abs() < 1e-9));
    let together = of(
        "        g, norm = tf.clip_by_global_norm([g for g, _ in grad], 0.001)\n        return list(zip(g, [v for _, v in grad]))",
    );
    let all: f64 = together.iter().map(|(_, _, change)| norm(change).powi(2)).sum();
    assert!((all.sqrt() - 0.001).abs() < 1e-9, "{all}");
    // By name and by value of the variable: one layer stays, the other shrinks as if decayed.
    let mixed = of("        return [(0 * g if 'fc1' in v.name else g + 0.5 * v, v) for g, v in grad]");
    for ((name, before, change), (_, _, once)) in mixed.iter().zip(&plain) {
        let wanted = if name.contains("fc1") { change.zeros_like() } else { once - before * 0.5 };
        assert!(norm(&(change - wanted)) < 1e-9, "{name}");
    }
    // Of adversaries each loss has its own call.
    let path = tree::root().join("networks/gan.py");
    let gan = std::fs::read_to_string(path).unwrap();
    let frozen = format!(
        "{gan}\n    def gradientUpdate(self, grad):\n        return [(tf.zeros_like(g), v) if 'generator/' in v.name else (g, v) for g, v in grad]\n"
    );
    let whole = changes(Source::pasted("gan.py", &gan), None, "adam");
    let half = changes(Source::pasted("gan.py", &frozen), None, "adam");
    assert!(half.iter().any(|(name, ..)| name.starts_with("generator/")));
    for ((name, _, change), (_, _, once)) in half.iter().zip(&whole) {
        let wanted = if name.starts_with("generator/") { change.zeros_like() } else { once.shallow_clone() };
        assert!(close(change, &wanted), "{name}: {}", norm(&(change - wanted)));
    }
}

#[test]
fn a_gradient_update_that_is_none_is_a_page() {
    let other = "        return [(g, 3) for g, v in grad]";
    let sizes = "        return [(tf.reshape(g, [-1]), v) for g, v in grad]";
    let batch = "        return [(g * tf.reduce_mean(self.x), v) for g, v in grad]";
    for (body, wanted) in [
        ("        pass", "this is NoneType"),
        ("        return grad + grad", "is there twice"),
        ("        return []", "No gradients provided for any variable"),
        ("        return [(None, v) for g, v in grad]", "No gradients provided for any variable"),
        (other, "none of the variables given"),
    ] {
        let page = page(&with_update(body));
        assert!(page.contains(wanted) && page.contains("tf.clip_by_norm"), "{body}\n{page}");
        assert!(page.contains("net.py:10") && page.contains("train/model/loss/gradients"), "{body}\n{page}");
    }
    let stranger = "        return [(g * tf.Variable(1.0, trainable=False), v) for g, v in grad]";
    for (body, wanted) in [
        (sizes, "other sizes than its variable"),
        (batch, "gradientUpdate reads the batch"),
        (stranger, "gradientUpdate reads a variable that the network does not"),
    ] {
        let params = NetworkParams { nclasses: Some(3), input_shape: Some([1, 28, 28]), ..NetworkParams::default() };
        let source = Source::pasted("net.py", &with_update(body));
        let file = load(source, &params, Options::default(), 1).unwrap_or_else(|page| panic!("{page}"));
        let page = file.lower(Purpose::Training, tch::Kind::Float, tch::Device::Cpu).err().unwrap().to_string();
        assert!(page.contains(wanted) && page.contains("net.py:10"), "{page}");
    }
}

#[test]
fn mistakes_are_pages_with_line_scope_and_sizes() {
    let cases: &[(&str, &[&str])] = &[
        (
            "        x = slim.conv2d(self.x, 20, [5, 5], scope='conv1')\n        return tf.matmul(x, x)",
            &["net.py:5", "return tf.matmul(x, x)", "20 columns do not meet 28 rows", "[?, 28, 28, 20]", "model"],
        ),
        (
            "        with tf.variable_scope('a'):\n            x = slim.flatten(self.x)\n            x = slim.fully_connected(x, 10, scope='fc')\n            return slim.fully_connected(x, 10, scope='fc')",
            &["net.py:7", "variable model/a/fc/weights already exists", "it was made at", "net.py:6"],
        ),
        ("        return slim.conv3d(self.x, 3, [3, 3, 3])", &["net.py:4", "conv3d", "did you mean"]),
        ("        return slim.conv2d(self.x, 3)", &["net.py:4", "kernel_size"]),
        ("        return self.x + 'a'", &["net.py:4", "a tensor is wanted, not str"]),
        ("        if self.x > 0: return self.x", &["net.py:4", "no truth value"]),
        ("        return tf.reshape(self.x, [-1, 783])", &["net.py:4", "784 elements", "[?, 783]"]),
        ("        return tf.placeholder(tf.float32)", &["net.py:4", "the batch is self.x and self.y"]),
        ("        return tf.zeros([10**12])", &["net.py:4", "a tensor of 1000000000000 elements does not fit"]),
        (
            "        return tf.get_variable('w', [10**6, 10**6])",
            &["net.py:4", "of 1000000000000 elements does not fit"],
        ),
        (
            "        return slim.fully_connected(slim.flatten(self.x), 10, weights_regularizer=slim.l2_regularizer(1))",
            &["scale cannot be an integer"],
        ),
        (
            "        with slim.arg_scope([tf.nn.relu], name='a'):\n            return self.x",
            &["net.py:4", "no function that arg_scope reaches"],
        ),
        ("        pass", &["inference gives None"]),
        (
            "        tf.summary.image('x', slim.flatten(self.x))\n        return self.x",
            &["net.py:4", "tf.summary.image wants images [n, h, w, c]", "[?, 784]"],
        ),
    ];
    for (inference, wanted) in cases {
        let page = page(&model(inference));
        for part in *wanted {
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
    }
    assert!(page("x = 1").contains("defines no class UserModel"));
    assert!(page("import torch").contains("torch"));
}

#[test]
fn what_wants_too_much_is_a_page_in_time() {
    let cases = [
        "x = self.x\nfor i in range(10**9): x = x + 1",
        "v = tf.get_variable('v', [1])\nx = self.x\nfor i in range(60000): x = x + v\nreturn x",
        "x = self.x\nfor i in range(10**6): x = tf.expand_dims(x, 0)",
        "x = self.x\nfor i in range(100): x = tf.concat([x, x], 1)",
        "for i in range(1000): tf.constant(0.0, shape=[1 << 23])",
        "for i in range(1000): tf.get_variable('v%d' % i, [1 << 24], initializer=tf.zeros_initializer())",
        "l = []\nfor i in range(100000): l = [l]\nreturn tf.constant(l)",
        "return self.x[::-2**63]",
        "return tf.split(slim.flatten(self.x), [2**62, 2**62], 1)[0]",
        "return tf.range(-2**63, 2**63 - 1, -1)",
        "return tf.nn.max_pool(self.x, [1, 2, 2, 1], [1, 2**62, 2**62, 1], 'SAME')",
        "return tf.tile(self.x, [1, 2**40, 2**40, 1])",
        "return tf.pad(self.x, [[0, 0], [0, 2**30], [0, 2**30], [0, 0]])",
        "return slim.conv2d(self.x, 2**40, 3)",
        "return tf.one_hot(self.y, 2**62)",
        "def f(x): return f(x)\nreturn f(1)",
    ];
    digits::torch::memory::set_limit(512 << 20);
    for case in cases {
        let lines: Vec<String> = case.split('\n').map(|line| format!("        {line}")).collect();
        let start = std::time::Instant::now();
        let page = page(&model(&lines.join("\n")));
        eprintln!("{case:?}: {:?}: {}", start.elapsed(), page.lines().next().unwrap_or_default());
        assert!(page.contains("net.py:"), "{case}\n{page}");
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "{case}: {:?}", start.elapsed());
    }
    digits::torch::memory::set_limit(digits::torch::memory::DEFAULT_LIMIT);
}

#[test]
fn the_page_of_a_run_names_the_operation() {
    // The labels reach beyond the classes of the last layer: seen only when a batch is there.
    let text = model("        x = tf.sin(slim.flatten(self.x))\n        return slim.fully_connected(x, 3, scope='fc')");
    let params = NetworkParams { nclasses: Some(10), input_shape: Some([1, 4, 4]), ..NetworkParams::default() };
    let file = load(Source::pasted("net.py", &text), &params, Options::default(), 1).unwrap();
    let network = file.lower(Purpose::Training, tch::Kind::Float, tch::Device::Cpu).unwrap().network;
    let x: Activity = tch::Tensor::rand([2, 1, 4, 4], (tch::Kind::Float, tch::Device::Cpu)).into();
    let target: Activity = tch::Tensor::from_slice(&[1f32, 9.0]).into();
    let mut cx = Context::new(Mode::Train).towards(&target);
    let output = network.forward(&x, &mut cx).unwrap();
    let page = network.loss(&output, &target, &mut cx).unwrap_err().to_string();
    for part in ["label 8 is no class from 0 to 2", "net.py:8", "digits.classification_loss(self.inference, self.y)"] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
}

#[test]
fn parts_of_tensorflow_may_be_imported_from_where_it_keeps_them() {
    let text = format!(
        "from tensorflow.python.framework import ops\n\
         from tensorflow.python.ops import array_ops, nn_ops\n\
         {}",
        model(
            "        x = nn_ops.relu(array_ops.reshape(ops.convert_to_tensor(self.x), [-1, 784]))\n        return slim.fully_connected(x, 10)"
        )
    );
    let params = NetworkParams { nclasses: Some(10), input_shape: Some([1, 28, 28]), ..NetworkParams::default() };
    load(Source::pasted("net.py", &text), &params, Options::default(), 1).unwrap_or_else(|page| panic!("{page}"));
    let wrong = page(&text.replace("import ops\n", "import opps\n"));
    assert!(wrong.contains("opps") && wrong.contains("ops"), "{wrong}");
}
