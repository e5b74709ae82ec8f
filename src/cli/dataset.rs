//! `digits-rs dataset`: makes datasets and says what is in one.
#![allow(clippy::print_stdout, reason = "the command line is what prints")]

use std::{path::PathBuf, time::Instant};

use clap::{Args, Subcommand};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::{
    data::{
        Dataset, Encoding, MnistOptions, Parts, Progress, Resize,
        create::{CreateOptions, Report, create, load_file},
        folder::{self, FolderOptions, Lists},
        idx::Idx,
        info::{Info, explore},
        text_lists::{self, TextList},
    },
    error::{Error, Kind, Result},
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
    /// LMDB databases that exist already; they are used where they lie.
    Generic(GenericArgs),
    /// Counts, shape, classes, mean, disk size.
    Info(InfoArgs),
}

#[derive(Debug, Args)]
struct MnistArgs {
    /// Folder with train-images-idx3-ubyte and the like, plain or .gz.
    #[arg(long, value_name = "DIR")]
    idx: PathBuf,
    /// The dataset folder to make.
    #[arg(long, value_name = "DIR", default_value = "datasets/mnist")]
    out: PathBuf,
    /// How pixels are kept.
    #[arg(long, value_enum, default_value = "png")]
    encoding: Encoding,
    /// Black digits on white, as DIGITS makes them.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false")]
    invert: bool,
    /// Percent of each digit for validation.
    #[arg(long, default_value_t = 25.0, value_name = "PERCENT")]
    val_percent: f64,
    /// Also write the first N images of the test set as PNG files.
    #[arg(long, default_value_t = 0, value_name = "N")]
    test_images: usize,
    /// Seeds the division and the order of the records.
    #[arg(long, default_value_t = 0)]
    seed: u64,
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
    #[arg(long, default_value_t = 25.0, value_name = "PERCENT")]
    val_percent: f64,
    /// Percent of each class for testing.
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    test_percent: f64,
    /// Classes with fewer images are left out.
    #[arg(long, default_value_t = 2, value_name = "N")]
    min_per_class: usize,
    /// At most this many images of a class.
    #[arg(long, value_name = "N")]
    max_per_class: Option<usize>,
}

/// What is made of images.
#[derive(Debug, Args)]
struct ImageArgs {
    /// The dataset folder to make.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Width and height of the records.
    #[arg(long, default_value = "256x256", value_parser = size, value_name = "WxH")]
    size: (i64, i64),
    /// 1 (grey) or 3 (colour).
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i64).range(1..=3))]
    channels: i64,
    /// How images of another shape are fitted.
    #[arg(long, value_enum, default_value = "squash")]
    resize: Resize,
    /// How pixels are kept.
    #[arg(long, value_enum, default_value = "png")]
    encoding: Encoding,
    /// Seeds the division, the order of the records and padding noise.
    #[arg(long, default_value_t = 0)]
    seed: u64,
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
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false")]
    shuffle: bool,
    #[command(flatten)]
    images: ImageArgs,
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
    /// The dataset folder to make.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
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
        Command::Mnist(args) => mnist(&args),
        Command::Folder(args) => from_folder(&args),
        Command::Lists(args) => from_lists(args),
        Command::Generic(args) => generic(args),
        Command::Info(args) => info(&args),
    }
}

fn mnist(args: &MnistArgs) -> Result<()> {
    if !(0.0..=100.0).contains(&args.val_percent) {
        return Err(Error::new(Kind::Usage, format!("{} % for validation", args.val_percent))
            .with_help("give a percentage from 0 to 100"));
    }
    let started = Instant::now();
    let train = Idx::read(&args.idx, "train")?;
    let test = (args.test_images > 0).then(|| Idx::read(&args.idx, "t10k")).transpose()?;
    let options =
        MnistOptions { encoding: args.encoding, invert: args.invert, val_percent: args.val_percent, seed: args.seed };
    let bar = Bar::new();
    let report = options.create(&args.out, &train, test.as_ref(), args.test_images, &bar)?;
    bar.clear();
    say(&args.out, &report, started);
    Ok(())
}

fn from_folder(args: &FolderArgs) -> Result<()> {
    // A folder of its own leaves nothing for the percentage.
    let percent = |folder: &Option<PathBuf>, percent| if folder.is_some() { 0.0 } else { percent };
    let division = FolderOptions {
        val_percent: percent(&args.val_folder, args.val_percent),
        test_percent: percent(&args.test_folder, args.test_percent),
        min_per_class: args.min_per_class,
        max_per_class: args.max_per_class,
        seed: args.images.seed,
    };
    let mut lists = folder::parse(&args.folder, &division)?;
    if let Some(folder) = &args.val_folder {
        lists.val = folder::parse_known(folder, &lists.labels)?;
    }
    if let Some(folder) = &args.test_folder {
        lists.test = folder::parse_known(folder, &lists.labels)?;
    }
    from_files(&args.images, &lists, true)
}

