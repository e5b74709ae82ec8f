//! `digits-rs dataset`: makes datasets and says what is in one.

#[cfg(test)]
mod copied;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::{image_args::ImageArgs, json, pairs_args::PairsArgs, report, text_args::TextArgs};
use crate::{
    data::{Encoding, info::Info},
    error::Result,
    tasks::{
        Observer,
        dataset::{
            self, DatasetReport, ExploreRequest, FolderRequest, GenericRequest, ImageOptions, InfoRequest,
            ListsRequest, MnistRequest,
        },
    },
    train::Stop,
};

/// Make a dataset, or look into one.
#[derive(Debug, Args)]
pub struct DatasetArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// MNIST from its IDX files, divided as DIGITS does: 45,002 to train on, 14,998 to validate.
    Mnist(MnistArgs),
    /// A folder with one subfolder of images a class.
    Folder(FolderArgs),
    /// Text files that name images and their classes: a path and a number from 0 on each line.
    Lists(ListsArgs),
    /// A folder of inputs and a folder of label images of the same names: segmentation, image to image.
    Pairs(PairsArgs),
    /// Texts with a class each, as characters: CSV files, or a folder with one subfolder of text files a class.
    Text(TextArgs),
    /// LMDB databases that exist already; they are used where they lie.
    Generic(GenericArgs),
    /// Counts, shape, classes, mean, disk size.
    Info(InfoArgs),
}

fn mnist_default() -> MnistRequest {
    MnistRequest::new(PathBuf::new())
}

fn image_default() -> ImageOptions {
    ImageOptions::new(PathBuf::new())
}

fn folder_default() -> FolderRequest {
    FolderRequest::new(PathBuf::new(), image_default())
}

fn lists_default() -> ListsRequest {
    ListsRequest::new(PathBuf::new(), PathBuf::new(), image_default())
}

#[derive(Debug, Args)]
struct MnistArgs {
    /// Folder with train-images-idx3-ubyte and the like, plain or .gz.
    #[arg(long, value_name = "DIR")]
    idx: PathBuf,
    /// The dataset folder to make.
    #[arg(long, value_name = "DIR", default_value_os_t = mnist_default().out)]
    out: PathBuf,
    /// How pixels are kept.
    #[arg(long, value_enum, default_value_t = mnist_default().encoding)]
    encoding: Encoding,
    /// Black digits on white, as DIGITS makes them.
    #[arg(long, default_value_t = mnist_default().invert, action = clap::ArgAction::Set, value_name = "true|false")]
    invert: bool,
    /// Percent of each digit for validation.
    #[arg(long, default_value_t = mnist_default().val_percent, value_name = "PERCENT")]
    val_percent: f64,
    /// Also write the first N images of the test set as PNG files.
    #[arg(long, default_value_t = mnist_default().test_images, value_name = "N")]
    test_images: usize,
    /// Seeds the division and the order of the records.
    #[arg(long, default_value_t = mnist_default().seed)]
    seed: u64,
}

impl MnistArgs {
    fn request(self) -> MnistRequest {
        let MnistArgs { idx, out, encoding, invert, val_percent, test_images, seed } = self;
        MnistRequest { idx, out, encoding, invert, val_percent, test_images, seed }
    }
}

#[derive(Debug, Args)]
struct FolderArgs {
    /// The folder of class folders.
    folder: PathBuf,
    #[command(flatten)]
    images: ImageArgs,
    /// All images of this folder are for validation; none of the first one are.
    #[arg(long, value_name = "DIR", conflicts_with = "val_percent")]
    val_folder: Option<PathBuf>,
    /// All images of this folder are for testing.
    #[arg(long, value_name = "DIR", conflicts_with = "test_percent")]
    test_folder: Option<PathBuf>,
    /// Percent of each class for validation.
    #[arg(long, default_value_t = folder_default().val_percent, value_name = "PERCENT")]
    val_percent: f64,
    /// Percent of each class for testing.
    #[arg(long, default_value_t = folder_default().test_percent, value_name = "PERCENT")]
    test_percent: f64,
    /// Classes with fewer images are left out.
    #[arg(long, default_value_t = folder_default().min_per_class, value_name = "N")]
    min_per_class: usize,
    /// At most this many images of a class.
    #[arg(long, value_name = "N")]
    max_per_class: Option<usize>,
}

