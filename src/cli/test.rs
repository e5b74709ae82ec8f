//! `digits-rs test JOB IMAGE`: one image through a job's network; a whole database with `--db`, a list with `--list`.

use std::{fmt::Write, path::PathBuf};

use indicatif::ProgressBar;
use serde::Serialize;

use super::{
    fenced::{self, FenceFlags, Outlet},
    json, report,
};
use crate::{
    data::Dataset,
    error::{Error, Kind, Result, shell_path},
    fence::Reach,
    inspect::{
        classify::Classification,
        label_image::PixelScores,
        numbers::{grouped, measured},
        output_kind::OutputKind,
        output_view::{Order, OutputView, Pixels},
    },
    job::JobView,
    tasks::{
        Observer, SnapshotChoice,
        inference::{
            self, DatabaseReport, DatabaseRequest, DatabaseResult, ImageReport, ImageRequest, ListReport, ListRequest,
            Written,
        },
        reach,
    },
    torch::device::DeviceChoice,
    train::Stop,
};

/// Images that could not be read, listed one by one on the terminal.
const MISSING: usize = 5;
/// Classes listed one by one on the terminal.
const LISTED: usize = 30;

/// Look inside a trained network: one image, the images of a list, or a whole database
#[derive(Debug, Clone, clap::Args)]
pub struct Test {
    /// The job directory
    pub job: PathBuf,
    /// The image (PNG, JPEG, BMP, GIF, TIFF, WebP or PNM), an array (.npy, .npz, .t7), or a folder of images
    #[arg(conflicts_with_all = ["db", "list"])]
    pub image: Option<PathBuf>,
    /// Which snapshot: an epoch, best or last
    #[arg(long, value_name = "EPOCH|best|last", default_value_t = SnapshotChoice::default())]
    pub snapshot: SnapshotChoice,
    /// Folder for the page and the pictures; by default test-NAME inside the job
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Test a whole database, or the val_db of a dataset: mean loss; of a classifier also confusion matrix, worst images
    #[arg(long, value_name = "DB", conflicts_with = "list")]
    pub db: Option<PathBuf>,
    /// Labels of that database, when they are in a database of their own [default: the job's, for its own databases]
    #[arg(long, value_name = "DB", requires = "db")]
    pub labels_db: Option<PathBuf>,
    /// Test every image of a text file: a path a line, perhaps followed by its class (number from 0, or name)
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Test one record of that database, counted from 0, as an image is tested
    #[arg(long, value_name = "N", requires = "db")]
    pub record: Option<u64>,
    /// What the output is shown as [default: what it is]
    #[arg(long, value_enum, value_name = "VIEW")]
    pub view: Option<View>,
    /// How an output image is drawn: its smallest value black and its largest white, or 0 black and 255 white
    #[arg(long, value_enum, value_name = "HOW", default_value_t = PixelsFlag::Normalize)]
    pub pixels: PixelsFlag,
    /// How the numbers of an output image lie: channel by channel, or pixel by pixel
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = OrderFlag::Chw)]
    pub order: OrderFlag,
    /// How many of the likeliest classes are shown
    #[arg(long, value_name = "N", default_value_t = inference::TOP, value_parser = clap::value_parser!(u64).range(1..))]
    pub top: u64,
    /// How many of the worst images are drawn
    #[arg(long, value_name = "N", default_value_t = inference::WORST, value_parser = clap::value_parser!(u64).range(1..=inference::MOST_WORST))]
    pub worst: u64,
    /// auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t = inference::DEVICE)]
    pub device: DeviceChoice,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    fence: FenceFlags,
}

/// What an output is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum View {
    /// Beside the input that it repeats
    Reconstruction,
    /// The likeliest classes
    Classes,
    /// An image
    Image,
    /// The likeliest class of each pixel
    Segmentation,
    /// Rectangles on the image: rows of left, top, right, bottom, confidence
    Boxes,
    /// The numbers themselves
    Numbers,
}

impl From<View> for OutputKind {
    fn from(view: View) -> OutputKind {
        match view {
            View::Reconstruction => OutputKind::Reconstruction,
            View::Classes => OutputKind::Classes,
            View::Image => OutputKind::Image,
            View::Segmentation => OutputKind::LabelImage,
            View::Boxes => OutputKind::Boxes,
            View::Numbers => OutputKind::Numbers,
        }
    }
}

/// How an output image is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PixelsFlag {
    /// The smallest value is black, the largest white
    Normalize,
    /// 0 is black, 255 white
    Clip,
}

/// How the numbers of an output image lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OrderFlag {
    /// Channel by channel
    Chw,
    /// Pixel by pixel
    Hwc,
}

