//! HDF5 files as DIGITS wrote them: float32 datasets `/data` `[n, c, h, w]` (RGB, 0..255) and `/label` `[n]`, chunked,
//! plain or gzip, one file or several with a `list.txt`. Read only, record by record, never mapped.
//!
//! Source: `digits/tools/create_db.py`; files are found by their base names, as DIGITS' readers do.

use std::{
    borrow::Cow,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use hdf5_reader::{Dataset, Datatype, H5Type, Hdf5File, SliceInfo, SliceInfoElem};

use super::store::Store;
use crate::{
    data::{
        fingerprint::READ,
        planes::{Planes, Values, shape_text},
        record::{Sample, Target},
    },
    error::{Error, Kind, Result},
    input::{
        self, Form,
        hdf5::{LARGEST_CHUNK, parsed, unreadable},
    },
};

const MARK: &[u8] = b"\x89HDF\r\n\x1a\n";
const LIST: &str = "list.txt";

/// One file.
struct File {
    path: PathBuf,
    data: Dataset,
    label: Dataset,
    /// Labels of one integer each, read at once; none when they are arrays or fractions.
    integers: Option<Vec<i32>>,
    /// How many records the files before it hold.
    first: u64,
    count: u64,
}

/// The files of one split.
pub(super) struct Hdf5 {
    place: PathBuf,
    files: Vec<File>,
    shape: [i64; 3],
    disk_size: u64,
}

impl Hdf5 {
    /// Whether `path` is meant to be HDF5: a file with its mark or ending, a list, or a folder of such files.
    pub(super) fn is_at(path: &Path) -> bool {
        if path.is_dir() {
            return !path.join("data.mdb").exists()
                && (path.join(LIST).is_file()
                    || fs::read_dir(path).is_ok_and(|all| all.flatten().any(|e| is_named(&e.path()))));
        }
        path.is_file() && (is_named(path) || path.extension().is_some_and(|e| e == "txt") || has_mark(path))
    }

    /// Opens a file, a list of files, or the folder of a split.
    ///
    /// # Errors
    /// When a file is missing, cut, foreign, or does not hold `data` and `label` that fit together.
    pub(super) fn open(path: &Path) -> Result<Hdf5> {
        let paths = paths(path)?;
        let mut files: Vec<File> = Vec::with_capacity(paths.len());
        let (mut first, mut disk_size) = (0, 0);
        for path in paths {
            let file = File::open(&path, first).map_err(|e| e.with_fact("the file", path.display().to_string()))?;
            first += file.count;
            disk_size += fs::metadata(&path).map(|m| m.len()).unwrap_or(0);
            if let Some(before) = files.first().filter(|before| before.shape() != file.shape()) {
                return Err(Error::new(Kind::Data, "the HDF5 files of one split have different shapes")
                    .with_fact(before.path.display().to_string(), shape_text(before.shape()))
                    .with_fact(path.display().to_string(), shape_text(file.shape()))
                    .with_help("give files that were made together"));
            }
            files.push(file);
        }
        let shape = files.first().map(File::shape).unwrap_or_default();
        if first == 0 {
            return Err(Error::new(Kind::Data, format!("{} holds no records", path.display()))
                .with_help("make the dataset again from a folder that has images"));
        }
        Ok(Hdf5 { place: path.to_path_buf(), files, shape, disk_size })
    }

    /// The file that holds record `index`, and the record's place in it.
    fn locate(&self, index: u64) -> Result<(&File, u64)> {
        let after = self.files.partition_point(|file| file.first <= index);
        let file = after.checked_sub(1).map(|at| &self.files[at]).filter(|file| index - file.first < file.count);
        let file = file.ok_or_else(|| {
            Error::new(Kind::Usage, format!("record {index} is not in {}", self.place.display()))
                .with_fact("it has", format!("{} records, numbered from 0", self.len()))
        })?;
        Ok((file, index - file.first))
    }
}

impl Store for Hdf5 {
    fn len(&self) -> u64 {
        self.files.last().map_or(0, |file| file.first + file.count)
    }

    fn shape(&self) -> [i64; 3] {
        self.shape
    }

    fn place(&self) -> &Path {
        &self.place
    }

    fn label_place(&self) -> Option<&Path> {
        None
    }

    fn disk_size(&self) -> u64 {
        self.disk_size
    }

    fn key(&self, index: u64) -> Result<Cow<'_, [u8]>> {
        let (file, at) = self.locate(index)?;
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        Ok(format!("{name}:{at}").into_bytes().into())
    }

    fn get(&self, index: u64) -> Result<Sample> {
        let (file, at) = self.locate(index)?;
        file.get(at).map_err(|e| {
            e.with_fact("the record", at.to_string()).with_fact("the file", file.path.display().to_string())
        })
    }

    fn labels(&self) -> Result<Vec<i32>> {
        let integers = |file: &File| file.integers.clone().unwrap_or_else(|| vec![0; file.count as usize]);
        Ok(self.files.iter().flat_map(integers).collect())
    }

    fn fingerprint(&self, all: &mut blake3::Hasher, ends: &mut blake3::Hasher) -> Result<()> {
        for hash in [&mut *all, &mut *ends] {
            hash.update(&self.len().to_le_bytes()).update(&self.disk_size.to_le_bytes());
        }
        let bytes = 4 * self.shape.iter().product::<i64>().unsigned_abs().max(1);
        let read = self.len().min(READ.div_ceil(bytes));
        let take = |index: u64, hashes: &mut [&mut blake3::Hasher]| -> Result<()> {
            let (file, at) = self.locate(index)?;
            let values: Vec<u8> = file.numbers(&file.data, at)?.iter().flat_map(|value| value.to_le_bytes()).collect();
            hashes.iter_mut().for_each(|hash| {
                hash.update(&values);
            });
            Ok(())
        };
        take(0, &mut [all, ends])?;
        take(self.len() - 1, &mut [all, ends])?;
        for index in 1..read {
            take(index, &mut [all])?;
            if let Target::Label(label) = self.get(index)?.target {
                all.update(&label.to_le_bytes());
            }
        }
        Ok(())
    }
}

