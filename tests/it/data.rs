//! Datasets beside other software: py-lmdb, Google's protobuf and Pillow read ours, and we read theirs.
//!
//! Needs the Python of `tests/it/python.rs`.

use std::{fs, path::Path};

use digits::data::{
    Dataset, Decoded, Encoding, Image, Mean, MnistOptions, Parts, Random, Records, Resize, Silent, Target, Values,
    create::{CreateOptions, create, load_file},
    folder::{FolderOptions, parse},
    idx::Idx,
    sample,
};

/// Runs `tests/python/caffe_lmdb.py`; answers false when there is no Python for it, which is allowed outside CI.
#[must_use]
fn python(arguments: &[&str]) -> bool {
    crate::python::python("caffe_lmdb.py", arguments).is_some()
}

fn bytes(records: &Records) -> Vec<u8> {
    let mut all = Vec::new();
    for index in 0..records.len() {
        match records.get(index).expect("a whole record").image.values {
            Values::Bytes(values) => all.extend(values),
            Values::Floats(_) => panic!("pixels are bytes"),
        }
    }
    all
}

#[test]
fn we_read_what_others_write() {
    let folder = tempfile::tempdir().unwrap();
    if !python(&["write", folder.path().to_str().unwrap()]) {
        return;
    }
    for (name, shape, tolerance) in [
        ("grey_raw", [1, 6, 5], 0),
        ("grey_png", [1, 6, 5], 0),
        ("colour_raw", [3, 4, 7], 0),
        ("colour_png", [3, 4, 7], 0),
        // Two JPEG decoders may differ by rounding; colours also by the way they enlarge the chroma planes.
        ("grey_jpg", [1, 16, 16], 1),
        ("colour_jpg", [3, 16, 16], 12),
    ] {
        let records = Records::open(&folder.path().join(name), None).unwrap();
        assert_eq!((records.len(), records.shape()), (25, shape), "{name}");
        let expected = fs::read(folder.path().join(format!("{name}.pixels"))).unwrap();
        let found = bytes(&records);
        assert_eq!(found.len(), expected.len(), "{name}");
        let worst = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= tolerance, "{name}: off by {worst}");
        assert_eq!(records.labels().unwrap()[..4], [0, 1, 2, 0], "{name}");
    }
    let mean = Mean::read(&folder.path().join("mean.binaryproto")).unwrap();
    assert_eq!(mean.shape, [3, 4, 7]);
    assert_eq!(mean.values, floats(&folder.path().join("mean.values")));

    let parts = Parts {
        train: Some(folder.path().join("images")),
        train_labels: Some(folder.path().join("labels")),
        ..Parts::default()
    };
    let records = Dataset::from_parts(&parts).unwrap().train().unwrap();
    // Byte order of the keys: 0, 1, 10, 11, 2, …
    assert_eq!(*records.key(2).unwrap(), *b"10");
    let sample = records.get(2).unwrap();
    assert_eq!(sample.image.values, Values::Bytes(vec![10; 4]));
    let Target::Planes(label) = sample.target else { panic!("a label record") };
    assert_eq!(label.values, Values::Floats(vec![10.0, 1.25]));
}

#[test]
fn others_read_what_we_write() {
    let root = tempfile::tempdir().unwrap();
    let images = root.path().join("images");
    for (class, offset) in [("one", 0u8), ("two", 90)] {
        fs::create_dir_all(images.join(class)).unwrap();
        for i in 0..20u8 {
            let pixels = (0..8 * 6 * 3).map(|j| (j as u8).wrapping_mul(7).wrapping_add(i * 5 + offset)).collect();
            let image = Image { width: 8, height: 6, channels: 3, pixels };
            image.save_png(&images.join(class).join(format!("{i:02}.png"))).unwrap();
        }
    }
    for channels in [1, 3] {
        for encoding in [Encoding::Png, Encoding::None] {
            let out = root.path().join(format!("{channels}{encoding:?}"));
            let lists = parse(&images, &FolderOptions::default()).unwrap();
            let options =
                CreateOptions { shape: [channels, 6, 8], resize: Resize::Squash, encoding, seed: 1, shuffle: true };
            create(&out, &lists, &load_file, options, &Silent, &|_| Ok(())).unwrap();
            let dataset = Dataset::open(&out).unwrap();
            let records = dataset.train().unwrap();
            assert_eq!((records.len(), dataset.val().unwrap().len()), (30, 10));
            let ours = bytes(&records);
            let values = root.path().join("values");
            let text = |path: &Path| path.to_str().unwrap().to_string();
            if !python(&["read", &text(&out.join("train_db")), &text(&values)]) {
                return;
            }
            assert_eq!(fs::read(&values).unwrap(), ours, "{channels} {encoding:?}");

            assert!(python(&["mean", &text(&out.join("mean.binaryproto")), &text(&values)]));
            let size = (channels * 48) as usize;
            let exact = |i: usize| {
                let sum: u32 = ours.iter().skip(i).step_by(size).map(|&v| u32::from(v)).sum();
                (f64::from(sum) / 30.0).round_ties_even() as f32
            };
            // Blue, green, red in the file.
            let expected: Vec<f32> =
                (0..channels as usize).rev().flat_map(|c| (c * 48..(c + 1) * 48).map(exact)).collect();
            assert_eq!(floats(&values), expected);
        }
    }
}

