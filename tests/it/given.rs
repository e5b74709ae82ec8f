//! What is given to a trained job and is not as what it learned from: it is taken with a remark, or refused with the reason.

use std::{fs, path::Path};

use digits::data::Image;

use crate::job::{page, well, workshop};

/// A classifier of ten classes that learns a little of anything in no time.
const CLASSIFIER: &str = "return function(params)\n\
    local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3))\n\
    net:add(nn.Linear(params.inputShape[1] * params.inputShape[2] * params.inputShape[3], params.nclasses))\n\
    return { model = net:add(nn.LogSoftMax()), trainBatchSize = 500 }\n\
    end\n";

/// Writes a `.npy` file of these numbers' bytes.
fn array(path: &Path, descr: &str, shape: &str, data: &[u8]) {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    fs::write(path, [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()).unwrap();
}

/// A folder of images a class, all pixels of one level.
fn photos(folder: &Path, channels: usize, side: usize) {
    for (class, level) in [("cat", 20u8), ("dog", 200)] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for i in 0..4u8 {
            let pixels = vec![level + i; side * side * channels];
            let image = Image { width: side, height: side, channels, pixels };
            image.save_png(&folder.join(class).join(format!("{i}.png"))).unwrap();
        }
    }
}

#[test]
fn arrays_and_databases_that_are_not_like_the_job_s_are_noted_or_refused() {
    let folder = workshop();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("c.lua"), CLASSIFIER).unwrap();
    well(folder.path(), "run c.lua --epochs 1 --job j --device cpu --subtract-mean none");

    let deep: Vec<u8> = (0..784u32).flat_map(|i| ((i * 83 % 65_536) as u16).to_le_bytes()).collect();
    array(&at("deep.npy"), "<u2", "28, 28", &deep);
    let text = well(folder.path(), "test j deep.npy");
    assert!(text.contains("note: deep.npy holds numbers from 0 to 6") && text.contains("divided by 257"), "{text}");
    let unit: Vec<u8> = (0..784).flat_map(|i| (i as f32 / 783.0).to_le_bytes()).collect();
    array(&at("unit.npy"), "<f4", "28, 28", &unit);
    let text = well(folder.path(), "test j unit.npy");
    assert!(text.contains("numbers from 0 to 1 where those of the job that were looked at have 0 to 255"), "{text}");
    array(&at("nan.npy"), "<f4", "28, 28", &f32::NAN.to_le_bytes().repeat(784));
    let text = well(folder.path(), "test j nan.npy");
    assert!(text.contains("784 numbers that are NaN"), "{text}");
    array(&at("bytes.npy"), "|u1", "28, 28", &[77; 784]);
    let text = well(folder.path(), "test j bytes.npy");
    assert!(!text.contains("note:"), "{text}");

    let text = page(folder.path(), "test j https://host/7.png");
    assert!(text.contains("addresses are not fetched"), "{text}");
    let text = page(folder.path(), "test j bytes.npy --view segmentation");
    assert!(text.contains("cannot be shown as segmentation") && text.contains("[classes, h, w]"), "{text}");

    // Classes in another order: a label is a number.
    let labels = fs::read_to_string(at("datasets/mnist-sample/labels.txt")).unwrap();
    let turned: Vec<&str> = labels.lines().rev().collect();
    let text = well(folder.path(), "test j --db datasets/mnist-sample");
    assert!(text.contains("accuracy") && !text.contains("note:"), "{text}");
    fs::write(at("datasets/mnist-sample/labels.txt"), turned.join("\n")).unwrap();
    let text = well(folder.path(), "test j --db datasets/mnist-sample");
    assert!(text.contains("class 0 is \"9\" there and \"0\" here"), "{text}");

    // Records of another size.
    photos(&at("photos"), 1, 8);
    well(folder.path(), "dataset folder photos --size 8x8 --channels 1 --out small");
    let text = page(folder.path(), "test j --db small/train_db --record 0");
    assert!(text.contains("1x8x8") && text.contains("1x28x28"), "{text}");
}

