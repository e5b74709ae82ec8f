//! Data as people have it and the answers to it: texts, 16 bits a pixel, arrays, classes at each pixel, archives.

use std::{fs, path::Path};

use digits::data::{Dataset, DeepImage, Image};
use serde_json::Value;

use crate::job::{page, printed, well};

/// A network file of `layers`, with the rest of what it returns.
fn network(folder: &Path, name: &str, layers: &str, rest: &str) {
    let text = format!(
        "return function(params)\nlocal net = nn.Sequential()\n{layers}\nreturn {{ model = net, {rest} }}\nend\n"
    );
    fs::write(folder.join(name), text).unwrap();
}

/// The JSON that a command prints.
fn answer(folder: &Path, arguments: &str) -> Value {
    serde_json::from_str(&printed(folder, arguments)).unwrap()
}

#[test]
fn texts_are_made_into_records_learned_and_tested() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let rows: String = (0..40).map(|i| format!("1,\"aaa bbb {i}\"\n2,\"zzz, yyy {i}\"\n")).collect();
    fs::write(here.join("train.csv"), rows + ",lost\n").unwrap();
    fs::write(here.join("labels.txt"), "First\nLast\n").unwrap();
    let made = well(here, "dataset text --train train.csv --labels labels.txt --length 16 --out set");
    for words in [
        "classes count from 1",
        "80 texts in 2 classes: 60 to train on, 20 to validate",
        "left out 1 images or lines",
        "--subtract-mean none",
    ] {
        assert!(made.contains(words), "{words} is missing in\n{made}");
    }
    let layers = "net:add(nn.View(-1):setNumInputDims(3)):add(nn.LookupTable(71, 4)):add(nn.View(-1):setNumInputDims(2))\n\
        net:add(nn.Linear(64, params.nclasses)):add(nn.LogSoftMax())";
    network(here, "net.lua", layers, "trainBatchSize = 10");
    well(here, "run net.lua --dataset set --subtract-mean none --epochs 10 --lr 0.1 --job j --device cpu");
    let tested = answer(here, "test j --db set --json");
    assert_eq!(tested["result"]["classification"]["accuracy"], 1.0, "{tested}");
    // A text alone, and a folder of them: a job of texts knows them.
    fs::create_dir_all(here.join("notes/Last")).unwrap();
    fs::write(here.join("notes/Last/z.txt"), "Zzz, yyy 3").unwrap();
    let one = well(here, "test j notes/Last/z.txt");
    assert!(one.lines().next().is_some_and(|line| line.ends_with("Last")), "{one}");
    let all = answer(here, "test j notes --json");
    assert_eq!((&all["classification"]["accuracy"], &all["tested"][0]["class"]), (&1.0.into(), &1.into()), "{all}");
}

