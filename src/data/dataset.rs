//! `Dataset`: the splits of a dataset folder, their labels and mean; also for folders that DIGITS made and for
//! databases that lie anywhere.
//!
//! `dataset.json` says what is where. A folder without it is read by DIGITS' file names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    fingerprint::Fingerprint,
    fit::Resize,
    lock::Creation,
    manifest::{self, Manifest, SplitEntry},
    mean::Mean,
    planes::shape_text,
    progress::{self, Progress},
    records::Records,
};
use crate::{
    error::{Error, Kind, Result, shell_path},
    input::{self, Form},
};

/// A train split, a validation split, or both.
pub struct Dataset {
    /// `[c, h, w]` of every record.
    pub shape: [i64; 3],
    /// The classes' names, in the order of their numbers; empty when there are no classes.
    pub labels: Vec<String>,
    /// The mean image of the train split.
    pub mean: Option<Mean>,
    /// What `dataset.json` says; none for folders that have none.
    pub manifest: Option<Manifest>,
    train: Option<Arc<Records>>,
    val: Option<Arc<Records>>,
}

/// Databases and files that make up a dataset. All paths are as the user gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Train images.
    pub train: Option<PathBuf>,
    /// Train labels, when they are not in the images' records.
    pub train_labels: Option<PathBuf>,
    /// Validation images.
    pub val: Option<PathBuf>,
    /// Validation labels.
    pub val_labels: Option<PathBuf>,
    /// `mean.binaryproto`
    pub mean: Option<PathBuf>,
    /// `labels.txt`
    pub labels: Option<PathBuf>,
}

impl Dataset {
    /// Whether `dir` is a dataset folder that was finished.
    #[must_use]
    pub fn is_at(dir: &Path) -> bool {
        dir.join(manifest::FILE).is_file()
    }

    /// The databases of images and of labels that `dir` stands for: those that a dataset folder validates on, or the two of
    /// one split of pairs (`features` and `labels`); none where it is neither.
    #[must_use]
    pub fn databases_of(dir: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
        if let Some(database) = database_of(dir) {
            return Some((database, None));
        }
        let [images, labels] = ["features", "labels"].map(|name| dir.join(name));
        if images.is_dir() {
            let labels = labels.is_dir().then_some(labels);
            return Some((images, labels));
        }
        let (parts, _) = Parts::of_folder(dir).ok()?;
        Some((parts.val?, parts.val_labels))
    }

    /// Opens a dataset folder: one of ours, or a DIGITS job folder (`train_db`, `val_db`, `labels.txt`,
    /// `mean.binaryproto`; for generic ones `train_db/features`, `train_db/labels`).
    ///
    /// # Errors
    /// When the folder is none, or one of its databases or files cannot be read.
    pub fn open(dir: &Path) -> Result<Dataset> {
        let (parts, manifest) = Parts::of_folder(dir)?;
        let Some(manifest) = manifest else { return Dataset::from_parts(&parts) };
        let split = |name: &str| manifest.splits.get(name);
        let mut dataset = Dataset::from_parts(&parts)?;
        for (name, records) in [("train", &dataset.train), ("val", &dataset.val)] {
            let (Some(entry), Some(records)) = (split(name), records) else { continue };
            if entry.entries != records.len() || manifest.shape != records.shape() {
                return Err(Error::new(Kind::Data, format!("{} changed since it was made", dir.display()))
                    .with_fact("it had", format!("{} records of {}", entry.entries, shape_text(manifest.shape)))
                    .with_fact("it has", format!("{} records of {}", records.len(), shape_text(records.shape())))
                    .with_fact("in", records.folder().display().to_string())
                    .with_help("make the dataset again"));
            }
        }
        if parts.labels.is_some() && manifest.labels != dataset.labels.len() {
            return Err(Error::new(Kind::Data, format!("labels.txt of {} changed since it was made", dir.display()))
                .with_fact("it had", format!("{} names", manifest.labels))
                .with_fact("it has", format!("{} names", dataset.labels.len()))
                .with_help(
                    "put the old file back, one name a line in the order of the classes, or make the dataset again",
                ));
        }
        dataset.manifest = Some(manifest);
        Ok(dataset)
    }

