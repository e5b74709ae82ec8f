//! Looking: networks, datasets, machines and trained jobs, through the program; what `--json` prints is one JSON value
//! and nothing else.

use std::{fs, path::Path};

use digits::data::{
    Encoding, Image, Resize, Silent,
    create::{CreateOptions, create},
    folder::{Item, Lists},
};
use serde_json::Value;

use crate::job::{NETWORK, printed as run, program, workshop};

/// The same with `--json`, read.
fn json(folder: &Path, arguments: &str) -> Value {
    let text = run(folder, &format!("{arguments} --json"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments}: {error} in\n{text}"))
}

/// A folder with a network file and a dataset `set` of ten grey classes, 40 images to train on and 20 to validate.
fn small_workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("net.lua"), NETWORK).unwrap();
    let items =
        |count| (0..count).map(|index| Item { name: format!("{index}.png"), label: index % 10, index }).collect();
    let labels = (0..10).map(|class| class.to_string()).collect();
    let lists = Lists { labels, train: items(40), val: items(20), test: vec![], left_out: vec![], small: vec![] };
    let load = |item: &Item| {
        Ok(Image { width: 28, height: 28, channels: 1, pixels: vec![25 * item.label as u8; 28 * 28] }.into())
    };
    let (resize, encoding) = (Resize::Squash, Encoding::Png);
    let options = CreateOptions { shape: [1, 28, 28], resize, encoding, seed: 0, shuffle: true };
    create(&folder.path().join("set"), &lists, &load, options, &Silent, &|_| Ok(())).unwrap();
    folder
}

fn white(path: &Path) {
    image::GrayImage::from_pixel(28, 28, image::Luma([255])).save(path).unwrap();
}

#[test]
fn a_network_a_dataset_and_the_machine_are_described_in_json() {
    let folder = workshop();
    let check = json(folder.path(), "check net.lua --input-shape 1x28x28 --batch 2");
    assert_eq!(check["input"], serde_json::json!([2, 1, 28, 28]));
    assert_eq!((&check["criterion"], &check["totals"]["parameters"]), (&"nn.MSECriterion".into(), &19612.into()));
    let info = json(folder.path(), "dataset info datasets/mnist-sample");
    assert_eq!((&info["kind"], &info["shape"]), (&"classification".into(), &serde_json::json!([1, 28, 28])));
    let records: u64 = info["splits"].as_array().unwrap().iter().map(|split| split["entries"].as_u64().unwrap()).sum();
    assert_eq!(records, 10_000);
    let info = json(folder.path(), "dataset info datasets/mnist-sample --explore 4");
    assert_eq!(info["labels"].as_array().unwrap().len(), 10);
    assert!(folder.path().join("explore.png").is_file());
    let doctor = json(folder.path(), "doctor");
    assert!(doctor["libtorch"]["version"].as_str().unwrap().starts_with("2.11."));
}

#[test]
fn a_reconstruction_is_tested_and_exported_in_json() {
    let folder = small_workshop();
    let at = |name: &str| folder.path().join(name);
    run(folder.path(), "run net.lua --dataset set --epochs 1 --job j --device cpu");
    white(&at("white.png"));
    let image = json(folder.path(), "test j white.png");
    let one = &image["result"];
    assert_eq!(one["layers"].as_array().unwrap().len(), 9);
    let error = one["reconstruction"]["mean_squared_error"].as_f64().unwrap();
    assert_eq!(image["written"]["files"][0], "index.html");
    for name in image["written"]["files"].as_array().unwrap() {
        let path = Path::new(image["written"]["folder"].as_str().unwrap()).join(name.as_str().unwrap());
        assert!(path.is_file() && path.starts_with(fs::canonicalize(at("j/test-white")).unwrap()), "{path:?}");
    }
    let text = run(folder.path(), "test j white.png");
    assert!(text.starts_with("reconstruction error ") && text.contains("test-white/index.html and "), "{text}");
    let written: Value = serde_json::from_str(&fs::read_to_string(at("j/test-white/report.json")).unwrap()).unwrap();
    assert_eq!(written["reconstruction"]["mean_squared_error"].as_f64(), Some(error), "the same numbers every time");

    let database = json(folder.path(), "test j --db set/val_db");
    assert_eq!(database["result"]["mean_loss"]["images"], 20);
    assert_eq!(database["written"], Value::Null);
    fs::write(at("list.txt"), "white.png\nmissing.png\n").unwrap();
    let list = json(folder.path(), "test j --list list.txt");
    assert_eq!(list["tested"][0]["output"].as_array().unwrap().len(), 784);
    assert_eq!((&list["not_tested"][0]["image"], &list["classification"]), (&"missing.png".into(), &Value::Null));

    let export = json(folder.path(), "export j --format onnx --out model.onnx");
    assert_eq!((&export["file"], &export["format"]), (&"model.onnx".into(), &"onnx".into()));
    assert_eq!(export["bytes"].as_u64(), Some(at("model.onnx").metadata().unwrap().len()));
    assert!(run(folder.path(), "export j").starts_with("j/model.safetensors ("));
}