#[test]
fn sixteen_bits_are_the_same_in_training_test_mean_and_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (class, base) in [("dim", 3_000u16), ("bright", 50_001)] {
        fs::create_dir_all(here.join("images").join(class)).unwrap();
        for i in 0..4u16 {
            let pixels = (0..16).map(|at| base + 101 * i + 7 * at).collect();
            let image = DeepImage { width: 4, height: 4, pixels };
            fs::write(here.join("images").join(class).join(format!("{i}.png")), image.png().unwrap()).unwrap();
        }
    }
    let made = well(here, "dataset folder images --size 4x4 --channels 1 --out set");
    assert!(!made.contains("reduced"), "{made}");
    well(here, "dataset folder images --size 4x4 --channels 1 --encoding none --out raw");
    let (set, raw) = (Dataset::open(&here.join("set")).unwrap(), Dataset::open(&here.join("raw")).unwrap());
    let (records, others) = (set.train().unwrap(), raw.train().unwrap());
    let mut sums = [0f64; 16];
    for index in 0..records.len() {
        let values = records.get(index).unwrap().image.values.to_floats();
        assert_eq!(values, others.get(index).unwrap().image.values.to_floats(), "PNG and raw numbers");
        sums.iter_mut().zip(&values).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let mean: Vec<f32> = sums.iter().map(|sum| (sum / records.len() as f64) as f32).collect();
    let kept = &set.mean.as_ref().unwrap().values;
    assert!(kept.iter().zip(&mean).all(|(a, b)| (a - b).abs() < 1e-4 && a.fract() != 0.0), "{kept:?} {mean:?}");
    assert_eq!(kept, &raw.mean.as_ref().unwrap().values);
    well(here, "dataset info set --explore 4");
    let reduced = well(here, "dataset folder images --size 4x4 --channels 3 --out colour");
    assert!(reduced.contains("8 images have 16 bits a pixel and were reduced to 8"), "{reduced}");

    network(
        here,
        "net.lua",
        "net:add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 2))",
        "loss = nn.CrossEntropyCriterion(), trainBatchSize = 4",
    );
    well(here, "run net.lua --dataset set --epochs 1 --lr 0.00001 --job j --device cpu");
    let record = records.get(0).unwrap().image;
    let sought = DeepImage::from_planes(&record).unwrap();
    fs::write(here.join("one.png"), sought.png().unwrap()).unwrap();
    // The same values as an array of numpy.savez.
    let mut zip = zip::ZipWriter::new(fs::File::create(here.join("one.npz")).unwrap());
    zip.start_file("image.npy", zip::write::FileOptions::default()).unwrap();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4), }\n";
    let values: Vec<u8> = record.values.to_floats().iter().flat_map(|value| value.to_le_bytes()).collect();
    let length = (header.len() as u16).to_le_bytes();
    std::io::Write::write_all(&mut zip, &[b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &values].concat())
        .unwrap();
    zip.finish().unwrap();
    let of = |arguments: &str| answer(here, arguments)["result"]["predictions"].clone();
    let by_record = of("test j --db set/train_db --record 0 --json");
    assert_eq!(by_record.as_array().map(Vec::len), Some(2));
    assert_eq!(by_record, of("test j one.png --json"));
    assert_eq!(by_record, of("test j one.npz --json"));
    let coarse = here.join("coarse.png");
    sought.reduced().save_png(&coarse).unwrap();
    assert_ne!(by_record, of("test j coarse.png --json"), "8 bits are other numbers");
}

/// Photos and masks: the left half of a mask is class 0, the right one class 1, and its last column belongs to none.
fn masks(here: &Path, count: u8) {
    for name in ["photos", "masks"] {
        fs::create_dir_all(here.join(name)).unwrap();
    }
    for i in 0..count {
        let photo = (0..64u8).map(|at| if at % 8 < 4 { 20 + i } else { 200 + i }).collect();
        let mask = (0..64u8).map(|at| [0, 0, 0, 0, 1, 1, 1, 255][usize::from(at % 8)]).collect();
        for (name, pixels) in [("photos", photo), ("masks", mask)] {
            let image = Image { width: 8, height: 8, channels: 1, pixels };
            image.save_png(&here.join(name).join(format!("{i}.png"))).unwrap();
        }
    }
    fs::write(here.join("names.txt"), "sky\ntree\n").unwrap();
}

