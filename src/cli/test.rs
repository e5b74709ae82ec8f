//! `digits-rs test JOB IMAGE`: one image through a job's network; a whole database with `--db`, a list with `--list`.

mod database;
mod list;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    error::{Error, Kind, Result},
    inspect::{numbers::measured, test_one},
    nn::{Activity, Network},
};

/// Arguments of `test`.
#[derive(Debug, Clone, clap::Args)]
pub struct Test {
    /// The job directory
    pub job: PathBuf,
    /// The image: PNG, JPEG, BMP, GIF, TIFF, WebP or PNM
    #[arg(required_unless_present_any = ["db", "list"], conflicts_with_all = ["db", "list"])]
    pub image: Option<PathBuf>,
    /// Which snapshot: an epoch, best or last
    #[arg(long, value_name = "EPOCH|best|last", default_value_t = Choice::Best)]
    pub snapshot: Choice,
    /// Folder for the page and the pictures; by default test-NAME inside the job
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Test a whole database: mean loss; of a classifier also confusion matrix, classes, worst images
    #[arg(long, value_name = "DB", conflicts_with = "list")]
    pub db: Option<PathBuf>,
    /// Labels of that database, when they are in a database of their own [default: the job's, for its own databases]
    #[arg(long, value_name = "DB", requires = "db")]
    pub labels_db: Option<PathBuf>,
    /// Test every image of a text file: a path a line, perhaps followed by its class (number from 0, or name)
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// How many of the likeliest classes are shown
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub top: u64,
    /// How many of the worst images are drawn
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=400))]
    pub worst: u64,
}

/// Runs the command: prints the result, with progress over a database.
///
/// # Errors
/// As [`Test::run`].
pub fn run(args: &Test) -> Result<()> {
    let bar = indicatif::ProgressBar::no_length();
    let text = args.run(super::trained::Trained::open, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    super::report::line(&text);
    Ok(())
}

/// Which snapshot is tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice {
    /// The one with the lowest validation loss.
    Best,
    /// The latest.
    Last,
    /// That of this epoch.
    Epoch(f64),
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Best => f.write_str("best"),
            Choice::Last => f.write_str("last"),
            Choice::Epoch(epoch) => write!(f, "{epoch}"),
        }
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        match text {
            "best" => Ok(Choice::Best),
            "last" => Ok(Choice::Last),
            _ => text
                .parse()
                .ok()
                .filter(|epoch: &f64| epoch.is_finite() && *epoch >= 0.0)
                .map(Choice::Epoch)
                .ok_or_else(|| "write an epoch such as 30 or 0.5, or best, or last".into()),
        }
    }
}

/// Batches of a database: inputs `[n, c, h, w]` after preprocessing, with targets after the label hook.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<(tch::Tensor, Activity)>> + 'a>;

/// A job opened for testing: its network with a snapshot's weights, and its way of preparing images.
pub trait Opened {
    /// The network.
    fn network(&self) -> &Network;

    /// Class labels; empty without.
    fn labels(&self) -> &[String];

    /// Labelled facts for the page: job, network file, snapshot, device.
    fn facts(&self) -> Vec<(String, String)>;

    /// An image file, resized and cropped as in training: its pixels, and the same after mean subtraction, `[c, h, w]`.
    ///
    /// # Errors
    /// When it cannot be read as an image.
    fn image(&self, path: &Path) -> Result<(tch::Tensor, tch::Tensor)>;

    /// The number of records of a database (with labels in another one, when given), and its batches in order.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn batches<'a>(&'a self, db: &Path, labels: Option<&Path>) -> Result<(u64, Batches<'a>)>;

    /// The pixels of record `index` (from 0) of a database, as the network sees them but for the mean, `[c, h, w]`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn record(&self, db: &Path, index: u64) -> Result<tch::Tensor>;
}

