//! What DIGITS' trainer could do beside training: fine-tuning, sweeps, tests of a classifier, resume from any
//! snapshot; each through the program, as a user meets it.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use digits::{
    data::Dataset,
    job::{EventKind, JobView, Status},
    train::Snapshot,
};

use crate::job::{interruptible, printed as run, workshop};

/// A small classifier of MNIST that learns in an epoch.
const CLASSIFIER: &str = "return function(params)\n\
    local net = nn.Sequential()\n\
    net:add(nn.MulConstant(0.00390625))\n\
    net:add(nn.View(-1):setNumInputDims(3))\n\
    net:add(nn.Linear(784, 16))\n\
    net:add(nn.ReLU())\n\
    net:add(nn.Linear(16, params.nclasses))\n\
    net:add(nn.LogSoftMax())\n\
    return { model = net, loss = nn.ClassNLLCriterion(), trainBatchSize = 50, validationBatchSize = 100 }\n\
    end\n";

/// The same with its first layer frozen and its last one replaced, as DIGITS' fine-tuning example does it.
const FINE_TUNED: &str = "return function(params)\n\
    local net = nn.Sequential()\n\
    net:add(nn.MulConstant(0.00390625))\n\
    net:add(nn.View(-1):setNumInputDims(3))\n\
    net:add(nn.Linear(784, 16))\n\
    net:add(nn.ReLU())\n\
    net:add(nn.Linear(16, params.nclasses))\n\
    net:add(nn.LogSoftMax())\n\
    local function hook(net)\n\
      net:get(3).accGradParameters = function(self, input, gradOutput, scale) end\n\
      net:remove(5)\n\
      net:insert(nn.Linear(16, 10), 5)\n\
      return net\n\
    end\n\
    return { model = net, loss = nn.ClassNLLCriterion(), trainBatchSize = 50, fineTuneHook = hook }\n\
    end\n";

/// How many records the built-in sample has to train and to validate on.
fn sample_counts(folder: &Path) -> (u64, u64) {
    let sample = Dataset::open(&folder.join("datasets/mnist-sample")).unwrap();
    (sample.train().unwrap().len(), sample.val().unwrap().len())
}

/// `7,501`: a number below a million as people write it.
fn grouped(number: u64) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

/// The weights of a job's snapshot.
fn weights(job: &Path, epoch: &str) -> Vec<(String, tch::Tensor)> {
    let path = job.join(format!("snapshots/snapshot_{epoch}.safetensors"));
    let mut all = Snapshot::read_weights(&path).unwrap();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn tensor<'a>(weights: &'a [(String, tch::Tensor)], name: &str) -> &'a tch::Tensor {
    &weights.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn fine_tuning_starts_from_the_weights_and_leaves_frozen_layers_alone() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("base.lua"), CLASSIFIER).unwrap();
    fs::write(at("tuned.lua"), FINE_TUNED).unwrap();
    run(folder.path(), "run base.lua --epochs 1 --lr 0.05 --lr-policy fixed --job base --device cpu");
    let base = weights(&at("base"), "1");

    let tune = "run tuned.lua --weights base --epochs 1 --lr-policy fixed --weight-decay 0 --device cpu";
    let still = run(folder.path(), &format!("{tune} --lr 0 --job still"));
    for line in [
        "weights of ",
        "  loaded   3.weight [16, 784]  frozen",
        "  loaded   3.bias [16]  frozen",
        "  new      5.weight [10, 16]",
        "  skipped  5.weight: fineTuneHook took it out of the network",
    ] {
        assert!(still.contains(line), "{line} is missing in\n{still}");
    }
    assert_eq!(tensor(&weights(&at("still"), "1"), "3.weight"), tensor(&base, "3.weight"), "it starts elsewhere");
    assert_ne!(tensor(&weights(&at("still"), "1"), "5.weight"), tensor(&base, "5.weight"));

    run(folder.path(), &format!("{tune} --lr 0.05 --job moved"));
    let (still, moved) = (weights(&at("still"), "1"), weights(&at("moved"), "1"));
    assert_eq!(tensor(&moved, "3.weight"), tensor(&base, "3.weight"), "a frozen layer moved");
    assert_eq!(tensor(&moved, "3.bias"), tensor(&base, "3.bias"));
    assert_ne!(tensor(&moved, "5.weight"), tensor(&still, "5.weight"), "the new layer learned nothing");

    // As in DIGITS weight decay acts on frozen layers too (quirk 14).
    let decayed = tune.replace("--weight-decay 0", "--weight-decay 0.1");
    run(folder.path(), &format!("{decayed} --lr 0.05 --job decayed"));
    let norm = |weights: &[(String, tch::Tensor)]| tensor(weights, "3.weight").norm().double_value(&[]);
    assert!(norm(&weights(&at("decayed"), "1")) < 0.9 * norm(&base));

    // A killed run that has a snapshot needs the weights no more.
    fs::rename(at("base"), at("gone")).unwrap();
    run(folder.path(), "run --resume moved --epochs 2 --device cpu");
    assert_eq!(tensor(&weights(&at("moved"), "2"), "3.weight"), tensor(&base, "3.weight"));
}