impl FolderArgs {
    fn request(self) -> FolderRequest {
        let FolderArgs {
            folder,
            images,
            val_folder,
            test_folder,
            val_percent,
            test_percent,
            min_per_class,
            max_per_class,
        } = self;
        FolderRequest {
            folder,
            images: images.request(),
            val_folder,
            test_folder,
            val_percent,
            test_percent,
            min_per_class,
            max_per_class,
        }
    }
}

#[derive(Debug, Args)]
struct ListsArgs {
    /// The list to train on.
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// What its relative paths start from [default: the list's own folder].
    #[arg(long, value_name = "DIR")]
    train_folder: Option<PathBuf>,
    /// The list to validate on.
    #[arg(long, value_name = "FILE")]
    val: Option<PathBuf>,
    /// What its relative paths start from.
    #[arg(long, value_name = "DIR", requires = "val")]
    val_folder: Option<PathBuf>,
    /// The list to test on.
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// What its relative paths start from.
    #[arg(long, value_name = "DIR", requires = "test")]
    test_folder: Option<PathBuf>,
    /// The classes' names, one on each line.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Write the records in another order than the lists have.
    #[arg(long, default_value_t = lists_default().shuffle, action = clap::ArgAction::Set, value_name = "true|false")]
    shuffle: bool,
    #[command(flatten)]
    images: ImageArgs,
}

impl ListsArgs {
    fn request(self) -> ListsRequest {
        let ListsArgs { train, train_folder, val, val_folder, test, test_folder, labels, shuffle, images } = self;
        ListsRequest {
            train,
            train_folder,
            val,
            val_folder,
            test,
            test_folder,
            labels,
            shuffle,
            images: images.request(),
        }
    }
}

#[derive(Debug, Args)]
struct GenericArgs {
    /// Train images.
    #[arg(long, value_name = "DIR")]
    train_db: PathBuf,
    /// Train labels, when they are not in the images' records.
    #[arg(long, value_name = "DIR")]
    train_labels_db: Option<PathBuf>,
    /// Validation images.
    #[arg(long, value_name = "DIR")]
    val_db: Option<PathBuf>,
    /// Validation labels.
    #[arg(long, value_name = "DIR", requires = "val_db")]
    val_labels_db: Option<PathBuf>,
    /// The mean image, mean.binaryproto.
    #[arg(long, value_name = "FILE")]
    mean: Option<PathBuf>,
    /// The classes' names, one on each line: makes the task a classification.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The dataset folder to make.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl GenericArgs {
    fn request(self) -> GenericRequest {
        let GenericArgs { train_db, train_labels_db, val_db, val_labels_db, mean, labels, out } = self;
        GenericRequest { train_db, train_labels_db, val_db, val_labels_db, mean, labels, out }
    }
}

