//! What a newcomer ran into in a first hour with files of one's own: folders in other layouts, links, files named for their
//! folders, classes without names, validations within an epoch, tables for outputs.

use std::{fs, os::unix::fs::symlink, path::Path};

use digits::data::Image;

use crate::job::{page, well, workshop};

const CLASSIFIER: &str = "return function(params)\n\
    local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3))\n\
    net:add(nn.Linear(params.inputShape[1] * params.inputShape[2] * params.inputShape[3], params.nclasses or 2))\n\
    return { model = net:add(nn.LogSoftMax()), trainBatchSize = 4 }\n\
    end\n";

/// Images of one level in a folder a class.
fn photos(folder: &Path, classes: &[&str]) {
    for (class, level) in classes.iter().zip([20u8, 120, 220]) {
        fs::create_dir_all(folder.join(class)).unwrap();
        for i in 0..4u8 {
            let image = Image { width: 8, height: 8, channels: 1, pixels: vec![level + i; 64] };
            image.save_png(&folder.join(class).join(format!("{i}.png"))).unwrap();
        }
    }
}

#[test]
fn folders_of_sets_headings_and_pairs_of_other_proportions_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    photos(&at("nest/train"), &["cat", "dog"]);
    photos(&at("nest/val"), &["cat", "dog", "emu"]);
    let text = page(folder.path(), "dataset folder nest --size 8x8 --channels 1 --out set");
    assert!(text.contains("are sets, not classes"), "{text}");
    let help = text.split("digits-rs dataset folder ").nth(1).unwrap().trim();
    assert_eq!(help, "nest/train --val-folder nest/val", "{text}");
    let text = well(folder.path(), &format!("dataset folder {help} --size 8x8 --channels 1 --out set"));
    assert!(text.contains("emu"), "{text}");
    assert!(fs::read_to_string(at("set/skipped.txt")).unwrap().contains("a folder of class emu"));

    fs::write(at("texts.csv"), "label,text\npos,good good\nneg,bad bad\npos,good\nneg,bad\n").unwrap();
    let text = well(folder.path(), "dataset text --train texts.csv --length 8 --val-percent 0 --out texts");
    assert!(!fs::read_to_string(at("texts/labels.txt")).unwrap().contains("label"), "{text}");
    fs::write(at("turned.csv"), "text,label\ngood,pos\nbad,neg\n").unwrap();
    let text = page(folder.path(), "dataset text --train turned.csv --length 8 --val-percent 0 --out turned");
    assert!(text.contains("the text first and the class last"), "{text}");

    for (name, width, height) in [("in", 12, 4), ("out", 4, 12)] {
        fs::create_dir(at(name)).unwrap();
        let image = Image { width, height, channels: 1, pixels: vec![0; 48] };
        (0..4).for_each(|i| image.save_png(&at(&format!("{name}/{i}.png"))).unwrap());
    }
    let text = well(folder.path(), "dataset pairs --inputs in --labels out --size 8x8 --channels 1 --out pairs");
    assert!(text.contains("4 pairs are an input and a label of other proportions"), "{text}");
}

#[test]
fn links_files_for_folders_and_classes_elsewhere_are_reached_through_the_fence() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    photos(&at("far/away"), &["cat", "dog"]);
    fs::create_dir_all(at("nets")).unwrap();
    fs::write(at("nets/c.lua"), CLASSIFIER).unwrap();
    well(folder.path(), "dataset folder far/away --size 8x8 --channels 1 --out sets/a");
    well(folder.path(), "run nets/c.lua --dataset sets/a --epochs 1 --job jobs/a --device cpu");
    fs::create_dir_all(at("links/cat")).unwrap();
    symlink(at("far/away/cat/0.png"), at("links/cat/0.png")).unwrap();
    let text = well(folder.path(), "test jobs/a links");
    assert!(text.contains("1 images tested, 0 not"), "{text}");
    let turned: Vec<String> =
        fs::read_to_string(at("sets/a/labels.txt")).unwrap().lines().rev().map(Into::into).collect();
    fs::write(at("sets/a/labels.txt"), turned.join("\n")).unwrap();
    let text = well(folder.path(), "test jobs/a --db sets/a");
    assert!(text.contains("class 0 is \"dog\" there and \"cat\" here"), "{text}");

    let database = "--train-db sets/a/train_db/data.mdb --val-db sets/a/val_db/data.mdb";
    well(
        folder.path(),
        &format!(
            "run nets/c.lua {database} --labels sets/a/labels.txt --subtract-mean none --epochs 1 --job jobs/b --device cpu"
        ),
    );
    let text = well(folder.path(), "test jobs/b --db sets/a/val_db/data.mdb");
    assert!(text.contains("accuracy"), "{text}");

    // Classes without names, and the way that the page shows.
    well(folder.path(), "dataset generic --train-db sets/a/train_db --val-db sets/a/val_db --out sets/g");
    let text = page(
        folder.path(),
        "run nets/c.lua --dataset sets/g --subtract-mean none --epochs 1 --job jobs/g --device cpu",
    );
    assert!(text.contains("dataset generic --labels FILE"), "{text}");
    let make =
        "dataset generic --train-db sets/a/train_db --val-db sets/a/val_db --labels sets/a/labels.txt --out sets/h";
    well(folder.path(), make);
    well(folder.path(), "run nets/c.lua --dataset sets/h --subtract-mean none --epochs 1 --job jobs/h --device cpu");
    let text = page(folder.path(), "run nets/c.lua --dataset sets/a --epochs 1 --job jobs/h --device cpu");
    assert!(text.contains("learned from another dataset"), "{text}");
}