#[test]
fn a_job_of_four_channels_tests_the_photos_that_it_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    photos(&at("photos"), 3, 8);
    fs::write(at("c.lua"), CLASSIFIER).unwrap();
    well(folder.path(), "dataset folder photos --size 8x8 --channels 4 --out set");
    well(folder.path(), "run c.lua --dataset set --epochs 1 --job j --device cpu");
    let text = well(folder.path(), "test j photos");
    assert!(text.contains("8 images tested, 0 not") && text.contains("accuracy"), "{text}");
}

#[test]
fn pairs_are_tested_by_the_split_s_folder_and_their_pages_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["in", "out"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    for i in 0..8u8 {
        let image = |value: u8| Image { width: 8, height: 8, channels: 1, pixels: vec![value; 64] };
        image(20 * i).save_png(&at(&format!("in/{i}.png"))).unwrap();
        image(i % 2).save_png(&at(&format!("out/{i}.png"))).unwrap();
    }
    fs::write(at("names.txt"), "sky\nroad\n").unwrap();
    let make = "dataset pairs --inputs in --labels out --size 8x8 --channels 1 --classes --class-names names.txt";
    let text = page(folder.path(), &format!("{make} --out cut --resize crop"));
    assert!(text.contains("squash alone") && text.contains("crop"), "{text}");
    well(folder.path(), &format!("{make} --out set"));
    let text = well(folder.path(), "dataset info set");
    assert!(!text.lines().any(|line| line.contains("sky") && line.contains('6')), "it counts no classes: {text}");
    fs::write(
        at("seg.lua"),
        "local net = nn.Sequential():add(nn.SpatialConvolution(1, 2, 1, 1)):add(nn.SpatialLogSoftMax())\n\
         return { model = net, loss = nn.SpatialClassNLLCriterion() }\n",
    )
    .unwrap();
    well(folder.path(), "run seg.lua --dataset set --epochs 1 --job j --device cpu");
    let of_split = well(folder.path(), "test j --db set/val_db");
    let of_set = well(folder.path(), "test j --db set");
    assert!(of_split.contains("pixel accuracy") && of_set.contains("pixel accuracy"), "{of_split}{of_set}");

    fs::write(at("names.txt"), "sky\n").unwrap();
    for i in 0..8 {
        Image { width: 8, height: 8, channels: 1, pixels: vec![1; 64] }.save_png(&at(&format!("out/{i}.png"))).unwrap();
    }
    let text = page(folder.path(), &format!("{make} --out few"));
    assert!(text.contains("none of 6 pairs") && text.contains("a pixel is of class 1"), "{text}");
    assert!(text.contains("a line for each class"), "the help of what failed: {text}");
}

#[test]
fn rows_that_are_no_samples_are_named_by_check_and_by_the_run() {
    let folder = workshop();
    let text =
        "return { model = nn.Sequential():add(nn.View(-1, 392)):add(nn.Linear(392, 10)):add(nn.LogSoftMax()) }\n";
    fs::write(folder.path().join("halves.lua"), text).unwrap();
    let text = page(folder.path(), "check halves.lua --input-shape 1x28x28");
    assert!(text.contains("is not two outputs") && text.contains("cuts a sample into several"), "{text}");
    let text = page(folder.path(), "run halves.lua --job j --device cpu");
    assert!(text.contains("classes given") && text.contains("several rows of each sample"), "{text}");
    fs::write(
        folder.path().join("one.lua"),
        "return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 1)), \
         loss = nn.MSECriterion() }\n",
    )
    .unwrap();
    let text = well(folder.path(), "run one.lua --epochs 1 --lr 0.0000001 --job one --device cpu");
    assert!(text.contains("no accuracy is counted: the output is ["), "{text}");
    let text = well(folder.path(), "test one --db datasets/mnist-sample");
    assert!(text.contains("there are classes but no accuracy"), "{text}");
}