/// A classifier whose layers are in a file beside it, with a class' name that a spreadsheet would misread.
#[test]
fn a_job_with_a_neighbour_is_tested_and_exported_without_the_neighbour() {
    let folder = small_workshop();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("nets")).unwrap();
    fs::write(at("nets/layers.lua"), "return function(n) return nn.Linear(784, n) end\n").unwrap();
    let file = "local linear = require 'layers'\n\
        return function(params)\n\
        local net = nn.Sequential():add(nn.MulConstant(0.004)):add(nn.View(-1):setNumInputDims(3))\n\
        return { model = net:add(linear(params.nclasses)):add(nn.LogSoftMax()) }\n\
        end\n";
    for (name, job) in [("nets/net.lua", "below"), ("beside.lua", "beside")] {
        fs::write(at(name), file).unwrap();
        run(folder.path(), &format!("run {name} --dataset set --epochs 1 --job {job} --device cpu"));
        white(&at("white, old.png"));
        fs::write(at("list.txt"), "white, old.png 3\n").unwrap();
        let list = json(folder.path(), &format!("test {job} --list list.txt --top 2"));
        assert_eq!((&list["tested"][0]["class"], &list["classification"]["images"]), (&3.into(), &1.into()));
        assert_eq!(list["tested"][0]["predictions"].as_array().unwrap().len(), 2);
        let csv = fs::read_to_string(at(list["table"].as_str().unwrap())).unwrap();
        assert!(csv.lines().nth(1).unwrap().starts_with("\"white, old.png\",1,"), "{csv}");
        let export = json(folder.path(), &format!("export {job} --format t7"));
        // From a folder where the name of the network file leads nowhere.
        let there = json(folder.path().join("set").as_path(), &format!("export ../{job} --format t7"));
        assert_eq!(there["bytes"], export["bytes"]);
        assert!(export["bytes"].as_u64().unwrap() > 784 * 10 * 4);
        // The second network's neighbour lies where the program is started.
        fs::copy(at("nets/layers.lua"), at("layers.lua")).unwrap();
    }
    fs::remove_file(at("nets/layers.lua")).unwrap();
    // The job keeps the file that it was trained with.
    assert!(json(folder.path(), "export below --format t7")["bytes"].as_u64().unwrap() > 784 * 10 * 4);
}

/// The built-in sample is found from another working directory, and not unpacked there a second time.
#[test]
fn a_job_of_the_sample_is_exported_and_gone_on_with_from_anywhere() {
    let folder = workshop();
    let text = run(folder.path(), "run net.lua --epochs 1 --job j --device cpu");
    assert!(text.contains(" on datasets/mnist-sample, job j"), "{text}");
    let record: Value = serde_json::from_slice(&fs::read(folder.path().join("j/job.json")).unwrap()).unwrap();
    let sample = fs::canonicalize(folder.path()).unwrap().join("datasets/mnist-sample");
    assert_eq!(fs::canonicalize(record["settings"]["dataset"].as_str().unwrap()).unwrap(), sample);
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    assert!(run(&elsewhere, "export ../j").starts_with("../j/model.safetensors ("));
    run(&elsewhere, "run --resume ../j --epochs 2");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "nothing is made here");
}

/// Refused, where it used to be passed over.
#[test]
fn a_run_that_goes_on_is_no_sweep_and_a_sweep_has_no_snapshots() {
    let folder = small_workshop();
    run(folder.path(), "run net.lua --dataset set --epochs 1 --lr 0.1,0.01 --job s --device cpu");
    for (arguments, words) in [
        ("run --resume s --from-snapshot 1", "usage error: s is a sweep, which has no snapshots of its own"),
        ("run --resume s/lr0.1 --lr 0.1,0.01", "usage error: a run that goes on cannot become a sweep"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = program(folder.path(), &arguments).output().unwrap();
        let page = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), page.starts_with(words)), (Some(2), true), "{page}");
    }
}