#[test]
fn outputs_and_rows_are_what_they_are() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    let net = "local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 784))\n\
        return { model = net, loss = nn.MSECriterion(), trainBatchSize = 500,\n\
        labelHook = function(input) return HOOK end }\n";
    for (name, hook, is_reconstruction) in [
        ("sevens", "input:clone():fill(7):view(input:size(1), -1)", false),
        ("scaled", "torch.div(input, 255):view(input:size(1), -1)", true),
    ] {
        fs::write(at(&format!("{name}.lua")), net.replace("HOOK", hook)).unwrap();
        well(folder.path(), &format!("run {name}.lua --epochs 1 --lr 1e-9 --job {name} --device cpu --autograd"));
        let text = well(folder.path(), &format!("test {name} --db datasets/mnist-sample --record 0"));
        assert_eq!(text.contains("reconstruction error"), is_reconstruction, "{name}: {text}");
    }
    fs::write(
        at("two.lua"),
        "local two = nn.ConcatTable():add(nn.Linear(784, 1)):add(nn.Linear(784, 2))\n\
         local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(two)\n\
         local loss = nn.ParallelCriterion():add(nn.MSECriterion()):add(nn.MSECriterion())\n\
         return { model = net, loss = loss, trainBatchSize = 500, labelHook = function(input, label)\n\
         local n = input:size(1) return {torch.zeros(n, 1), torch.zeros(n, 2)} end }\n",
    )
    .unwrap();
    well(folder.path(), "run two.lua --epochs 1 --lr 1e-9 --job two --device cpu --autograd --solver adam");
    let text = well(folder.path(), "test two --db datasets/mnist-sample --record 0");
    assert!(text.contains("output [3]:"), "{text}");
    let text = well(folder.path(), "run --resume two --epochs 2 --validation-interval 0.5 --device cpu");
    assert!(!text.contains("no effect"), "{text}");
    let rows = text.lines().filter(|line| line.trim_start().starts_with("1.5") || line.trim_start().starts_with("1.6"));
    assert!(rows.count() >= 1, "the validation within the epoch has no row: {text}");
}

/// The loss after the last epoch, as it stands in the job's folder.
fn last_loss(job: &Path) -> String {
    let metrics = fs::read_to_string(job.join("metrics.jsonl")).unwrap();
    let mut events = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.rfind(|event| event["event"] == "validation").unwrap()["loss"].to_string()
}

#[test]
fn what_a_hook_draws_is_the_same_after_a_resume() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    fs::write(
        at("noisy.lua"),
        "local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 4)):add(nn.Linear(4, 784))\n\
         return { model = net, loss = nn.MSECriterion(), trainBatchSize = 500, labelHook = function(input)\n\
         return input:view(input:size(1), -1) + torch.randn(1)[1] + math.random() end }\n",
    )
    .unwrap();
    let options = "--lr 0.0001 --lr-policy fixed --solver adam --device cpu --autograd";
    well(folder.path(), &format!("run noisy.lua --epochs 2 --job whole {options}"));
    well(folder.path(), &format!("run noisy.lua --epochs 1 --job halves {options}"));
    let half = last_loss(&at("halves"));
    well(folder.path(), "run --resume halves --epochs 2");
    assert_eq!(last_loss(&at("whole")), last_loss(&at("halves")));
    assert_ne!(half, last_loss(&at("halves")));
}