/// Runs the command: prints the result, with progress over a database or a list.
///
/// # Errors
/// As the task.
pub fn run(mut args: Test) -> Result<()> {
    JobView::open(&args.job)?;
    if let Some(folder) = args.image.take_if(|image| image.is_dir()) {
        args.list = Some(folder);
    }
    if let Some(db) = &args.db
        && let Some((images, labels)) = Dataset::databases_of(db)
    {
        args.labels_db = args.labels_db.or(labels);
        args.db = Some(images);
    }
    let _outlet = enter(&args)?;
    let Test {
        job,
        image,
        snapshot,
        out,
        db,
        labels_db,
        list,
        record,
        view,
        pixels,
        order,
        top,
        worst,
        device,
        json,
        fence: _,
    } = args;
    let image = if record.is_some() { db.clone() } else { image };
    if let Some(database) = db.filter(|_| record.is_none()) {
        let request = DatabaseRequest { job, database, labels: labels_db, snapshot, worst, device, out };
        return show(json, |bar| inference::database(&request, bar, &Stop::default()), of_database);
    }
    if let Some(list) = list {
        let request = ListRequest { job, list, snapshot, top, worst, device, out };
        return show(json, |bar| inference::list(&request, bar, &Stop::default()), of_list);
    }
    let image = image.ok_or_else(|| {
        Error::new(Kind::Usage, "nothing to test")
            .with_help(format!(
                "one image:     digits-rs test {0} IMAGE\nmany images:   digits-rs test {0} FOLDER, or --list FILE\na database:    digits-rs test {0} --db DATASET",
                shell_path(&job)
            ))
    })?;
    let pixels = if pixels == PixelsFlag::Clip { Pixels::Clip } else { Pixels::Normalize };
    let order = if order == OrderFlag::Hwc { Order::Hwc } else { Order::Chw };
    let request =
        ImageRequest { job, image, record, view: view.map(Into::into), pixels, order, snapshot, top, device, out };
    show(json, |_| inference::image(&request), of_image)
}

/// Makes the folder of the results and fences the process in: it reads the job, what the job names and what is tested.
fn enter(args: &Test) -> Result<Option<Outlet>> {
    let Some(subject) = args.db.as_ref().or(args.list.as_ref()).or(args.image.as_ref()) else { return Ok(None) };
    let tested = match (&args.db, &args.list) {
        (Some(db), _) => reach::tested(db.clone(), args.labels_db.clone()),
        (None, Some(list)) => reach::list(list),
        (None, None) => Reach::default().reading(subject),
    };
    let reach = fenced::trained(&args.job)?.and(tested).and(reach::program(args.device));
    let of_record = args.record.map(|index| subject.join(format!("record-{index}")));
    let subject = of_record.as_ref().unwrap_or(subject);
    // No folder for a job that is none: its page is what comes of it.
    let folder = inference::place(args.out.as_deref(), &args.job, subject);
    let outlet = args.job.is_dir().then(|| Outlet::make("make the folder", &folder)).transpose()?;
    args.fence.enter(&outlet.iter().map(Outlet::reach).fold(reach, Reach::and));
    Ok(outlet)
}

/// Carries out a task below a bar and prints its report.
fn show<R: Serialize>(
    as_json: bool,
    task: impl FnOnce(&mut Bar) -> Result<R>,
    text: impl FnOnce(&R) -> String,
) -> Result<()> {
    let mut bar = Bar(ProgressBar::no_length());
    let report = task(&mut bar)?;
    bar.0.finish_and_clear();
    if as_json {
        return json::print(&report);
    }
    report::line(&text(&report));
    Ok(())
}

/// Records done of all. Images that cannot be read are lines of the result.
struct Bar(ProgressBar);

impl Observer for Bar {
    fn stage(&mut self, _name: &str, total: u64) {
        self.0.set_length(total);
    }

    fn done(&mut self, done: u64) {
        self.0.set_position(done);
    }
}

fn of_image(report: &ImageReport) -> String {
    let mut lines: Vec<String> = report.notes.iter().map(|note| format!("note: {note}")).collect();
    if let Some(r) = &report.result.reconstruction {
        let (square, root) = (measured(r.mean_squared_error), measured(r.root_mean_squared_error));
        lines.push(format!("reconstruction error {square} per pixel (squared grey levels), {root} grey levels"));
    }
    for p in &report.result.predictions {
        lines.push(format!("{:>6.2} %  {}", p.probability * 100.0, p.label));
    }
    match &report.result.view {
        Some(OutputView::Segmentation(found)) => lines.push(of_pixels(&found.scores)),
        Some(OutputView::Image(_)) => lines.push("the output is an image: output.png".into()),
        Some(OutputView::Boxes { boxes, .. }) => {
            lines.push(format!("{} boxes: left, top, right, bottom, confidence", boxes.len()));
            for found in boxes.iter().take(LISTED) {
                let numbers: Vec<String> =
                    found.sides.iter().chain(&found.confidence).map(ToString::to_string).collect();
                lines.push(format!("  {}", numbers.join("  ")));
            }
        }
        Some(OutputView::Numbers { values, statistics }) => {
            let shown: Vec<String> = values.iter().take(LISTED).map(ToString::to_string).collect();
            let more = if values.len() > LISTED { " …" } else { "" };
            lines.push(format!("output {:?}: {}{more}", statistics.shape, shown.join("  ")));
        }
        None => {}
    }
    lines.push(files(&report.written));
    lines.join("\n")
}