/// What DIGITS' trainer saves: the model after clearState, in its training type; the flat vector where Torch was too old;
/// with several GPUs the model in its DataParallelTable.
const SNAPSHOTS: &str = "require 'cunn'\n\
    local net = dofile('base.lua')({nclasses = 10, ngpus = 1}).model:cuda()\n\
    local flat = net:getParameters()\n\
    flat:copy(torch.range(1, flat:nElement()):div(flat:nElement()))\n\
    net:forward(torch.rand(2, 1, 28, 28):cuda())\n\
    torch.save('snapshot_1_Model.t7', net:clearState())\n\
    torch.save('snapshot_1_Weights.t7', flat)\n\
    torch.save('parallel_1_Model.t7', nn.DataParallelTable(1, true, true):add(net, {1, 2}):clearState())\n\
    local cunns = torch.load(arg[1])\n\
    print(torch.type(cunns), cunns:float():forward(torch.ones(4, 1, 3, 3):float()):size(2))\n";

#[test]
fn every_kind_of_snapshot_that_digits_saved_starts_a_run() {
    let folder = workshop();
    fs::write(folder.path().join("base.lua"), CLASSIFIER).unwrap();
    fs::write(folder.path().join("save.lua"), SNAPSHOTS).unwrap();
    let golden = crate::tree::root().join("tests/golden/t7/snapshot_1_Model.t7");
    let said = run(folder.path(), &format!("th --trusted save.lua {}", golden.display()));
    assert_eq!(said, "nn.DataParallelTable\t2\n");
    for name in ["snapshot_1_Model", "snapshot_1_Weights", "parallel_1_Model"] {
        let line =
            format!("run base.lua --weights {name}.t7 --lr 0 --weight-decay 0 --epochs 1 --job {name} --device cpu");
        let said = run(folder.path(), &line);
        assert!(said.contains("12730 numbers loaded, 0 tensors new, 0 skipped"), "{said}");
        let snapshot = weights(&folder.path().join(name), "1");
        let flat = ["3.weight", "3.bias", "5.weight", "5.bias"].map(|name| tensor(&snapshot, name).reshape([-1]));
        let flat = Vec::<f32>::try_from(tch::Tensor::cat(&flat, 0)).unwrap();
        let in_order = flat.iter().enumerate().all(|(i, value)| (value * 12730.0 - (i + 1) as f32).abs() < 0.01);
        assert!(in_order && flat.len() == 12730, "{name}");
    }
}

