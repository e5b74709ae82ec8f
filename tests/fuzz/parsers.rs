//! The readers as plain functions of bytes: what the generators here and libFuzzer (`coverage/`) attack.

#![allow(dead_code, reason = "neither the generators nor coverage/ take all of them")]

use std::{
    cell::RefCell,
    collections::HashSet,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use digits::{
    data::{
        Dataset, Decoded, Image, Mean, Records, Sample, datum as datum_record, folder, folder::FolderOptions, idx::Idx,
        lmdb::Database, npz, stack, texts,
    },
    error::Result,
    frontend::{NetworkParams, Source, lua, python, tensorflow_file},
    input::mat,
    job::{JobView, SweepRecord, file},
    torch::t7::Document,
    train::Snapshot,
};
use tempfile::TempDir;

/// Runs `read` in the folder of this thread, in memory where there is one: millions of files are written.
pub(crate) fn in_folder<T>(read: impl FnOnce(&Path) -> T) -> T {
    thread_local! {
        static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
    }
    FOLDER.with_borrow_mut(|kept| {
        let made = || tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder");
        read(kept.get_or_insert_with(made).path())
    })
}

/// Writes a file into a folder and answers its path.
pub(crate) fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a small file in a temporary folder");
    path
}

/// A record of a database.
pub(crate) fn datum(bytes: &[u8]) -> Result<()> {
    let _ = datum_record::label(bytes);
    datum_record::decode(bytes).map(drop)
}

/// A mean image.
pub(crate) fn mean(bytes: &[u8]) -> Result<()> {
    let mean = in_folder(|folder| Mean::read(&written(folder, "mean.binaryproto", bytes)))?;
    let _ = mean.pixel();
    mean.image().map(drop)
}

/// IDX images beside these labels, or labels beside these images.
pub(crate) fn idx(bytes: &[u8], images: &[u8], labels: &[u8]) -> Result<()> {
    let as_labels = Idx::parse(images, bytes);
    Idx::parse(bytes, labels).or(as_labels).map(drop)
}

/// A picture of any format.
pub(crate) fn pictures(bytes: &[u8]) -> Result<()> {
    Decoded::decode(bytes)?;
    stack::pages(bytes, 4)?;
    Image::decode(bytes).map(drop)
}

/// An archive of arrays, of which those of two sizes fit.
pub(crate) fn npz(bytes: &[u8]) -> Result<()> {
    let read = |folder: &Path| npz::read(&written(folder, "a.npz", bytes), |shape| shape.len() == 2, "two sizes");
    in_folder(read).map(drop)
}

/// Texts and their classes, and names of classes.
pub(crate) fn texts(bytes: &[u8]) -> Result<()> {
    in_folder(|folder| {
        let (whole, damaged) = (written(folder, "whole.csv", b"0,a\n1,b\n"), written(folder, "a.csv", bytes));
        let _ = texts::read(&whole, None, Some(&damaged), &FolderOptions::default());
        texts::read(&damaged, None, None, &FolderOptions::default()).map(drop)
    })
}

/// Class folders made by a recipe of three bytes for each image, text, link or odd thing. No file may be in a dataset twice.
pub(crate) fn folders(recipe: &[u8]) -> Result<()> {
    const PLACES: [&str; 13] =
        ["a/1", "a/2", "a/8", "b/1", "b/8", "b/d/1", "a/d/2", "c/1", "a/d", "b/d", "a", "c", "."];
    const ENDINGS: [&str; 4] = ["", ".pgm", ".png", ".txt"];
    in_folder(|all| {
        let root = all.join("classes");
        let _ = fs::remove_dir_all(&root);
        for name in ["a/8", "a/9", "b/8", "b/9"] {
            let file = root.join(name);
            fs::create_dir_all(file.parent().expect("it has one")).expect("a temporary folder");
            fs::write(file.with_extension("pgm"), b"P5 2 2 255\n1234").expect("a small file");
            fs::write(file.with_extension("txt"), "some text").expect("a small file");
        }
        let place = |byte: u8| {
            root.join(format!("{}{}", PLACES[usize::from(byte) % PLACES.len()], ENDINGS[usize::from(byte >> 6)]))
        };
        for step in recipe.chunks_exact(3).take(40) {
            let (to, from) = (place(step[1]), place(step[2]));
            let _ = to.parent().map(fs::create_dir_all);
            let odd: [&[u8]; 4] = [b"line\nbreak.pgm", b".hidden.txt", b"\xff.txt", b"\xff.pgm"];
            // What does not work, such as a file in the place of a folder, is not there.
            let _ = match step[0] % 8 {
                0 | 1 => fs::write(&to, b"P5 2 2 255\n1234"),
                2 => fs::write(&to, "some text"),
                3 => fs::write(&to, ""),
                4 | 5 => std::os::unix::fs::symlink(&from, &to),
                6 => fs::hard_link(&from, &to),
                _ => fs::write(
                    to.with_file_name(OsStr::from_bytes(odd[usize::from(step[2]) % odd.len()])),
                    "P5 1 1 255\n1",
                ),
            };
        }
        let images = folder::parse(&root, &FolderOptions::default());
        let texts = texts::read(&root, None, None, &FolderOptions::default());
        for lists in [images.as_ref().ok(), texts.as_ref().ok().map(|texts| &texts.lists)].into_iter().flatten() {
            let mut files = HashSet::new();
            for item in [&lists.train, &lists.val, &lists.test].into_iter().flatten() {
                let file = fs::metadata(&item.name).expect("a file that is there");
                assert!(files.insert((file.dev(), file.ino())), "{} is there twice", item.name);
            }
        }
        images.and(texts.map(drop))
    })
}