    /// Opens databases where they lie.
    ///
    /// # Errors
    /// When there is neither a train nor a validation database, one cannot be read, or their shapes differ.
    pub fn from_parts(parts: &Parts) -> Result<Dataset> {
        let open = |images: &Option<PathBuf>, labels: &Option<PathBuf>| {
            images.as_ref().map(|images| Records::open(images, labels.as_deref()).map(Arc::new)).transpose()
        };
        let train = open(&parts.train, &parts.train_labels)?;
        let val = open(&parts.val, &parts.val_labels)?;
        let shape = match (&train, &val) {
            (Some(train), Some(val)) if train.shape() != val.shape() => {
                return Err(Error::new(Kind::Data, "train and validation images have different shapes")
                    .with_fact("train", format!("{} in {}", shape_text(train.shape()), train.folder().display()))
                    .with_fact("validation", format!("{} in {}", shape_text(val.shape()), val.folder().display()))
                    .with_help("give two databases that were made with one size"));
            }
            (Some(records), _) | (None, Some(records)) => records.shape(),
            (None, None) => {
                return Err(Error::new(Kind::Usage, "a dataset needs a database of train or validation images")
                    .with_help("give --train-db"));
            }
        };
        let mean = parts
            .mean
            .as_ref()
            .map(|path| {
                let mean = Mean::read(path)?;
                mean.check(shape).map_err(|e| e.with_fact("in", path.display().to_string()))?;
                Ok::<_, Error>(mean)
            })
            .transpose()?;
        let labels = parts.labels.as_deref().map(read_labels).transpose()?.unwrap_or_default();
        Ok(Dataset { shape, labels, mean, manifest: None, train, val })
    }

    /// Writes a dataset folder `out` that points at databases where they lie; nothing is copied but the mean.
    ///
    /// # Errors
    /// When a database cannot be read or `out` cannot be written; `Kind::Interrupted` when `progress` wants it stopped.
    pub fn create_generic(out: &Path, parts: &Parts, progress: &dyn Progress) -> Result<Dataset> {
        progress::go_on(progress, out)?;
        let dataset = Dataset::from_parts(parts)?;
        for records in [&dataset.train, &dataset.val].into_iter().flatten() {
            // As DIGITS' "enforce same shape": a record of another size is a page here, and not in the middle of a training.
            for index in 0..records.len() {
                if index % 256 == 0 {
                    progress::go_on(progress, out)?;
                }
                records.get(index)?;
            }
        }
        let creation = Creation::begin(out)?;
        let absolute = |path: &Path| path.canonicalize().map_err(|e| Error::io("find", path, &e));
        let mut manifest = Manifest {
            format: 1,
            kind: "generic".to_string(),
            shape: dataset.shape,
            labels: dataset.labels.len(),
            encoding: None,
            resize: None,
            seed: None,
            splits: BTreeMap::new(),
            mean: None,
            skipped: 0,
            texts: false,
        };
        for (name, records) in [("train", &dataset.train), ("val", &dataset.val)] {
            let Some(records) = records else { continue };
            let entry = SplitEntry {
                images: absolute(records.folder())?,
                labels: records.label_folder().map(absolute).transpose()?,
                entries: records.len(),
                classes: None,
            };
            manifest.splits.insert(name.to_string(), entry);
        }
        if let Some(mean) = &dataset.mean {
            mean.write(&creation.path().join("mean.binaryproto"))?;
            // Means of other than 1 or 3 channels have no picture.
            if let Ok(image) = mean.image() {
                image.save_png(&creation.path().join("mean.png"))?;
            }
            manifest.mean = Some("mean.binaryproto".into());
        }
        if let Some(labels) = &parts.labels {
            let to = creation.path().join("labels.txt");
            let bytes = input::read(labels, Form::Labels)?;
            fs::write(&to, bytes).map_err(|e| Error::io("copy the labels to", &to, &e))?;
        }
        progress::go_on(progress, out)?;
        manifest.write(creation.path())?;
        creation.finish()?;
        Dataset::open(out)
    }

    /// The records to train on.
    #[must_use]
    pub fn train(&self) -> Option<Arc<Records>> {
        self.train.clone()
    }

    /// How images of another shape are fitted: as when the dataset was made, squashed where that is not known.
    #[must_use]
    pub fn resize(&self) -> Resize {
        self.manifest.as_ref().and_then(|manifest| manifest.resize).unwrap_or_default()
    }

    /// The records to validate on.
    #[must_use]
    pub fn val(&self) -> Option<Arc<Records>> {
        self.val.clone()
    }