/// Shares of the classes among the pixels, and the agreement with label images.
fn of_pixels(scores: &PixelScores) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let mut text = String::new();
    if let (Some(accuracy), Some(iou)) = (scores.pixel_accuracy, scores.mean_iou) {
        let _ = writeln!(text, "pixel accuracy {}, mean IoU {}", percent(accuracy), percent(iou));
    }
    let width = scores.classes.iter().map(|class| class.label.chars().count()).max().unwrap_or(0);
    for class in &scores.classes {
        let iou = class.iou.map_or_else(String::new, |iou| format!("   IoU {:>7}", percent(iou)));
        let _ = writeln!(text, "  {:<width$}  {:>7} of the pixels{iou}", class.label, percent(class.share));
    }
    text.trim_end().to_string()
}

fn of_database(report: &DatabaseReport) -> String {
    let name = report.database.display().to_string();
    let notes: String = report.notes.iter().map(|note| format!("note: {note}\n")).collect();
    notes
        + &match &report.result {
            DatabaseResult::Classification(result) => of_classification(result, &name, report.written.as_ref()),
            DatabaseResult::Segmentation(result) => format!(
                "mean loss {}, {} images of {name}\n{}",
                measured(result.loss.loss),
                grouped(result.loss.images as i64),
                of_pixels(&result.pixels)
            ),
            DatabaseResult::MeanLoss(result) => format!(
                "mean loss {} over {} batches, {} images of {name}",
                measured(result.loss),
                grouped(result.batches as i64),
                grouped(result.images as i64),
            ),
        }
}

fn of_list(report: &ListReport) -> String {
    let mut text: String = report.notes.iter().map(|note| format!("note: {note}\n")).collect();
    for image in &report.tested {
        if let Some(labels) = &image.label_image {
            let shares =
                labels.view.legend.iter().map(|class| format!("  {} {:.1} %", class.name, class.share * 100.0));
            let _ = writeln!(text, "{}{}", image.image.display(), shares.collect::<String>());
        } else if image.output.is_none() {
            let chances = image.predictions.iter().map(|p| format!(" {} {:.2} %", p.label, p.probability * 100.0));
            let line = format!("{} {}", image.image.display(), chances.collect::<Vec<_>>().join(" "));
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    for (images, what) in [(&report.unknown_classes, "without a class"), (&report.not_tested, "not tested")] {
        for image in images.iter().take(MISSING) {
            let _ = writeln!(text, "{}  {what}: {}", image.image.display(), image.reason);
        }
        if images.len() > MISSING {
            let _ = writeln!(text, "… and {} more {what}; --json lists all", images.len() - MISSING);
        }
    }
    if let Some(pixels) = &report.pixels {
        let folder = report.table.parent().unwrap_or(&report.table).display();
        let _ = writeln!(text, "\nall images:\n{}\neach image's classes are drawn in {folder}", of_pixels(pixels));
    }
    let (tested, not_tested) = (report.tested.len(), report.not_tested.len());
    let _ = write!(text, "{tested} images tested, {not_tested} not; {}", report.table.display());
    if let Some(result) = &report.classification {
        let name = report.list.display().to_string();
        let _ = write!(text, "\n\n{}", of_classification(result, &name, report.written.as_ref()));
    }
    text
}

fn of_classification(result: &Classification, name: &str, written: Option<&Written>) -> String {
    let five = result.accuracy_top5.map_or_else(String::new, |share| format!(", top 5 {:.2} %", share * 100.0));
    let loss = result.loss.map_or_else(String::new, |loss| format!(", mean loss {}", measured(loss)));
    let (all, known) = (result.images, result.confusion.total());
    let counted = if known < all {
        format!("{} images with a class, of {}", grouped(known as i64), grouped(all as i64))
    } else {
        format!("{} images", grouped(all as i64))
    };
    let mut text = format!(
        "accuracy {:.2} %{five}{loss}, {counted} of {name}\n\n{}\n",
        result.accuracy * 100.0,
        result.confusion.table(LISTED)
    );
    let labels = &result.confusion.labels;
    let mistakes: Vec<String> = result
        .confusion
        .mistakes()
        .iter()
        .take(5)
        .map(|(right, answer, times)| format!("{} for {} ({times})", labels[*right], labels[*answer]))
        .collect();
    if !mistakes.is_empty() {
        text += &format!("\nmost often taken: {}\n", mistakes.join(", "));
    }
    text + &written.map_or_else(String::new, files)
}

fn files(written: &Written) -> String {
    format!("{} and {} more files", written.page().display(), written.files.len().saturating_sub(1))
}