impl File {
    fn open(path: &Path, first: u64) -> Result<File> {
        let opened = input::open(path, Form::Stream)?;
        check_mark(path)?;
        let length = opened.metadata().map_err(|e| Error::io("read", path, &e))?.len();
        let file = parsed(opened)?;
        let block = file.superblock();
        let whole = block.eof_address.saturating_add(block.base_address);
        if length < whole {
            return Err(Error::new(Kind::Data, "the HDF5 file is cut short")
                .with_fact("it has", format!("{length} bytes"))
                .with_fact("it says it has", format!("{whole} bytes"))
                .with_help("copy or download it again"));
        }
        let (data, label) = (dataset(&file, "data")?, dataset(&file, "label")?);
        check_size("data", &data, length)?;
        check_size("label", &label, length)?;
        let &[count, _, _, _] = data.shape() else {
            return Err(misshapen("data", &data, "[n, c, h, w]"));
        };
        if label.shape().first() != Some(&count) {
            return Err(misshapen("label", &label, &format!("[{count}], one for each record of `data`")));
        }
        let mut file = File { path: path.to_path_buf(), data, label, integers: None, first, count };
        if file.label.shape()[1..].iter().product::<u64>() == 1 && count > 0 {
            let all = numbers(&file.label, &SliceInfo::all(file.label.ndim()))?;
            let whole = all.iter().all(|&v| v == v.trunc() && v.abs() < 2f32.powi(24));
            file.integers = whole.then(|| all.iter().map(|&v| v as i32).collect());
        }
        Ok(file)
    }

    /// `[c, h, w]`
    fn shape(&self) -> [i64; 3] {
        let shape = self.data.shape();
        [1, 2, 3].map(|d| shape[d] as i64)
    }

    fn get(&self, at: u64) -> Result<Sample> {
        let image = Planes { shape: self.shape(), values: pixels(self.numbers(&self.data, at)?) };
        let target = match &self.integers {
            Some(labels) => Target::Label(labels[at as usize]),
            None => {
                let values = self.numbers(&self.label, at)?;
                Target::Planes(Planes { shape: [1, 1, values.len() as i64], values: Values::Floats(values) })
            }
        };
        Ok(Sample { image, target })
    }

    /// Entry `at` of a dataset.
    fn numbers(&self, dataset: &Dataset, at: u64) -> Result<Vec<f32>> {
        let mut selection = SliceInfo::all(dataset.ndim());
        selection.selections[0] = SliceInfoElem::Slice { start: at, end: at + 1, step: 1 };
        numbers(dataset, &selection)
    }
}

/// Whole numbers from 0 to 255 as bytes, a quarter of the memory; anything else as it is.
fn pixels(values: Vec<f32>) -> Values {
    if values.iter().all(|&v| (0.0..=255.0).contains(&v) && v == v.trunc()) {
        return Values::Bytes(values.into_iter().map(|v| v as u8).collect());
    }
    Values::Floats(values)
}

/// The selected numbers of whatever numeric type, in row order.
fn numbers(dataset: &Dataset, selection: &SliceInfo) -> Result<Vec<f32>> {
    fn read<T: H5Type>(dataset: &Dataset, selection: &SliceInfo, to: fn(T) -> f32) -> Result<Vec<f32>> {
        let array = dataset.read_slice::<T>(selection).map_err(|e| unreadable(&e))?;
        Ok(array.into_iter().map(to).collect())
    }
    match *dataset.dtype() {
        Datatype::FloatingPoint { size: 4, .. } => read::<f32>(dataset, selection, |v| v),
        Datatype::FloatingPoint { size: 8, .. } => read::<f64>(dataset, selection, |v| v as f32),
        Datatype::FixedPoint { size: 1, signed: false, .. } => read::<u8>(dataset, selection, f32::from),
        Datatype::FixedPoint { size: 4, signed: true, .. } => read::<i32>(dataset, selection, |v| v as f32),
        Datatype::FixedPoint { size: 8, signed: true, .. } => read::<i64>(dataset, selection, |v| v as f32),
        ref other => Err(Error::new(Kind::Data, "the HDF5 dataset holds no numbers that are read here")
            .with_fact("its type", format!("{other:?}"))
            .with_fact("it wants", "float32 (DIGITS), float64, uint8, int32 or int64")),
    }
}