    /// By which a run knows the dataset again.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        let (mut all, mut ends) = (blake3::Hasher::new(), blake3::Hasher::new());
        let both = |all: &mut blake3::Hasher, ends: &mut blake3::Hasher, bytes: &[u8]| {
            all.update(bytes);
            ends.update(bytes);
        };
        for (name, records) in [("train", &self.train), ("val", &self.val)] {
            if let Some(records) = records {
                both(&mut all, &mut ends, name.as_bytes());
                records.fingerprint(&mut all, &mut ends)?;
            }
        }
        for value in self.mean.iter().flat_map(|mean| &mean.values) {
            both(&mut all, &mut ends, &value.to_le_bytes());
        }
        for label in &self.labels {
            both(&mut all, &mut ends, label.as_bytes());
            both(&mut all, &mut ends, b"\n");
        }
        Ok(Fingerprint::of(&all, &ends))
    }
}

impl Parts {
    /// The parts of a dataset folder, and its `dataset.json` when it has one.
    ///
    /// # Errors
    /// When the folder is none, or `dataset.json` is damaged.
    pub(super) fn of_folder(dir: &Path) -> Result<(Parts, Option<Manifest>)> {
        let manifest = dir.join(manifest::FILE);
        if !manifest.is_file() {
            return Ok((found(dir)?, None));
        }
        let manifest = Manifest::read(&manifest)?;
        let split = |name: &str| manifest.splits.get(name);
        let images = |name: &str| split(name).map(|split| dir.join(&split.images));
        let labels = |name: &str| split(name).and_then(|split| split.labels.as_ref()).map(|path| dir.join(path));
        let text = dir.join("labels.txt");
        let parts = Parts {
            train: images("train"),
            train_labels: labels("train"),
            val: images("val"),
            val_labels: labels("val"),
            mean: manifest.mean.as_ref().map(|path| dir.join(path)),
            labels: text.is_file().then_some(text),
        };
        Ok((parts, Some(manifest)))
    }
}

/// What DIGITS' file names in `dir` say.
fn found(dir: &Path) -> Result<Parts> {
    let there = |names: &[&str]| names.iter().map(|name| dir.join(name)).find(|path| path.exists());
    let images = |name: &str| {
        there(&[&format!("{name}_db/features")]).or_else(|| there(&[&format!("{name}_db"), &format!("{name}_images")]))
    };
    let labels = |name: &str| there(&[&format!("{name}_db/labels"), &format!("{name}_labels")]);
    let parts = Parts {
        train: images("train"),
        train_labels: labels("train"),
        val: images("val"),
        val_labels: labels("val"),
        mean: there(&["mean.binaryproto", "train_db/mean.binaryproto", "train_mean.binaryproto"]),
        labels: there(&["labels.txt"]),
    };
    if parts.train.is_some() || parts.val.is_some() {
        return Ok(parts);
    }
    let page = Error::new(Kind::Data, format!("{} is not a dataset", dir.display()));
    let page = match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => page.with_fact("it is", "an empty folder"),
        Ok(false) if dir.join("data.mdb").is_file() => {
            return Err(page
                .with_fact("it is", "a single database")
                .with_help(format!("give the folder above it, or --train-db {}", shell_path(dir))));
        }
        Ok(false) => page.with_fact("it wants", "dataset.json, or train_db or val_db"),
        Err(_) => page.with_fact("it is", "not there"),
    };
    Err(page.with_help("make one with `digits-rs dataset mnist` or `digits-rs dataset folder`"))
}

/// The folder of a database of which its file `data.mdb` was named; none of any other path.
#[must_use]
pub fn database_of(path: &Path) -> Option<PathBuf> {
    let is_file = path.file_name().is_some_and(|name| name == "data.mdb") && path.is_file();
    is_file.then(|| path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf())
}

/// The names of the classes that the dataset folder around a database has; none where there is none, or it has none.
#[must_use]
pub fn labels_around(database: &Path) -> Option<Vec<String>> {
    read_labels(&label_file_around(database)?).ok().filter(|labels| !labels.is_empty())
}

/// The file of class names in the dataset folder around a database.
#[must_use]
pub fn label_file_around(database: &Path) -> Option<PathBuf> {
    let folder = fs::canonicalize(database).ok()?;
    // DIGITS' generic datasets hold `train_db/features`.
    folder.ancestors().skip(1).take(2).map(|above| above.join("labels.txt")).find(|text| text.is_file())
}

/// One class a line; blank lines at the end do not count (quirk 31).
pub(super) fn read_labels(path: &Path) -> Result<Vec<String>> {
    let text = input::read_text(path, Form::Labels)?;
    Ok(text.trim_end().lines().map(|line| line.trim_end().to_string()).collect())
}
