//! HDF5 input beside h5py: files as DIGITS wrote them give the records that were put in, and the training that the same
//! records give from LMDB. Needs the Python of `tests/it/python.rs`.

use std::{fs, path::Path};

use digits::{
    data::{Dataset, Records, Target, Values},
    job::JobView,
};

use crate::{
    job::program,
    python::python,
    sets::{self, Label},
    tree,
};

const SHAPE: [i64; 3] = [3, 6, 5];

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// All pixels, and all integer labels.
fn read(records: &Records) -> (Vec<f32>, Vec<f32>) {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for index in 0..records.len() {
        let sample = records.get(index).unwrap();
        assert_eq!(sample.image.shape, SHAPE);
        pixels.extend(sample.image.values.to_floats());
        let Target::Label(label) = sample.target else { panic!("an integer") };
        labels.push(label as f32);
    }
    (pixels, labels)
}

#[test]
fn every_layout_gives_the_records_that_were_put_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if python("hdf5.py", &["write", path.to_str().unwrap()]).is_none() {
        return;
    }
    let wanted = (floats(&path.join("data.raw")), floats(&path.join("label.raw")));
    for name in ["plain.h5", "gzip.h5", "contiguous.h5", "bytes.h5", "digits/train_db", "digits/train_db/list.txt"] {
        let records = Records::open(&path.join(name), None).unwrap();
        assert_eq!((records.len(), records.shape()), (37, SHAPE), "{name}");
        assert_eq!(read(&records), wanted, "{name}");
        // Pixels are kept as bytes, a quarter of the file's memory.
        assert!(matches!(records.get(0).unwrap().image.values, Values::Bytes(_)), "{name}");
        let labels: Vec<f32> = records.labels().unwrap().into_iter().map(|label| label as f32).collect();
        assert_eq!(labels, wanted.1, "{name}");
        assert!(records.get(37).is_err(), "{name}");
    }
    let dataset = Dataset::open(&path.join("digits")).unwrap();
    assert_eq!((dataset.shape, dataset.labels.len()), (SHAPE, 4));
    let records = dataset.train().unwrap();
    assert_eq!(&*records.key(21).unwrap(), b"20.h5:1");
    assert_ne!(dataset.fingerprint().unwrap().word(), "");

    // Fractions and vectors stay what they are.
    let records = Records::open(&path.join("vectors.h5"), None).unwrap();
    let sample = records.get(3).unwrap();
    assert_eq!(sample.image.values.to_floats()[0], wanted.0[3 * 90] / 7.0);
    let Target::Planes(label) = sample.target else { panic!("a vector") };
    assert_eq!(label.values.to_floats(), [wanted.1[3] / 3.0, wanted.1[3]]);
}

#[test]
fn scripts_read_what_h5py_writes_and_write_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    if python("hdf5.py", &["write", folder.path().to_str().unwrap()]).is_none() {
        return;
    }
    let script = tree::root().join("tests/scripts/hdf5.lua");
    let arguments = ["th", "--trusted", script.to_str().unwrap(), folder.path().to_str().unwrap()];
    let run = program(folder.path(), &arguments).output().unwrap();
    let output = String::from_utf8_lossy(&run.stdout);
    assert!(output.contains("hdf5 ok"), "{output}{}", String::from_utf8_lossy(&run.stderr));
    python("hdf5.py", &["check", folder.path().to_str().unwrap()]).unwrap();
}

#[test]
fn training_on_hdf5_is_training_on_the_same_records_in_lmdb() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if python("hdf5.py", &["write", path.to_str().unwrap()]).is_none() {
        return;
    }
    let (pixels, labels) = read(&Records::open(&path.join("gzip.h5"), None).unwrap());
    let bytes = |chunk: &[f32]| chunk.iter().map(|&v| v as u8).collect();
    let made: Vec<sets::Made> =
        pixels.chunks(90).zip(labels).map(|(chunk, label)| (bytes(chunk), Label::Class(label as i32))).collect();
    let lmdb = sets::write(path, SHAPE, 4, &made).join(" ");
    fs::write(
        path.join("net.lua"),
        "return function(p) return { model = nn.Sequential():add(nn.MulConstant(0.01)):add(nn.View(90))\
         :add(nn.Linear(90, p.nclasses)):add(nn.LogSoftMax()), trainBatchSize = 8, validationBatchSize = 8 } end",
    )
    .unwrap();
    let run = |job: &str, data: &str| -> Vec<f64> {
        let line = format!("run net.lua --job {job} --device cpu --threads 1 --epochs 3 --memory 0 {data}");
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let run = program(path, &arguments).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        JobView::open(&path.join(job)).unwrap().events().unwrap().iter().filter_map(|event| event.loss).collect()
    };
    let wanted = run("lmdb", &lmdb);
    assert!(wanted.len() > 4);
    let names = "--mean mean.binaryproto --labels labels.txt";
    assert_eq!(run("file", &format!("--train-db gzip.h5 --val-db plain.h5 {names}")), wanted);
    assert_eq!(run("folder", &format!("--train-db digits/train_db --val-db digits/train_db {names}")), wanted);
}
