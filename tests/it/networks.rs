//! The networks in `networks/`: each loads, prints, and learns a small set that is made here.

use std::{fs, path::Path};

use digits::{
    frontend::{
        NetworkParams, Source,
        lua::{load, vm::VmOptions},
    },
    job::{EventKind, JobView},
    optim::{OptimizerKind, OptimizerSpec},
    train::engine::{EngineOptions, engine},
};

use crate::{
    job::program,
    sets::{Label, Made, Noise, digits, stripes, write},
    tree,
};

/// A file, the shape of its records, and its classes.
pub(crate) struct Network {
    pub(crate) name: &'static str,
    pub(crate) shape: [i64; 3],
    pub(crate) classes: Option<i64>,
}

const fn network(name: &'static str, shape: [i64; 3], classes: Option<i64>) -> Network {
    Network { name, shape, classes }
}

pub(crate) const ALL: &[Network] = &[
    network("alexnet", [3, 256, 256], Some(5)),
    network("alexnet-small", [3, 32, 32], Some(4)),
    network("autoencoder", [1, 28, 28], None),
    network("binary-segmentation", [1, 32, 32], None),
    network("fine-tuning", [1, 28, 28], Some(2)),
    network("googlenet", [3, 256, 256], Some(5)),
    network("lenet", [1, 28, 28], Some(10)),
    network("lenet-plain", [1, 28, 28], Some(10)),
    network("lenet-relu", [1, 28, 28], Some(10)),
    network("regression", [1, 10, 10], None),
    network("siamese", [3, 28, 28], None),
    network("text-classification", [1, 16, 16], Some(4)),
];

impl Network {
    /// The file as a source, `networks/NAME.lua`.
    pub(crate) fn source(&self) -> Source {
        Source::read(&tree::root().join(format!("networks/{}.lua", self.name))).unwrap()
    }

    /// What the file's function is called with.
    pub(crate) fn params(&self) -> NetworkParams {
        NetworkParams { nclasses: self.classes, input_shape: Some(self.shape), ..NetworkParams::default() }
    }
}

#[test]
fn every_network_loads_and_prints_with_and_without_a_data_set() {
    let mut listed: Vec<String> = ALL.iter().map(|network| format!("{}.lua", network.name)).collect();
    listed.sort();
    let here: Vec<String> = tree::files("networks").into_iter().filter(|path| path.ends_with(".lua")).collect();
    assert_eq!(listed, here, "the list of this test and the folder");
    for network in ALL {
        for params in [network.params(), NetworkParams::default()] {
            let loaded = load(network.source(), &params, VmOptions::default(), 1).unwrap();
            assert!(loaded.printed.starts_with("nn.Sequential {"), "{}: {}", network.name, loaded.printed);
            assert!(loaded.criterion_printed.starts_with("nn."), "{}", network.name);
        }
    }
}

#[test]
fn every_symbol_of_digits_own_files_works() {
    let path = tree::root().join("tests/lua/digits/symbols.lua");
    let params = NetworkParams { nclasses: Some(7), input_shape: Some([3, 4, 4]), ..NetworkParams::default() };
    let mut loaded = load(Source::read(&path).unwrap(), &params, VmOptions::default(), 1).unwrap();
    loaded.fine_tune().unwrap();
    assert_eq!((loaded.settings.croplen, loaded.settings.train_batch_size), (Some(4), Some(8)));
    assert!(loaded.has_label_hook() && loaded.has_fine_tune_hook());
    loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
}

/// Trains `name` on `records` and answers the loss over them before and after. `arguments` follow those of the data.
fn train(folder: &Path, name: &str, records: &[Made], arguments: &str) -> (f64, f64) {
    let network = ALL.iter().find(|network| network.name == name).unwrap();
    let data = write(folder, network.shape, network.classes.unwrap_or(0) as usize, records);
    let file = tree::root().join(format!("networks/{name}.lua"));
    let mut all = vec!["run", file.to_str().unwrap(), "--job", "j", "--device", "cpu", "--threads", "1"];
    all.extend(["--snapshot-interval", "0", "--lr-policy", "fixed"]);
    all.extend(data.iter().map(String::as_str));
    all.extend(arguments.split_whitespace());
    let run = program(folder, &all).output().unwrap();
    assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
    let events = JobView::open(&folder.join("j")).unwrap().events().unwrap();
    let losses: Vec<f64> =
        events.iter().filter(|e| e.event == EventKind::Validation).filter_map(|event| event.loss).collect();
    assert!(losses.len() >= 2, "{name}: {losses:?}");
    (losses[0], losses[losses.len() - 1])
}

/// The loss must fall to `factor` of what it was.
#[track_caller]
fn learns(name: &str, records: &[Made], arguments: &str, factor: f64) {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = train(folder.path(), name, records, arguments);
    eprintln!("{name}: {before} -> {after}, {:.3} of it", after / before);
    assert!(after < factor * before, "{name}: the loss over its own train set went from {before} to {after}");
}