/// HDF5 as DIGITS writes it.
pub(crate) fn hdf5(bytes: &[u8]) -> Result<()> {
    in_folder(|folder| {
        let records = Records::open(&written(folder, "train.h5", bytes), None)?;
        records.labels()?;
        (0..records.len().min(20)).try_for_each(|index| records.get(index).map(drop))
    })
}

/// MATLAB's variables.
pub(crate) fn mat(bytes: &[u8]) -> Result<()> {
    mat::variables(bytes, 64 << 20, &|_| true).map(drop)
}

/// Torch7's own files.
pub(crate) fn t7(bytes: &[u8]) -> Result<()> {
    Document::parse(bytes.to_vec(), "net.t7").map(drop)
}

/// Snapshots and weights.
pub(crate) fn safetensors(bytes: &[u8]) -> Result<()> {
    in_folder(|folder| {
        let path = written(folder, "snapshot.safetensors", bytes);
        let _ = Snapshot::read(&path);
        Snapshot::read_weights(&path).map(drop)
    })
}

/// The JSON files of jobs and datasets.
pub(crate) const JSON: [&str; 5] = [file::RECORD, file::BEST, file::SWEEP, "dataset.json", file::METRICS];

/// One of [`JSON`] in a job's folder with this `job.json`.
pub(crate) fn json(name: &str, bytes: &[u8], record: &str) -> Result<()> {
    in_folder(|folder| {
        written(folder, file::RECORD, record.as_bytes());
        written(folder, name, bytes);
        let view = JobView::open(folder)?;
        match name {
            file::RECORD => view.record().map(drop),
            file::BEST => view.best().and_then(|_| view.snapshots()).map(drop),
            file::SWEEP => SweepRecord::read(folder).map(drop),
            file::METRICS => view.events().map(drop),
            _ => Dataset::open(folder).map(drop),
        }
    })
}

/// Every record of the database in this folder with its key, in each of the ways in which the program reads them.
pub(crate) fn everything(folder: &Path) -> Result<Vec<(Vec<u8>, Sample)>> {
    let records = Records::open(folder, None)?;
    let labels = records.labels()?;
    assert_eq!(labels.len() as u64, records.len());
    let database = Database::open(folder)?;
    let (mut cursor, mut keys) = (database.cursor()?, Vec::new());
    while let Some(entry) = cursor.next()? {
        keys.push(entry.key().to_vec());
    }
    database.last()?;
    (0..records.len()).map(|index| Ok((keys[index as usize].clone(), records.get(index)?))).collect()
}

/// A database.
pub(crate) fn lmdb(bytes: &[u8]) -> Result<()> {
    in_folder(|folder| {
        written(folder, "data.mdb", bytes);
        everything(folder).map(drop)
    })
}

/// A network file in Lua, lowered.
pub(crate) fn lua_file(text: &str) -> Result<()> {
    let time = std::time::Duration::from_millis(300);
    let options = lua::vm::VmOptions { build_time: time, memory_limit: 64 << 20, ..lua::vm::VmOptions::default() };
    let params = NetworkParams { input_shape: Some([1, 8, 8]), nclasses: Some(10), ..NetworkParams::default() };
    let loaded = lua::load(Source::pasted("net.lua", text), &params, options, 1)?;
    loaded.lower(tch::Kind::Float, tch::Device::Cpu).map(drop)
}

/// A network file in Python, lowered.
pub(crate) fn python_file(text: &str) -> Result<()> {
    let time = std::time::Duration::from_millis(300);
    let options = python::Options { processor_time: time, memory_limit: 64 << 20, ..python::Options::default() };
    let params = NetworkParams { input_shape: Some([1, 8, 8]), nclasses: Some(10), ..NetworkParams::default() };
    let file = tensorflow_file::load(Source::pasted("net.py", text), &params, options, 1)?;
    file.lower(tensorflow_file::Purpose::Training, tch::Kind::Float, tch::Device::Cpu).map(drop)
}
