//! A job is whole: it is tested, exported, packed and unpacked without its dataset and its network file's folder, and goes
//! on only with the data that it began with. And what its network file prints is heard.

use std::fs;

use digits::{data::Image, job::JobView};

use crate::job::{page, program, well, workshop};

/// A classifier whose last layer is made by a file beside it, which a hook requires a second one of.
const NETWORK: &str = "print('at the top')\n\
    local part = require 'parts.last'\n\
    return function(params)\n\
      print('in the function', params.nclasses)\n\
      local net = nn.Sequential():add(nn.MulConstant(0.00390625)):add(nn.View(-1):setNumInputDims(3))\n\
      net:add(part(784, params.nclasses)):add(nn.LogSoftMax())\n\
      return { model = net, trainBatchSize = 500, validationBatchSize = 500, labelHook = function(input, label)\n\
        require 'late'\n\
        return label\n\
      end }\n\
    end\n";

#[test]
fn a_job_needs_neither_its_dataset_nor_its_network_s_folder_and_refuses_changed_data() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("nets/parts")).unwrap();
    fs::write(at("nets/net.lua"), NETWORK).unwrap();
    fs::write(at("nets/parts/last.lua"), "return function(a, b) return nn.Linear(a, b) end\n").unwrap();
    fs::write(at("nets/late.lua"), "print('late') io.write('half ') io.stderr:write('a line')\n").unwrap();
    fs::rename(at("datasets/mnist-sample"), at("set")).unwrap();
    Image { width: 28, height: 28, channels: 1, pixels: vec![90; 784] }.save_png(&at("a.png")).unwrap();
    let printed = well(folder.path(), "run nets/net.lua --dataset set --epochs 1 --lr 0.05 --job j --device cpu");
    // Its prints, in order, on the terminal and in the log.
    let log = fs::read_to_string(at("j/log.txt")).unwrap();
    for text in [&printed, &log] {
        let places: Vec<usize> = ["at the top", "in the function\t10", "late", "half a line"]
            .map(|line| text.find(line).unwrap_or_else(|| panic!("{line} is missing in {text}")))
            .to_vec();
        assert!(places.is_sorted(), "{text}");
    }
    for name in ["preprocessing.json", "mean.binaryproto", "beside/parts/last.lua", "beside/late.lua"] {
        assert!(at("j").join(name).is_file(), "{name}");
    }
    well(folder.path(), "test j a.png");
    let before = fs::read(at("j/test-a/report.json")).unwrap();
    well(folder.path(), "export j --format onnx --out a.onnx");

    // Another machine: a copy, and nothing that it was made of.
    well(folder.path(), "pack j --out j.tar.gz");
    fs::rename(at("set"), at("moved")).unwrap();
    fs::rename(at("nets"), at("nets-moved")).unwrap();
    fs::rename(at("j"), at("j-moved")).unwrap();
    well(folder.path(), "unpack j.tar.gz j");
    fs::remove_dir_all(at("j-moved")).unwrap();
    let text = well(folder.path(), "test j a.png");
    assert!(!text.contains("note:"), "{text}");
    let report = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let again = fs::read(at("j/test-a/report.json")).unwrap();
    assert_eq!(report(&again)["predictions"], report(&before)["predictions"]);
    well(folder.path(), "export j --format onnx --out b.onnx");
    let same = |a: &str, b: &str| fs::read(at(a)).unwrap() == fs::read(at(b)).unwrap();
    assert!(same("a.onnx", "b.onnx"));

    // It goes on with the dataset, wherever that lies now, and with no other.
    let gone = page(folder.path(), "run --resume j --epochs 2");
    assert!(gone.contains("is not where it was") && gone.contains("--resume j --dataset DIR"), "{gone}");
    well(folder.path(), "run --resume j --epochs 2 --dataset moved --device cpu");
    assert_eq!(JobView::open(&at("j")).unwrap().snapshots().unwrap().len(), 2);
    let labels = fs::read_to_string(at("moved/labels.txt")).unwrap();
    let turned: Vec<&str> = labels.lines().rev().collect();
    fs::write(at("moved/labels.txt"), turned.join("\n")).unwrap();
    let changed = page(folder.path(), "run --resume j --epochs 3");
    assert!(changed.contains("the dataset has changed since the run began"), "{changed}");
    // A test keeps to the labels that the network learned.
    let after = well(folder.path(), "test j a.png --json");
    let names = |text: &str| report(text.as_bytes())["result"]["predictions"].clone();
    let told = names(&after);
    assert!(told.as_array().unwrap().iter().all(|p| p["label"] == p["class"].to_string().as_str()), "{told}");

    // A job of before opens with its dataset, and says so.
    for name in ["preprocessing.json", "mean.binaryproto"] {
        fs::remove_file(at("j").join(name)).unwrap();
    }
    let old = well(folder.path(), "test j a.png");
    assert!(old.contains("they were read from") && old.contains("has changed since the job was trained"), "{old}");
}

#[test]
fn what_is_no_job_says_what_it_is() {
    let folder = workshop();
    fs::write(folder.path().join("j.tar.gz"), "x").unwrap();
    let text = page(folder.path(), "test j.tar.gz net.lua");
    assert!(text.contains("digits-rs unpack j.tar.gz"), "{text}");
    let text = page(folder.path(), "unpack j.tar.gz");
    assert!(text.contains("the archive cannot be read") && !folder.path().join("jobs/j").exists(), "{text}");
}

#[test]
fn a_print_is_heard_in_check_and_before_an_error() {
    let folder = workshop();
    fs::write(folder.path().join("bad.lua"), "print('one')\nio.write('two')\nerror('three')\n").unwrap();
    fs::write(
        folder.path().join("good.lua"),
        "print('one')\nreturn { model = nn.Linear(2, 2), loss = nn.MSECriterion() }\n",
    )
    .unwrap();
    for command in ["check bad.lua", "run bad.lua --device cpu"] {
        let text = page(folder.path(), command);
        let places = ["one\n", "two\n", "Lua error"].map(|word| text.find(word));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{command}: {text}");
    }
    assert!(well(folder.path(), "check good.lua").starts_with("one\n"));
    let output = program(folder.path(), &["check", "good.lua", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "one\n");
    serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
}