fn classes(count: u64) -> Vec<Made> {
    let folder = tempfile::tempdir().unwrap();
    digits(folder.path(), count).into_iter().map(|(pixels, class)| (pixels, Label::Class(class))).collect()
}

#[test]
fn the_autoencoder_learns() {
    learns(
        "autoencoder",
        &classes(128),
        "--epochs 20 --validation-interval 20 --batch-size 16 --solver adam --lr 0.002",
        0.6,
    );
}

#[test]
fn every_lenet_learns_with_adam_and_with_digits_own_solver() {
    let records = classes(192);
    for name in ["lenet", "lenet-plain", "lenet-relu"] {
        learns(name, &records, "--epochs 5 --validation-interval 5 --batch-size 32 --solver adam --lr 0.001", 0.4);
    }
    // Torch's dampening keeps the steps small, so there are many of them; libtorch's own step is the faster one here.
    let many = "--epochs 6 --validation-interval 6 --batch-size 2 --autograd";
    learns("lenet", &records, many, 0.4);
    learns("lenet-relu", &records, many, 0.4);
}

#[test]
fn the_lenet_without_a_batch_size_trains_in_digits_default_of_sixteen_and_on_our_kernels() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), "lenet-relu", &classes(32), "--epochs 1");
    let events = JobView::open(&folder.path().join("j")).unwrap().events().unwrap();
    assert_eq!(events.last().unwrap().iteration, 2);
    let engine = events.iter().find_map(|event| event.message.clone()).unwrap();
    assert!(engine.starts_with("panels (6 stages"), "{engine}");
}

#[test]
fn the_small_alexnet_learns() {
    let arguments = "--epochs 4 --validation-interval 4 --batch-size 16 --solver adam --lr 0.001";
    learns("alexnet-small", &stripes(96, 4, 32), arguments, 0.4);
}

#[test]
fn siamese_segmentation_and_the_autoencoder_learn_with_digits_own_solver() {
    let (mut noise, folder) = (Noise::new(11), tempfile::tempdir().unwrap());
    let triangles: Vec<Made> = (0..48).map(|_| triangle(&mut noise)).collect();
    learns("binary-segmentation", &triangles, "--epochs 4 --validation-interval 4", 0.4);
    learns("siamese", &pairs(&digits(folder.path(), 60)), "--epochs 4 --validation-interval 4", 0.6);
    // Flat for the first 600 steps, as in DIGITS' own picture of its loss.
    learns("autoencoder", &classes(128), "--epochs 80 --validation-interval 80 --batch-size 8", 0.7);
}

#[test]
fn text_classification_learns() {
    // Four kinds of texts, each of a quarter of the letters.
    let mut noise = Noise::new(3);
    let records: Vec<Made> = (0..48)
        .map(|i| {
            let class = i % 4;
            ((0..256).map(|_| (2 + 6 * class + noise.below(6)) as u8).collect(), Label::Class(class as i32))
        })
        .collect();
    let arguments = "--epochs 4 --validation-interval 4 --batch-size 8 --subtract-mean none --solver adam --lr 0.0003";
    learns("text-classification", &records, arguments, 0.5);
}

/// Pairs of digits as the second and third plane of an image, and whether they are the same digit.
fn pairs(digits: &[(Vec<u8>, i32)]) -> Vec<Made> {
    let mut noise = Noise::new(5);
    (0..128)
        .map(|i| {
            // Half of the pairs are equal, the classes are 0 and 1 only: a small set can tell them.
            let mut pick = |class: Option<i32>| loop {
                let (pixels, is) = &digits[noise.below(60) as usize];
                if *is < 2 && class.is_none_or(|class| class == *is) {
                    return (pixels.clone(), *is);
                }
            };
            let (first, class) = pick(None);
            let (second, _) = pick(Some(if i % 2 == 0 { class } else { 1 - class }));
            let same = if i % 2 == 0 { 1.0 } else { 0.0 };
            ([vec![0; 784], first, second].concat(), Label::Numbers(vec![same]))
        })
        .collect()
}

#[test]
fn the_siamese_network_learns_pairs_with_a_label_database() {
    let folder = tempfile::tempdir().unwrap();
    let records = pairs(&digits(folder.path(), 60));
    learns("siamese", &records, "--epochs 4 --validation-interval 4 --lr 0.01 --solver adagrad", 0.5);
}

/// A triangle's outline and the same triangle filled, black on white.
fn triangle(noise: &mut Noise) -> Made {
    let side = 32i32;
    let corner: Vec<(i32, i32)> = (0..3).map(|_| (noise.below(28) as i32 + 2, noise.below(28) as i32 + 2)).collect();
    let cross = |a: (i32, i32), b: (i32, i32), p: (i32, i32)| (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0);
    let turn = if cross(corner[0], corner[1], corner[2]) < 0 { -1 } else { 1 };
    let mut outline = vec![255u8; (side * side) as usize];
    let mut filled = outline.clone();
    for y in 0..side {
        for x in 0..side {
            let edges = [(0, 1), (1, 2), (2, 0)].map(|(a, b)| turn * cross(corner[a], corner[b], (x, y)));
            if edges.iter().all(|&edge| edge >= 0) {
                let at = (y * side + x) as usize;
                filled[at] = 0;
                if edges.iter().any(|&edge| edge < 24) {
                    outline[at] = 0;
                }
            }
        }
    }
    (outline, Label::Image(filled))
}

