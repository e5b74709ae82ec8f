//! New datasets: of MNIST's files, folders of images, text lists, databases that exist already.

use std::{path::PathBuf, time::Instant};

use serde::{Deserialize, Serialize};

use super::{defaults, image_options::ImageOptions, report::DatasetReport, watched::Watched};
use crate::{
    data::{
        Dataset, Encoding, MnistOptions, Parts,
        create::{Load, create, load_file, load_file_with_alpha},
        folder::{self, FolderOptions, Lists},
        idx::Idx,
        info::Info,
        text_lists::{self, TextList},
    },
    error::{Error, Kind, Result},
    inspect::numbers::grouped,
    tasks::{
        observer::{Observer, Unobserved},
        panic,
    },
    train::Stop,
};

/// MNIST from its IDX files, divided as DIGITS does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MnistRequest {
    /// Folder with `train-images-idx3-ubyte` and the like, plain or `.gz`.
    pub idx: PathBuf,
    /// The dataset folder to make.
    #[serde(default = "defaults::mnist_folder")]
    pub out: PathBuf,
    /// How pixels are kept.
    #[serde(default)]
    pub encoding: Encoding,
    /// Black digits on white, as DIGITS makes them.
    #[serde(default = "defaults::mnist_invert")]
    pub invert: bool,
    /// Percent of each digit for validation, 0 to 100.
    #[serde(default = "defaults::mnist_percent")]
    pub val_percent: f64,
    /// Also write the first so many images of the test set as PNG files.
    #[serde(default)]
    pub test_images: usize,
    /// Seeds the division and the order of the records.
    #[serde(default)]
    pub seed: u64,
}

impl MnistRequest {
    /// The defaults, for the files in `idx`.
    #[must_use]
    pub fn new(idx: PathBuf) -> MnistRequest {
        let MnistOptions { encoding, invert, val_percent, seed } = MnistOptions::default();
        MnistRequest { idx, out: defaults::mnist_folder(), encoding, invert, val_percent, test_images: 0, seed }
    }
}

/// Makes a dataset of MNIST.
///
/// # Errors
/// When the files cannot be read, or the dataset is there already or cannot be written;
/// `Kind::Interrupted` when `stop` is asked for, nothing being left of it then.
pub fn mnist(request: &MnistRequest, observer: &mut dyn Observer, stop: &Stop) -> Result<DatasetReport> {
    panic::guarded(|| {
        if !(0.0..=100.0).contains(&request.val_percent) {
            return Err(Error::new(Kind::Usage, format!("{} % for validation", request.val_percent))
                .with_help("give a percentage from 0 to 100"));
        }
        let started = Instant::now();
        let train = Idx::read(&request.idx, "train")?;
        let test = (request.test_images > 0).then(|| Idx::read(&request.idx, "t10k")).transpose()?;
        let options = MnistOptions {
            encoding: request.encoding,
            invert: request.invert,
            val_percent: request.val_percent,
            seed: request.seed,
        };
        let made =
            options.create(&request.out, &train, test.as_ref(), request.test_images, &Watched::by(observer, stop))?;
        Ok(DatasetReport::of(&request.out, made, started))
    })
}

/// A folder with one subfolder of images a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderRequest {
    /// The folder of class folders.
    pub folder: PathBuf,
    /// What is made of the images.
    pub images: ImageOptions,
    /// All images of this folder are for validation; none of the first one are.
    #[serde(default)]
    pub val_folder: Option<PathBuf>,
    /// All images of this folder are for testing.
    #[serde(default)]
    pub test_folder: Option<PathBuf>,
    /// Percent of each class for validation, 0 to 100.
    #[serde(default = "defaults::val_percent")]
    pub val_percent: f64,
    /// Percent of each class for testing, 0 to 100.
    #[serde(default)]
    pub test_percent: f64,
    /// Classes with fewer images are left out.
    #[serde(default = "defaults::min_per_class")]
    pub min_per_class: usize,
    /// At most this many images of a class.
    #[serde(default)]
    pub max_per_class: Option<usize>,
}

impl FolderRequest {
    /// The defaults, for this folder.
    #[must_use]
    pub fn new(folder: PathBuf, images: ImageOptions) -> FolderRequest {
        let FolderOptions { val_percent, test_percent, min_per_class, max_per_class, .. } = FolderOptions::default();
        let (val_folder, test_folder) = (None, None);
        FolderRequest {
            folder,
            images,
            val_folder,
            test_folder,
            val_percent,
            test_percent,
            min_per_class,
            max_per_class,
        }
    }
}