#[test]
fn classes_at_each_pixel_have_weights_and_pixels_of_none_are_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    masks(here, 8);
    let nameless =
        well(here, "dataset pairs --inputs photos --labels masks --classes --size 8x8 --channels 1 --out nameless");
    assert!(nameless.contains("--class-names FILE"), "{nameless}");
    let images = well(here, "dataset pairs --inputs photos --labels photos --size 8x8 --channels 1 --out images");
    assert!(!images.contains("note:"), "{images}");
    let made = well(
        here,
        "dataset pairs --inputs photos --labels masks --classes --class-names names.txt --size 8x8 --channels 1 --out set",
    );
    assert!(made.contains("pixels of 255 belong to no class") && made.contains("(nil, true, 256)"), "{made}");

    let layers = "net:add(nn.MulConstant(0.01)):add(nn.SpatialConvolution(1, 2, 1, 1)):add(nn.SpatialLogSoftMax())";
    network(here, "plain.lua", layers, "loss = nn.SpatialClassNLLCriterion(), trainBatchSize = 2");
    let text = page(here, "run plain.lua --dataset set --job plain --device cpu");
    assert!(text.contains("target 256 is no class from 1 to 2") && text.contains("(nil, true, 256)"), "{text}");
    let of_nameless = page(here, "run plain.lua --dataset nameless --job nothing --device cpu");
    assert!(
        of_nameless.contains("target 0 is no class") || of_nameless.contains("target 255 is no class"),
        "{of_nameless}"
    );

    let loss = "loss = nn.SpatialClassNLLCriterion(torch.Tensor{1, 3}, true, 256), trainBatchSize = 2";
    network(here, "net.lua", layers, loss);
    // Flips and crops move the masks as well: an image and its mask stay one thing.
    let run = "run net.lua --dataset set --subtract-mean none --epochs 30 --lr 0.5 --aug-flip fliplrud --crop 6 --job j --device cpu";
    let text = well(here, run);
    assert!(!text.contains("change the images alone"), "{text}");
    let tested = answer(here, "test j --db set --json");
    let pixels = &tested["result"]["segmentation"]["pixels"];
    assert_eq!(pixels["pixel_accuracy"], 1.0, "{tested}");
    // The middle 6 x 6 of 2 images, without the column of no class that is cut away already.
    assert_eq!(pixels["known_pixels"], 72, "{tested}");
    let whole = answer(here, "test j --db set --record 0 --json");
    assert_eq!(whole["result"]["view"]["segmentation"]["scores"]["pixel_accuracy"], 1.0, "{whole}");
    network(here, "whole.lua", layers, loss);
    well(here, "run whole.lua --dataset set --subtract-mean none --epochs 20 --lr 0.5 --job w --device cpu");
    let tested = answer(here, "test w --db set --json");
    assert_eq!(tested["result"]["segmentation"]["pixels"]["known_pixels"], 2 * 56, "{tested}");

    fs::write(here.join("photos/notes.md"), "").unwrap();
    fs::write(here.join("list.txt"), "photos/0.png\nphotos/1.png 9\n").unwrap();
    let text = well(here, "test w photos");
    for words in ["photos/3.png  sky 50.0 %  tree 50.0 %", "notes.md  not tested: its name", "8 images tested, 1 not"] {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    assert!(here.join("w/test-photos/0003-3-overlay.png").is_file());
    let text = well(here, "test w --list list.txt");
    assert!(text.contains("photos/1.png  without a class: line 2: '9' is none of the job's 2 classes"), "{text}");
    for format in ["onnx", "t7", "safetensors"] {
        well(here, &format!("export w --format {format}"));
    }
}

#[test]
fn a_class_that_the_loss_leaves_out_is_left_out_of_the_accuracy() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (class, level) in [("a", 10u8), ("b", 120), ("unknown", 60)] {
        fs::create_dir_all(here.join("images").join(class)).unwrap();
        for i in 0..8u8 {
            let image = Image { width: 4, height: 4, channels: 1, pixels: vec![level + i; 16] };
            image.save_png(&here.join("images").join(class).join(format!("{i}.png"))).unwrap();
        }
    }
    well(here, "dataset folder images --size 4x4 --channels 1 --out set");
    let layers =
        "net:add(nn.MulConstant(0.01)):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 3)):add(nn.LogSoftMax())";
    network(here, "net.lua", layers, "loss = nn.ClassNLLCriterion(torch.Tensor{1, 2, 1}, true, 3), trainBatchSize = 4");
    let text = well(here, "run net.lua --dataset set --epochs 40 --lr 0.1 --job j --device cpu");
    assert!(text.contains("accuracy"), "{text}");
    let tested = answer(here, "test j --db set --json");
    let result = &tested["result"]["classification"];
    assert_eq!((&result["accuracy"], &result["images"]), (&1.0.into(), &6.into()), "{tested}");
    let metrics = fs::read_to_string(here.join("j/metrics.jsonl")).unwrap();
    let last = metrics
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["accuracy"].as_f64())
        .next_back();
    assert_eq!(last, Some(1.0), "validation leaves the class out too");
    let listed = answer(here, "test j images --json");
    assert_eq!(listed["classification"]["accuracy"], 1.0, "{listed}");
    for format in ["onnx", "t7"] {
        well(here, &format!("export j --format {format}"));
    }
}

#[test]
fn a_cut_archive_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    // A gzip header and nothing behind it.
    fs::write(here.join("job.tar.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]).unwrap();
    let text = page(here, "unpack job.tar.gz");
    assert!(text.contains("the archive is cut off") && !text.contains("cannot write"), "{text}");
    assert!(!here.join("jobs").exists());
}