#[test]
fn binary_segmentation_learns_images_from_images() {
    let mut noise = Noise::new(11);
    let records: Vec<Made> = (0..48).map(|_| triangle(&mut noise)).collect();
    learns(
        "binary-segmentation",
        &records,
        "--epochs 3 --validation-interval 3 --batch-size 8 --solver adam --lr 0.001",
        0.5,
    );
}

#[test]
fn regression_learns_gradients_from_a_label_database() {
    let mut noise = Noise::new(13);
    let records: Vec<Made> = (0..100)
        .map(|_| {
            let (gx, gy) = (noise.centred(), noise.centred());
            let value = |at: usize, gradient: f32| gradient * 25.5 * (at as f32 - 5.0);
            let pixel = |i: usize| (value(i % 10, gx) + value(i / 10, gy) + 127.5) as u8;
            ((0..100).map(pixel).collect(), Label::Numbers(vec![gx, gy]))
        })
        .collect();
    // DIGITS' own solver, rate and epochs.
    learns("regression", &records, "--epochs 15 --validation-interval 15", 0.4);
}

#[test]
fn fine_tuning_learns_with_its_old_layers_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let odd = |(pixels, digit): (Vec<u8>, i32)| (pixels, Label::Class(digit % 2));
    let records: Vec<Made> = digits(folder.path(), 128).into_iter().map(odd).collect();
    let arguments = "--epochs 8 --validation-interval 8 --weight-decay 0 --solver adam --lr 0.003";
    let (before, after) = train(folder.path(), "fine-tuning", &records, arguments);
    eprintln!("fine-tuning: {before} -> {after}");
    assert!(after < 0.7 * before, "from {before} to {after}");

    // The frozen layers are what the same seed gave them; the others are not.
    let network = ALL.iter().find(|network| network.name == "fine-tuning").unwrap();
    let mut loaded = load(network.source(), &network.params(), VmOptions::default(), 1).unwrap();
    loaded.fine_tune().unwrap();
    let fresh = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    let snapshot = fs::read(folder.path().join("j/snapshots/snapshot_8.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&snapshot).unwrap();
    for parameter in &fresh.parameters.list {
        let (name, _) = parameter.name.split_once('.').unwrap();
        let frozen = ["2", "4", "7"].contains(&name);
        assert_eq!(parameter.learns, !frozen, "{}", parameter.name);
        let names = tensors.names();
        let stored = names.iter().find(|stored| stored.ends_with(&parameter.name)).expect("every parameter is stored");
        let bytes = tensors.tensor(stored).unwrap().data().to_vec();
        let flat = Vec::<f32>::try_from(parameter.leaf.detach().reshape([-1])).unwrap();
        let initial: Vec<u8> = flat.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(bytes == initial, frozen, "{}", parameter.name);
    }
}

/// Photographs of full size, a few steps on a few pictures: the loss of the first step and of the last.
fn steps(name: &str, rate: f64, count: usize) -> (f64, f64) {
    let network = ALL.iter().find(|network| network.name == name).unwrap();
    let params = NetworkParams { nclasses: Some(2), ..network.params() };
    // An unoptimised build draws 60 million weights in about as long as a pasted file may take.
    let options = VmOptions { build_time: std::time::Duration::from_secs(60), ..VmOptions::default() };
    let loaded = load(network.source(), &params, options, 1).unwrap();
    let side = loaded.settings.croplen.unwrap();
    let lowered = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
    let solver = OptimizerSpec { kind: OptimizerKind::Adam, ..OptimizerSpec::default() };
    let mut engine = engine(lowered, &solver, &EngineOptions { threads: 1, ..EngineOptions::default() }).unwrap();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (image, label) in stripes(4, 2, side as usize) {
        pixels.extend(image.into_iter().map(|pixel| f32::from(pixel) - 100.0));
        let Label::Class(class) = label else { panic!("a class") };
        labels.push(class as f32 + 1.0);
    }
    let input = tch::Tensor::from_slice(&pixels).view([4, 3, side, side]);
    let target = tch::Tensor::from_slice(&labels).into();
    for step in 0..count {
        engine.step(&input, &target, rate, step as u64).unwrap();
    }
    let losses = engine.take_losses().unwrap();
    eprintln!("{name}: {losses:?}");
    (losses[0], losses[count - 1])
}

#[test]
fn googlenet_learns() {
    let (first, last) = steps("googlenet", 0.001, 5);
    assert!(last < 0.5 * first, "from {first} to {last}");
}

#[test]
fn alexnet_learns() {
    let (first, last) = steps("alexnet", 0.0001, 5);
    assert!(last < 0.7 * first, "from {first} to {last}");
}