fn from_lists(args: ListsArgs) -> Result<()> {
    let list = |file: PathBuf, folder| TextList { file, folder };
    let lists = text_lists::parse(
        &list(args.train, args.train_folder),
        args.val.map(|file| list(file, args.val_folder)).as_ref(),
        args.test.map(|file| list(file, args.test_folder)).as_ref(),
        &args.labels,
    )?;
    from_files(&args.images, &lists, args.shuffle)
}

fn from_files(args: &ImageArgs, lists: &Lists, shuffle: bool) -> Result<()> {
    let started = Instant::now();
    println!(
        "{} images in {} classes: {} to train on, {} to validate, {} to test",
        HumanCount((lists.train.len() + lists.val.len() + lists.test.len()) as u64),
        lists.labels.len(),
        HumanCount(lists.train.len() as u64),
        HumanCount(lists.val.len() as u64),
        HumanCount(lists.test.len() as u64),
    );
    let options = CreateOptions {
        shape: [args.channels, args.size.1, args.size.0],
        resize: args.resize,
        encoding: args.encoding,
        seed: args.seed,
        shuffle,
    };
    let bar = Bar::new();
    let report = create(&args.out, lists, &load_file, options, &bar, &|_| Ok(()))?;
    bar.clear();
    say(&args.out, &report, started);
    Ok(())
}

fn generic(args: GenericArgs) -> Result<()> {
    let parts = Parts {
        train: Some(args.train_db),
        train_labels: args.train_labels_db,
        val: args.val_db,
        val_labels: args.val_labels_db,
        mean: args.mean,
        labels: None,
    };
    let dataset = Dataset::create_generic(&args.out, &parts)?;
    println!("{}: points at databases where they lie", args.out.display());
    print_info(&Info::of(&dataset)?);
    Ok(())
}

fn info(args: &InfoArgs) -> Result<()> {
    let dataset = Dataset::open(&args.dataset)?;
    let info = Info::of(&dataset)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&info).expect("strings, numbers and lists"));
    } else {
        println!("{}", args.dataset.display());
        print_info(&info);
    }
    if let Some(count) = args.explore {
        let records = dataset.train().or_else(|| dataset.val()).expect("a dataset has a split");
        explore(&records, count)?.save_png(&args.png)?;
        if !args.json {
            println!("{}: the first {} records", args.png.display(), count.min(records.len()));
        }
    }
    Ok(())
}

fn print_info(info: &Info) {
    let [c, h, w] = info.shape;
    println!("  kind         {}", info.kind);
    println!("  images       {w}x{h}, {c} channel{}", if c == 1 { "" } else { "s" });
    for split in &info.splits {
        println!("  {:<11}  {} records in {}", split.name, HumanCount(split.entries), split.folder);
    }
    if !info.mean.is_empty() {
        let mean: Vec<String> = info.mean.iter().map(|v| format!("{v:.2}")).collect();
        println!("  mean         {}", mean.join(", "));
    }
    println!("  disk         {}", HumanBytes(info.disk_size));
    if info.skipped > 0 {
        println!("  left out     {} unreadable images, see skipped.txt", HumanCount(info.skipped));
    }
    println!("  fingerprint  {}", info.fingerprint);
    if info.labels.is_empty() {
        return;
    }
    let width = info.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max("class".len());
    let heads: String = info.splits.iter().map(|split| format!("  {:>9}", split.name)).collect();
    println!("\n  {:<width$}{heads}", "class");
    for (i, label) in info.labels.iter().enumerate() {
        let counts: String = info
            .splits
            .iter()
            .map(|split| {
                format!("  {:>9}", split.classes.get(i).map_or("-".to_string(), |&n| HumanCount(n).to_string()))
            })
            .collect();
        println!("  {label:<width$}{counts}");
    }
}

fn say(out: &std::path::Path, report: &Report, started: Instant) {
    let splits: Vec<String> = ["train", "val", "test"]
        .iter()
        .filter_map(|name| Some(format!("{name} {}", HumanCount(report.manifest.splits.get(*name)?.entries))))
        .collect();
    println!("{}: {} ({:.1} s)", out.display(), splits.join(", "), started.elapsed().as_secs_f64());
    if !report.skipped.is_empty() {
        println!("left out {} images that cannot be read, listed in skipped.txt", report.skipped.len());
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

impl Progress for Bar {
    fn stage(&self, name: &str, total: u64) {
        self.0.reset();
        self.0.set_length(total);
        self.0.set_message(name.to_string());
        if self.0.is_hidden() {
            println!("{name}: {total} images");
        }
    }

    fn done(&self, done: u64) {
        self.0.set_position(done);
    }

    fn skipped(&self, input: &str, reason: &str) {
        self.0.suspend(|| println!("left out {input}: {reason}"));
    }
}

fn size(text: &str) -> std::result::Result<(i64, i64), String> {
    let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    sides.ok_or_else(|| "a size is written as WIDTHxHEIGHT, such as 28x28".to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

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
        assert_eq!(size("28x32"), Ok((28, 32)));
        assert!(size("28").is_err());
        assert!(run_line(&["info", "/none"]).unwrap_err().message().contains("not a dataset"));
    }
}