impl Test {
    /// Runs the test and returns the lines to print. `open` opens job and snapshot; `progress` is told (done, all)
    /// records of a database.
    ///
    /// # Errors
    /// When job, snapshot, image or database cannot be read, or do not fit the network.
    pub fn run<O: Opened>(
        &self,
        open: impl FnOnce(&Path, Choice) -> Result<O>,
        progress: impl FnMut(u64, u64),
    ) -> Result<String> {
        let job = open(&self.job, self.snapshot)?;
        if let Some(db) = &self.db {
            return self.database(&job, db, progress);
        }
        if let Some(list) = &self.list {
            return self.list(&job, list, progress);
        }
        let image = self.image.as_deref().ok_or_else(|| {
            Error::new(Kind::Usage, "nothing to test")
                .with_help("name an image, a database with --db, or a list with --list")
        })?;
        let (original, input) = job.image(image)?;
        let mut facts = job.facts();
        facts.push(("image".into(), image.display().to_string()));
        let report = test_one::run(&test_one::Subject {
            network: job.network(),
            original: &original,
            input: &input,
            labels: job.labels(),
            top: self.top as usize,
            title: name_of(image.file_name()),
            facts,
        })?;
        let dir = self.folder(image);
        let files = report.write(&dir)?;
        let mut lines = Vec::new();
        if let Some(r) = &report.reconstruction {
            let (square, root) = (measured(r.mean_squared_error), measured(r.root_mean_squared_error));
            lines.push(format!("reconstruction error {square} per pixel (squared grey levels), {root} grey levels"));
        }
        for p in &report.predictions {
            lines.push(format!("{:>6.2} %  {}", p.probability * 100.0, p.label));
        }
        let page = fs::canonicalize(&files[0]).unwrap_or_else(|_| files[0].clone());
        lines.push(format!("{} and {} more files", page.display(), files.len() - 1));
        Ok(lines.join("\n"))
    }

    /// Where results about `subject` go.
    fn folder(&self, subject: &Path) -> PathBuf {
        self.out.clone().unwrap_or_else(|| self.job.join(format!("test-{}", name_of(subject.file_stem()))))
    }
}

fn name_of(part: Option<&std::ffi::OsStr>) -> String {
    part.map_or("image".into(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::toy;

    struct Toy(Network);

    impl Opened for Toy {
        fn network(&self) -> &Network {
            &self.0
        }

        fn labels(&self) -> &[String] {
            &[]
        }

        fn facts(&self) -> Vec<(String, String)> {
            vec![("job".into(), "toy".into())]
        }

        fn image(&self, _: &Path) -> Result<(tch::Tensor, tch::Tensor)> {
            let pixels = tch::Tensor::arange(16, (tch::Kind::Float, tch::Device::Cpu)).view([1, 4, 4]);
            Ok((pixels.shallow_clone(), pixels - 7.5))
        }

        fn record(&self, _: &Path, _: u64) -> Result<tch::Tensor> {
            Ok(tch::Tensor::zeros([1, 4, 4], (tch::Kind::Float, tch::Device::Cpu)))
        }

        fn batches<'a>(&'a self, _: &Path, _: Option<&Path>) -> Result<(u64, Batches<'a>)> {
            let batch = |_| {
                let x = tch::Tensor::zeros([2, 1, 4, 4], (tch::Kind::Float, tch::Device::Cpu));
                Ok((x.shallow_clone(), x.into()))
            };
            Ok((4, Box::new((0..2).map(batch))))
        }
    }

    fn args() -> Test {
        Test {
            job: "job".into(),
            image: None,
            snapshot: Choice::Best,
            out: None,
            db: None,
            labels_db: None,
            list: None,
            top: 5,
            worst: 4,
        }
    }

    #[test]
    fn an_image_gives_a_page_and_its_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut args = args();
        (args.image, args.out) = (Some("seven.png".into()), Some(dir.path().join("out")));
        let text = args.run(|_, _| Ok(Toy(toy::autoencoder())), |_, _| {}).unwrap();
        assert!(text.starts_with("reconstruction error ") && text.contains("index.html and "), "{text}");
        assert!(fs::read_to_string(dir.path().join("out/index.html")).unwrap().contains("<h1>seven.png</h1>"));
    }

    #[test]
    fn a_database_gives_its_mean_loss_and_progress() {
        let mut args = args();
        args.db = Some("val_db".into());
        let mut seen = vec![];
        let text = args.run(|_, _| Ok(Toy(toy::autoencoder())), |done, all| seen.push((done, all))).unwrap();
        assert!(text.ends_with("over 2 batches, 4 images of val_db"), "{text}");
        assert_eq!(seen, [(2, 4), (4, 4)]);
    }

    #[test]
    fn snapshots_are_chosen_by_word_or_epoch() {
        assert_eq!("0.5".parse(), Ok(Choice::Epoch(0.5)));
        assert_eq!("last".parse(), Ok(Choice::Last));
        for bad in ["-1", "nan", "newest"] {
            assert!(bad.parse::<Choice>().is_err(), "{bad}");
        }
    }
}