/// Makes a dataset of a folder of class folders.
///
/// # Errors
/// When a folder cannot be read or holds no classes, or the dataset is there already or cannot be written;
/// `Kind::Interrupted` when `stop` is asked for, nothing being left of it then.
pub fn folder(request: &FolderRequest, observer: &mut dyn Observer, stop: &Stop) -> Result<DatasetReport> {
    panic::guarded(|| of_files(&request.images, &division(request)?, true, observer, stop))
}

/// The lists that the request's folders and percentages give.
pub(super) fn division(request: &FolderRequest) -> Result<Lists> {
    // A folder of its own leaves nothing for the percentage.
    let percent = |folder: &Option<PathBuf>, percent| if folder.is_some() { 0.0 } else { percent };
    let division = FolderOptions {
        val_percent: percent(&request.val_folder, request.val_percent),
        test_percent: percent(&request.test_folder, request.test_percent),
        min_per_class: request.min_per_class,
        max_per_class: request.max_per_class,
        seed: request.images.seed,
    };
    let mut lists = folder::parse(&request.folder, &division)?;
    if let Some(folder) = &request.val_folder {
        lists.val = folder::parse_known(folder, &lists.labels, &mut lists.left_out)?;
    }
    if let Some(folder) = &request.test_folder {
        lists.test = folder::parse_known(folder, &lists.labels, &mut lists.left_out)?;
    }
    Ok(lists)
}

/// Text files that name images and their classes: a path and a number from 0 on each line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListsRequest {
    /// The list to train on.
    pub train: PathBuf,
    /// What its relative paths start from; by default the list's own folder.
    #[serde(default)]
    pub train_folder: Option<PathBuf>,
    /// The list to validate on.
    #[serde(default)]
    pub val: Option<PathBuf>,
    /// What its relative paths start from.
    #[serde(default)]
    pub val_folder: Option<PathBuf>,
    /// The list to test on.
    #[serde(default)]
    pub test: Option<PathBuf>,
    /// What its relative paths start from.
    #[serde(default)]
    pub test_folder: Option<PathBuf>,
    /// The classes' names, one on each line.
    pub labels: PathBuf,
    /// Write the records in another order than the lists have.
    #[serde(default = "defaults::shuffle")]
    pub shuffle: bool,
    /// What is made of the images.
    pub images: ImageOptions,
}

impl ListsRequest {
    /// The defaults, for this list to train on.
    #[must_use]
    pub fn new(train: PathBuf, labels: PathBuf, images: ImageOptions) -> ListsRequest {
        ListsRequest {
            train,
            train_folder: None,
            val: None,
            val_folder: None,
            test: None,
            test_folder: None,
            labels,
            shuffle: defaults::shuffle(),
            images,
        }
    }
}

/// Makes a dataset of text lists.
///
/// # Errors
/// When a list cannot be read or names no image, or the dataset is there already or cannot be written;
/// `Kind::Interrupted` when `stop` is asked for, nothing being left of it then.
pub fn lists(request: &ListsRequest, observer: &mut dyn Observer, stop: &Stop) -> Result<DatasetReport> {
    panic::guarded(|| {
        needs(("val_folder", &request.val_folder), ("val", &request.val))?;
        needs(("test_folder", &request.test_folder), ("test", &request.test))?;
        of_files(&request.images, &listed(request)?, request.shuffle, observer, stop)
    })
}

/// The lists that the request's files give.
pub(super) fn listed(request: &ListsRequest) -> Result<Lists> {
    let list = |file: &PathBuf, folder: &Option<PathBuf>| TextList { file: file.clone(), folder: folder.clone() };
    text_lists::parse(
        &list(&request.train, &request.train_folder),
        request.val.as_ref().map(|file| list(file, &request.val_folder)).as_ref(),
        request.test.as_ref().map(|file| list(file, &request.test_folder)).as_ref(),
        &request.labels,
    )
}

/// Refuses the first path where the second one, which it belongs to, is not named.
fn needs((name, path): (&str, &Option<PathBuf>), (needed, owner): (&str, &Option<PathBuf>)) -> Result<()> {
    if path.is_some() && owner.is_none() {
        return Err(Error::new(Kind::Usage, format!("{name} is given without {needed}"))
            .with_help(format!("give {needed} too, or leave {name} out")));
    }
    Ok(())
}