#[test]
fn a_classifier_is_tested_over_a_database_and_a_list() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("base.lua"), CLASSIFIER).unwrap();
    let table = run(folder.path(), "run base.lua --epochs 2 --lr 0.1 --lr-policy fixed --job j --device cpu");
    assert!(table.contains("accuracy (top 5)"), "{table}");
    let events = JobView::open(&at("j")).unwrap().events().unwrap();
    let last = events.iter().rfind(|event| event.event == EventKind::Validation).unwrap();
    let (accuracy, five) = (last.accuracy.unwrap(), last.accuracy_top5.unwrap());
    assert!(accuracy > 0.6 && five > accuracy && five <= 1.0, "{accuracy} {five}");
    assert!(at("j/accuracy.png").is_file());

    let told = run(folder.path(), "test j --snapshot last --db datasets/mnist-sample/val_db --out out");
    let percent = format!("accuracy {:.2} %, top 5 {:.2} %", accuracy * 100.0, five * 100.0);
    assert!(told.starts_with(&percent), "{told}\nnot {percent}");
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(at("out/confusion.json")).unwrap()).unwrap();
    assert_eq!(json["accuracy"].as_f64().unwrap(), accuracy);
    assert!((json["loss"].as_f64().unwrap() - last.loss.unwrap()).abs() < 1e-6);
    let counts: Vec<Vec<u64>> = serde_json::from_value(json["confusion"]["counts"].clone()).unwrap();
    let right: u64 = (0..10).map(|i| counts[i][i]).sum();
    assert_eq!(right, (accuracy * sample_counts(folder.path()).1 as f64).round() as u64);
    let chances: Vec<f64> =
        json["worst"].as_array().unwrap().iter().map(|a| a["chance_of_right"].as_f64().unwrap()).collect();
    assert!(chances.len() == 60 && chances.is_sorted(), "worst first");
    for name in ["index.html", "confusion.png", "confusion.csv", "worst.png"] {
        assert!(at("out").join(name).metadata().unwrap().len() > 500, "{name}");
    }

    // Three images of the same digit as files, one of them missing.
    let black = image::GrayImage::from_pixel(28, 28, image::Luma([255]));
    black.save(at("white.png")).unwrap();
    fs::write(at("list.txt"), "white.png 3\nmissing.png 1\nwhite.png\n").unwrap();
    let told = run(folder.path(), "test j --list list.txt --top 3 --out listed");
    assert!(told.contains("missing.png  not tested") && told.contains("2 images tested, 1 not"), "{told}");
    let first = told.lines().next().unwrap();
    assert_eq!(first.matches('%').count(), 3, "{first}");
    let csv = fs::read_to_string(at("listed/predictions.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 3, "{csv}");
    assert!(at("listed/confusion.csv").is_file());
}

/// Its first layer comes from a file beside it.
const WITH_A_NEIGHBOUR: &str = "local layers = require 'layers'\n\
    return function(params)\n\
    local net = nn.Sequential():add(nn.MulConstant(0.00390625)):add(nn.View(-1):setNumInputDims(3))\n\
    net:add(layers.first()):add(nn.ReLU()):add(nn.Linear(8, params.nclasses)):add(nn.LogSoftMax())\n\
    return { model = net, loss = nn.ClassNLLCriterion(), trainBatchSize = 100 }\n\
    end\n";

#[test]
fn a_network_that_requires_its_neighbour_is_found_again_by_every_command() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("nets")).unwrap();
    // Below the working directory, and right in it: a name without a folder.
    for (file, neighbour, job) in [("nets/deep.lua", "nets/layers.lua", "deep"), ("flat.lua", "layers.lua", "flat")] {
        fs::write(at(file), WITH_A_NEIGHBOUR).unwrap();
        fs::write(at(neighbour), "return { first = function() return nn.Linear(784, 8) end }\n").unwrap();
        run(folder.path(), &format!("run {file} --epochs 1 --job {job} --device cpu"));
        run(folder.path(), &format!("run --resume {job} --epochs 2 --device cpu"));
        assert_eq!(weights(&at(job), "2").len(), 4);
        let tested = run(folder.path(), &format!("test {job} --db datasets/mnist-sample/val_db"));
        assert!(tested.contains("mean loss"), "{tested}");
        run(folder.path(), &format!("export {job} --format t7"));
        assert!(at(job).join("model.t7").is_file());
    }
    let swept = run(folder.path(), "run nets/deep.lua --lr 0.1,0.01 --epochs 1 --job s --device cpu");
    assert!(swept.contains("made s/: comparison.md"), "{swept}");
}