#[derive(Debug, Args)]
struct InfoArgs {
    /// A dataset folder, ours or a DIGITS job's.
    dataset: PathBuf,
    /// Write the first N train records as one picture.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    explore: Option<u64>,
    /// The name of that picture.
    #[arg(long, value_name = "FILE", default_value = "explore.png")]
    png: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Carries out `digits-rs dataset …`.
///
/// # Errors
/// When a dataset cannot be made or read.
pub fn run(args: DatasetArgs) -> Result<()> {
    match args.command {
        Command::Mnist(args) => make(|bar| dataset::mnist(&args.request(), bar, &Stop::default())),
        Command::Folder(args) => make(|bar| dataset::folder(&args.request(), bar, &Stop::default())),
        Command::Lists(args) => make(|bar| dataset::lists(&args.request(), bar, &Stop::default())),
        Command::Pairs(args) => make(|bar| dataset::pairs(&args.request(), bar, &Stop::default())),
        Command::Text(args) => make(|bar| dataset::text(&args.request(), bar, &Stop::default())),
        Command::Generic(args) => generic(args),
        Command::Info(args) => info(args),
    }
}

/// Makes a dataset below a bar, and prints what was made.
fn make(task: impl FnOnce(&mut Bar) -> Result<DatasetReport>) -> Result<()> {
    let mut bar = Bar::new();
    let report = task(&mut bar)?;
    bar.clear();
    let splits: Vec<String> =
        report.splits.iter().map(|split| format!("{} {}", split.name, HumanCount(split.records))).collect();
    report::line(&format!("{}: {} ({:.1} s)", report.out.display(), splits.join(", "), report.seconds));
    if !report.left_out.is_empty() {
        report::line(&format!(
            "left out {} images or lines that cannot be read, listed in skipped.txt",
            report.left_out.len()
        ));
    }
    report.notes.iter().for_each(|note| report::line(&format!("note: {note}")));
    Ok(())
}

fn generic(args: GenericArgs) -> Result<()> {
    let request = args.request();
    let info = dataset::generic(&request, &Stop::default())?;
    report::line(&format!("{}: points at databases where they lie", request.out.display()));
    print_info(&info);
    Ok(())
}

fn info(args: InfoArgs) -> Result<()> {
    let info = dataset::info(&InfoRequest { dataset: args.dataset.clone() })?;
    if args.json {
        json::print(&info)?;
    } else {
        report::line(&args.dataset.display().to_string());
        print_info(&info);
    }
    if let Some(records) = args.explore {
        let drawn = dataset::explore(&ExploreRequest { dataset: args.dataset, records, png: args.png })?;
        if !args.json {
            report::line(&format!("{}: the first {} records", drawn.png.display(), drawn.records));
        }
    }
    Ok(())
}

fn print_info(info: &Info) {
    let [c, h, w] = info.shape;
    report::line(&format!("  kind         {}", info.kind));
    report::line(&format!("  images       {w}x{h}, {c} channel{}", if c == 1 { "" } else { "s" }));
    for split in &info.splits {
        report::line(&format!("  {:<11}  {} records in {}", split.name, HumanCount(split.entries), split.folder));
        if let Some(labels) = &split.labels {
            report::line(&format!("               labels in {labels}"));
        }
    }
    if !info.mean.is_empty() {
        let mean: Vec<String> = info.mean.iter().map(|v| format!("{v:.2}")).collect();
        report::line(&format!("  mean         {}", mean.join(", ")));
    }
    report::line(&format!("  disk         {}", HumanBytes(info.disk_size)));
    if info.skipped > 0 {
        report::line(&format!("  left out     {} unreadable images, see skipped.txt", HumanCount(info.skipped)));
    }
    report::line(&format!("  fingerprint  {}", info.fingerprint));
    if info.labels.is_empty() {
        return;
    }
    let width = info.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max("class".len());
    let heads: String = info.splits.iter().map(|split| format!("  {:>9}", split.name)).collect();
    report::line(&format!("\n  {:<width$}{heads}", "class"));
    for (i, label) in info.labels.iter().enumerate() {
        let counts: String = info
            .splits
            .iter()
            .map(|split| {
                format!("  {:>9}", split.classes.get(i).map_or("-".to_string(), |&n| HumanCount(n).to_string()))
            })
            .collect();
        report::line(&format!("  {label:<width$}{counts}"));
    }
}

/// A bar on a terminal; off one, a line a stage. Left-out images are lines above the bar.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Bar {
        let style = ProgressStyle::with_template("{msg:10} [{bar:40}] {human_pos}/{human_len} {per_sec} ETA {eta}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        Bar(ProgressBar::new(0).with_style(style))
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Observer for Bar {
    fn line(&mut self, line: &str) {
        self.0.suspend(|| report::line(line));
    }

    fn stage(&mut self, name: &str, total: u64) {
        self.0.reset();
        self.0.set_length(total);
        self.0.set_message(name.to_string());
        if self.0.is_hidden() {
            report::line(&format!("{name}: {total} records"));
        }
    }

    fn done(&mut self, done: u64) {
        self.0.set_position(done);
    }

    fn skipped(&mut self, input: &str, reason: &str) {
        self.0.suspend(|| report::line(&format!("left out {input}: {reason}")));
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        data::Dataset,
        error::{Error, Kind},
    };

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: DatasetArgs,
    }

    fn run_line(words: &[&str]) -> Result<()> {
        let line =
            Line::try_parse_from([&["dataset"], words].concat()).map_err(|e| Error::new(Kind::Usage, e.to_string()))?;
        run(line.args)
    }

    #[test]
    fn a_folder_becomes_a_dataset_and_info_reads_it() {
        let root = tempfile::tempdir().unwrap();
        let images = root.path().join("images");
        for (class, value) in [("cat", 10u8), ("dog", 200)] {
            std::fs::create_dir_all(images.join(class)).unwrap();
            for i in 0..8 {
                let image = crate::data::Image { width: 9, height: 7, channels: 1, pixels: vec![value + i; 63] };
                image.save_png(&images.join(class).join(format!("{i}.png"))).unwrap();
            }
        }
        std::fs::write(images.join("cat/broken.png"), "no image").unwrap();
        let out = root.path().join("set");
        let (images, out_text) = (images.to_str().unwrap(), out.to_str().unwrap());
        let words = ["folder", images, "--out", out_text, "--size", "8x6", "--channels", "1", "--resize", "half_crop"];
        run_line(&words).unwrap();
        assert!(run_line(&words).unwrap_err().message().contains("exists already"));
        let png = root.path().join("sheet.png");
        run_line(&["info", out_text, "--explore", "4", "--png", png.to_str().unwrap()]).unwrap();
        assert!(png.is_file());
        let dataset = Dataset::open(&out).unwrap();
        assert_eq!(dataset.shape, [1, 6, 8]);
        assert_eq!(dataset.labels, ["cat", "dog"]);
        // The lists that were written name the images of a second dataset, unshuffled and with a folder to validate on.
        let (list, labels) = (out.join("train.txt"), out.join("labels.txt"));
        let twin = root.path().join("twin");
        let words =
            ["lists", "--train", list.to_str().unwrap(), "--labels", labels.to_str().unwrap(), "--shuffle", "false"];
        run_line(&[&words[..], &["--out", twin.to_str().unwrap(), "--size", "8x6", "--channels", "1"]].concat())
            .unwrap();
        let read = Dataset::open(&twin).unwrap().train().unwrap().labels().unwrap();
        assert!(read.is_sorted() && read.len() as u64 == dataset.train().unwrap().len(), "{read:?}");
        let both = root.path().join("both");
        let words = ["folder", images, "--val-folder", images, "--out", both.to_str().unwrap(), "--size", "8x6"];
        run_line(&words).unwrap();
        let both = Dataset::open(&both).unwrap();
        assert_eq!(both.train().unwrap().len(), both.val().unwrap().len());
        let skipped = std::fs::read_to_string(out.join("skipped.txt")).unwrap();
        assert!(skipped.contains("broken.png\tthe image cannot be decoded: "), "{skipped}");
        let generic = root.path().join("generic");
        let train = out.join("train_db");
        run_line(&["generic", "--train-db", train.to_str().unwrap(), "--out", generic.to_str().unwrap()]).unwrap();
        assert!(!generic.join("train_db").exists());
        assert_eq!(Dataset::open(&generic).unwrap().train().unwrap().len(), dataset.train().unwrap().len());
    }

    #[test]
    fn sizes_are_checked() {
        assert!(
            run_line(&["folder", "d", "--out", "o", "--size", "28"]).unwrap_err().message().contains("WIDTHxHEIGHT")
        );
        assert!(run_line(&["info", "/none"]).unwrap_err().message().contains("not a dataset"));
    }
}