fn dataset(file: &Hdf5File, name: &str) -> Result<Dataset> {
    file.dataset(name).map_err(|e| {
        let there = file
            .root_group()
            .and_then(|root| root.member_names())
            .map(|(groups, datasets)| [datasets, groups].concat());
        Error::new(Kind::Data, format!("the HDF5 file has no dataset /{name}"))
            .with_fact(
                "it has",
                there.map_or_else(
                    |e| e.to_string(),
                    |names| if names.is_empty() { "nothing".into() } else { names.join(", ") },
                ),
            )
            .with_fact("it wants", "/data [n, c, h, w] and /label [n], as DIGITS wrote them")
            .with_cause(e.to_string())
            .with_help("give a file that DIGITS wrote with its hdf5 backend")
    })
}

/// Refuses a dataset that says it is larger than its file can be: memory is taken by what it says.
fn check_size(name: &str, dataset: &Dataset, file_length: u64) -> Result<()> {
    /// Deflate packs 1032 bytes into one at best.
    const PACKED: u64 = 1032;
    let bytes = |dimensions: &[u64]| {
        // As the numbers that they become.
        let each = size_of::<f32>() as u64;
        dimensions.iter().try_fold(each, |product, &dimension| product.checked_mul(dimension))
    };
    let all = bytes(dataset.shape()).filter(|&all| all <= file_length.saturating_mul(PACKED));
    // Of records without numbers any count would fit.
    let fits = |one: &u64| (1..=LARGEST_CHUNK as u64).contains(one);
    let record = bytes(dataset.shape().get(1..).unwrap_or_default()).filter(fits);
    if all.is_some() && record.is_some() {
        return Ok(());
    }
    Err(misshapen(name, dataset, "a number a record at least, 1 GiB a record at most, and no more than its file holds")
        .with_fact("the file has", format!("{file_length} bytes")))
}

fn misshapen(name: &str, dataset: &Dataset, wanted: &str) -> Error {
    Error::new(Kind::Data, format!("/{name} of the HDF5 file has another shape"))
        .with_fact("it has", format!("{:?}", dataset.shape()))
        .with_fact("it wants", wanted)
        .with_help("give files that DIGITS wrote, or such with the same layout")
}

fn is_named(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "h5" || e == "hdf5")
}

/// HDF5's mark stands at byte 0, 512, 1024, 2048 …
fn has_mark(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = input::open(path, Form::Stream).map(|file| file.take(4096 + 8).read_to_end(&mut bytes));
    read.is_ok_and(|read| read.is_ok())
        && [0, 512, 1024, 2048, 4096].iter().any(|&at| bytes.get(at..at + MARK.len()) == Some(MARK))
}

fn check_mark(path: &Path) -> Result<()> {
    if has_mark(path) {
        return Ok(());
    }
    Err(Error::new(Kind::Data, "this is not an HDF5 file")
        .with_fact("it wants", "HDF5's mark, 89 48 44 46 0d 0a 1a 0a, at its begin")
        .with_help("give a file that DIGITS wrote with its hdf5 backend"))
}

/// The files that a file, a list or a folder names.
pub(super) fn paths(path: &Path) -> Result<Vec<PathBuf>> {
    let list = if path.is_dir() { path.join(LIST) } else { path.to_path_buf() };
    if path.is_dir() && !list.is_file() {
        let all = fs::read_dir(path).map_err(|e| Error::io("read", path, &e))?;
        let mut files: Vec<PathBuf> = all.flatten().map(|entry| entry.path()).filter(|path| is_named(path)).collect();
        // DIGITS' names are the number of records before the file.
        let number = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        files.sort_by_key(|path| (number(path), path.clone()));
        return Ok(files);
    }
    if list.extension().is_none_or(|e| e != "txt") || has_mark(&list) {
        return Ok(vec![path.to_path_buf()]);
    }
    let text = input::read_text(&list, Form::List)?;
    let beside = list.parent().unwrap_or(Path::new("."));
    let named = |line: &str| {
        let here = beside.join(Path::new(line).file_name().unwrap_or_default());
        if here.exists() { here } else { beside.join(line) }
    };
    let files: Vec<PathBuf> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(named).collect();
    if files.is_empty() || files.iter().any(|file| !is_named(file)) {
        return Err(Error::new(Kind::Data, format!("{} names no HDF5 files", list.display()))
            .with_fact("its first line", text.lines().next().unwrap_or("(none)"))
            .with_fact("it wants", "one file a line, such as 0.h5")
            .with_help("TFRecords are not read; make the dataset with LMDB or HDF5"));
    }
    Ok(files)
}