#[test]
fn a_sweep_trains_every_combination_and_goes_on_after_a_stop() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("base.lua"), CLASSIFIER).unwrap();
    let command = "run base.lua --lr 0.1,0.001 --batch-size 100,250 --epochs 1 --job s --device cpu";
    let arguments: Vec<&str> = command.split(' ').collect();
    let mut child = interruptible(folder.path(), &arguments).spawn().unwrap();
    // Ctrl-C once the second job trains.
    let second = at("s/lr0.1-batch250/metrics.jsonl");
    let began = Instant::now();
    while !second.metadata().is_ok_and(|file| file.len() > 0) && child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(120), "the second job does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    child.wait().unwrap();

    let told = run(folder.path(), "run --resume s --device cpu");
    let jobs = ["lr0.1-batch100", "lr0.1-batch250", "lr0.001-batch100", "lr0.001-batch250"];
    for job in jobs {
        assert_eq!(JobView::open(&at("s").join(job)).unwrap().record().unwrap().status, Status::Done, "{job}");
    }
    let table = told.split("\n\n").find(|part| part.starts_with("job ")).unwrap_or_else(|| panic!("{told}"));
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.lines().any(|line| line.starts_with("lr0.1") && line.contains(" *")), "{table}");
    let csv = fs::read_to_string(at("s/comparison.csv")).unwrap();
    assert!(csv.lines().skip(1).all(|line| line.contains(",Done,1,")), "{csv}");
    assert!(fs::read_to_string(at("s/comparison.md")).unwrap().contains("| lr0.001-batch250 | 0.001 | 250 |"));
    let svg = fs::read_to_string(at("s/loss.svg")).unwrap();
    assert!(svg.contains("lr 0.001, batch 250") && at("s/loss.png").is_file());
    // The same command again finds nothing to do.
    let again = run(folder.path(), command);
    assert_eq!(again.matches("is done already").count(), 4, "{again}");
}

#[test]
fn a_run_goes_on_from_any_snapshot_and_ends_in_the_same_bits() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    run(folder.path(), "run net.lua --epochs 3 --job j --device cpu");
    let end = weights(&at("j"), "3");
    run(folder.path(), "run --resume j --from-snapshot 1 --device cpu");
    let again = weights(&at("j"), "3");
    assert!(end.iter().zip(&again).all(|(a, b)| a.0 == b.0 && a.1 == b.1));
    for left in ["snapshot_2.safetensors", "snapshot_3.safetensors"] {
        assert!(at("j/snapshots/left").join(left).is_file(), "{left} was lost");
    }
    let events = JobView::open(&at("j")).unwrap().events().unwrap();
    let validations: Vec<f64> =
        events.iter().filter(|e| e.event == EventKind::Validation).map(|event| event.epoch).collect();
    assert_eq!(validations, [0.0, 1.0, 2.0, 3.0]);
    assert!(JobView::open(&at("j")).unwrap().best().unwrap().is_some());
}

#[test]
fn what_a_run_will_do_is_drawn_before_it() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    let told = run(folder.path(), "run net.lua --plot-lr --epochs 10 --out pictures");
    let (records, _) = sample_counts(folder.path());
    let steps = records.div_ceil(50);
    let wanted = format!(
        "{} records, batch size 50: {steps} iterations an epoch, {} in 10 epochs",
        grouped(records),
        grouped(10 * steps)
    );
    assert!(told.contains(&wanted), "{told}\nnot {wanted}");
    assert!(told.contains("0.01 → 1e-05"), "{told}");
    run(folder.path(), "run --preview-augmentation 2 --aug-rot 20 --aug-flip fliplr --out pictures");
    let sheet = image::open(at("pictures/augmentation.png")).unwrap().into_rgb8();
    assert!(sheet.width() > 7 * 96 && sheet.height() > 2 * 96);
    assert!(at("pictures/lr.png").is_file() && at("pictures/lr.svg").is_file());
    assert!(!at("jobs").exists(), "nothing was trained");
}