#[test]
fn images_load_and_resize_as_in_digits() {
    let folder = tempfile::tempdir().unwrap();
    if !python(&["images", folder.path().to_str().unwrap()]) {
        return;
    }
    let text = fs::read_to_string(folder.path().join("expected.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 60);
    for case in cases {
        let name = case["image"].as_str().unwrap();
        let mut image = Image::open(&folder.path().join(name)).unwrap();
        // Files of one kind are decoded to the same bits; JPEG decoders round differently, and so do the resizers.
        let mut tolerance = if name.ends_with("jpg") { 4 } else { 0 };
        match case["kind"].as_str().unwrap() {
            "grey" => image = image.with_channels(1),
            "resize" => {
                tolerance += 1;
                let side = |name: &str| case[name].as_u64().unwrap() as usize;
                let mode = match case["mode"].as_str().unwrap() {
                    "squash" => Resize::Squash,
                    "crop" => Resize::Crop,
                    "fill" => Resize::Fill,
                    _ => Resize::HalfCrop,
                };
                image = image.resized(side("width"), side("height"), mode, &mut Random::new(&[0])).unwrap();
            }
            _ => {}
        }
        assert_eq!(case["shape"], serde_json::json!([image.height, image.width, image.channels]), "{case}");
        let values = fs::read(folder.path().join(case["values"].as_str().unwrap())).unwrap();
        let expected = values.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
        // −1 marks padding, which is noise.
        let difference = |(&a, b): (&u8, i16)| if b < 0 { 0 } else { (i16::from(a) - b).abs() };
        let worst = image.pixels.iter().zip(expected).map(difference).max().unwrap();
        assert!(worst <= tolerance, "{case}: off by {worst}");
    }
    // What DIGITS refuses, grey of 16 bits, is kept here.
    assert!(Decoded::open(&folder.path().join("refused.png")).unwrap().is_deep());
}

#[test]
fn the_sample_is_made_once_and_by_one_of_two() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("sample");
    std::thread::scope(|scope| {
        let made: Vec<_> = (0..2).map(|_| scope.spawn(|| sample::ensure(&dir))).collect();
        for thread in made {
            assert_eq!(thread.join().unwrap().unwrap(), dir);
        }
    });
    let dataset = Dataset::open(&dir).unwrap();
    assert_eq!((dataset.shape, dataset.labels.len()), ([1, 28, 28], 10));
    let (train, val) = (dataset.train().unwrap(), dataset.val().unwrap());
    assert_eq!(train.len() + val.len(), 10_000);
    // Digits are black on white: the corner's mean is white.
    assert_eq!(dataset.mean.as_ref().unwrap().values[0], 255.0);
    let before = fs::metadata(dir.join("dataset.json")).unwrap().modified().unwrap();
    sample::ensure(&dir).unwrap();
    assert_eq!(fs::metadata(dir.join("dataset.json")).unwrap().modified().unwrap(), before);
    assert_eq!(dataset.fingerprint().unwrap(), Dataset::open(&dir).unwrap().fingerprint().unwrap());
    assert!(root.path().read_dir().unwrap().count() == 1, "nothing else is left behind");
    let before_change = dataset.fingerprint().unwrap();
    // A pixel in the middle is another dataset, of the same length.
    let database = dir.join("train_db/data.mdb");
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096 + 2000;
    bytes[middle] ^= 1;
    fs::write(&database, bytes).unwrap();
    assert!(!Dataset::open(&dir).unwrap().fingerprint().unwrap().is(before_change.word()));
}

#[test]
fn one_seed_makes_one_database_and_another_seed_another() {
    let root = tempfile::tempdir().unwrap();
    let images = [&[0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 2][..], &(0..80).collect::<Vec<u8>>()].concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 40][..], &(0..40).map(|i| i % 2).collect::<Vec<u8>>()].concat();
    let idx = Idx::parse(&images, &labels).unwrap();
    let make = |name: &str, seed: u64| {
        let out = root.path().join(name);
        let options = MnistOptions { seed, invert: false, ..MnistOptions::default() };
        options.create(&out, &idx, Some(&idx), 3, &Silent).unwrap();
        assert_eq!(fs::read(out.join("test/1/00001.png")).unwrap()[..4], *b"\x89PNG");
        (Dataset::open(&out).unwrap().fingerprint().unwrap(), fs::read(out.join("train.txt")).unwrap())
    };
    let first = make("a", 1);
    assert_eq!(first, make("b", 1));
    assert_ne!(first, make("c", 2));
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).expect("the file was just written");
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}