fn of_files(
    options: &ImageOptions,
    lists: &Lists,
    shuffle: bool,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<DatasetReport> {
    let started = Instant::now();
    let count = |images: usize| grouped(images as i64);
    observer.line(&format!(
        "{} images in {} classes: {} to train on, {} to validate, {} to test",
        count(lists.train.len() + lists.val.len() + lists.test.len()),
        lists.labels.len(),
        count(lists.train.len()),
        count(lists.val.len()),
        count(lists.test.len()),
    ));
    let progress = Watched::by(observer, stop);
    let load: Load<'_> = if options.channels == 4 { &load_file_with_alpha } else { &load_file };
    let made = create(&options.out, lists, load, options.create(shuffle), &progress, &|_| Ok(()))?;
    Ok(DatasetReport::of(&options.out, made, started))
}

/// LMDB databases that exist already; they are used where they lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenericRequest {
    /// Train images.
    pub train_db: PathBuf,
    /// Train labels, when they are not in the images' records.
    #[serde(default)]
    pub train_labels_db: Option<PathBuf>,
    /// Validation images.
    #[serde(default)]
    pub val_db: Option<PathBuf>,
    /// Validation labels.
    #[serde(default)]
    pub val_labels_db: Option<PathBuf>,
    /// The mean image, `mean.binaryproto`.
    #[serde(default)]
    pub mean: Option<PathBuf>,
    /// The classes' names, one on each line: makes the task a classification.
    #[serde(default)]
    pub labels: Option<PathBuf>,
    /// The dataset folder to make.
    pub out: PathBuf,
}

/// Makes a dataset folder that points at databases, and describes it.
///
/// # Errors
/// When a database cannot be read, or the folder is there already or cannot be written;
/// `Kind::Interrupted` when `stop` is asked for, nothing being left of it then.
pub fn generic(request: &GenericRequest, stop: &Stop) -> Result<Info> {
    panic::guarded(|| {
        needs(("val_labels_db", &request.val_labels_db), ("val_db", &request.val_db))?;
        let parts = Parts {
            train: Some(request.train_db.clone()),
            train_labels: request.train_labels_db.clone(),
            val: request.val_db.clone(),
            val_labels: request.val_labels_db.clone(),
            mean: request.mean.clone(),
            labels: request.labels.clone(),
        };
        Info::of(&Dataset::create_generic(&request.out, &parts, &Watched::by(&mut Unobserved, stop))?)
    })
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn read<T: DeserializeOwned>(json: Value) -> T {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_request_in_json_has_the_defaults_of_one_in_rust() {
        let images = || ImageOptions::new("out".into());
        assert_eq!(read::<MnistRequest>(json!({"idx": "d"})), MnistRequest::new("d".into()));
        assert_eq!(
            read::<FolderRequest>(json!({"folder": "d", "images": {"out": "out"}})),
            FolderRequest::new("d".into(), images())
        );
        assert_eq!(
            read::<ListsRequest>(json!({"train": "t", "labels": "l", "images": {"out": "out"}})),
            ListsRequest::new("t".into(), "l".into(), images())
        );
        assert!(serde_json::from_value::<MnistRequest>(json!({"idx": "d", "invrt": true})).is_err());
    }

    #[test]
    fn a_percentage_is_a_percentage() {
        let request = MnistRequest { val_percent: f64::NAN, ..MnistRequest::new("d".into()) };
        assert_eq!(mnist(&request, &mut Unobserved, &Stop::default()).unwrap_err().kind(), Kind::Usage);
    }

    #[test]
    fn a_path_that_belongs_to_none_is_a_page() {
        let stop = Stop::default();
        let request = read::<GenericRequest>(json!({"train_db": "t", "val_labels_db": "l", "out": "o"}));
        assert_eq!(generic(&request, &stop).unwrap_err().message(), "val_labels_db is given without val_db");
        for name in ["val", "test"] {
            let mut request = json!({"train": "t", "labels": "l", "images": {"out": "o"}});
            request[format!("{name}_folder")] = "f".into();
            let page = lists(&read(request), &mut Unobserved, &stop).unwrap_err();
            assert_eq!(page.message(), format!("{name}_folder is given without {name}"));
        }
    }

    /// Asks for a stop once a record is written or left out.
    struct StopsAfter(u64, Stop);

    impl Observer for StopsAfter {
        fn done(&mut self, done: u64) {
            if done >= self.0 {
                self.1.request();
            }
        }
    }

    #[test]
    fn a_dataset_that_is_stopped_leaves_nothing_half_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("labels.txt"), "a\n").unwrap();
        let image = crate::data::Image { width: 4, height: 4, channels: 1, pixels: vec![9; 16] };
        image.save_png(&at("0.png")).unwrap();
        // More than are loaded at once.
        std::fs::write(at("train.txt"), "0.png 0\n".repeat(600)).unwrap();
        let images = read(json!({"out": at("set"), "size": "4x4", "channels": 1}));
        let request = ListsRequest::new(at("train.txt"), at("labels.txt"), images);
        let stop = Stop::default();
        let page = lists(&request, &mut StopsAfter(256, stop.clone()), &stop).unwrap_err();
        assert_eq!(page.kind(), Kind::Interrupted);
        let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["0.png", "labels.txt", "train.txt"]);
        let made = lists(&request, &mut Unobserved, &Stop::default()).unwrap();
        assert_eq!(made.splits[0].records, 600);
    }
}
