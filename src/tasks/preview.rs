//! What a run will do, looked at before it: its learning rate, and what it makes of the train images.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    options::RunOptions,
    panic,
    prepare::{self, OpenedDataset},
    settings::RunSettings,
    sweep::Variants,
};
use crate::{
    data::{Augment, DataLoader, LoaderOptions, Order, Preprocess, Records, Subtract},
    error::{Error, Kind, Result},
    frontend::{Output, Settings, Source},
    inspect::{
        contact_sheet::{Cell, ContactSheet},
        curves::Point,
        lines::{Line, LineChart},
        numbers::{grouped, significant},
        picture::Picture,
        raster,
    },
    job::{self, counted},
    optim::schedule::Schedule,
};

/// Points of a curve: more than the chart has pixels.
const POINTS: u64 = 2000;
/// Iterations that are looked at for steps between these points; of longer runs not every one.
const LOOKS: u64 = 10_000_000;
/// No more images are shown beside what training makes of them: one sheet holds them.
pub const MOST_IMAGES: u64 = 200;
/// Epochs shown of each image.
const EPOCHS: u64 = 6;

/// What is asked about a run's learning rate.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearningRate {
    /// The network file, for its batch size.
    pub network: Option<Source>,
    /// The run.
    pub options: RunOptions,
    /// Several base rates, instead of the one in `options`.
    pub rates: Vec<f64>,
    /// The folder for `lr.svg` and `lr.png`; they are not written when none is named.
    pub out: Option<PathBuf>,
}

/// The learning rate over a whole run.
#[derive(Debug, Clone, Serialize)]
pub struct LearningRateSummary {
    /// The policy's name.
    pub policy: String,
    /// Records, batch size, iterations and epochs, in words.
    pub run: String,
    /// A course for each base rate.
    pub courses: Vec<Course>,
    /// The chart of all of them.
    pub svg: String,
    /// The files written.
    pub made: Vec<PathBuf>,
}

/// The course of one learning rate.
#[derive(Debug, Clone, Serialize)]
pub struct Course {
    /// The base rate.
    pub base: f64,
    /// The rate of the first and of the last iteration.
    pub ends: [f64; 2],
    /// The rate at evenly spaced iterations, at most some 2,000 to 4,000 of them.
    pub rates: Vec<f64>,
}

impl Course {
    /// `0.01 → 1e-05`
    #[must_use]
    pub fn ends_text(&self) -> String {
        format!("{} → {}", significant(self.ends[0], 4), significant(self.ends[1], 4))
    }
}

/// Draws the learning rate of every iteration. Without a network file the batch size is that of the options, or DIGITS'
/// default.
///
/// # Errors
/// When the dataset or the network file cannot be read, there is no such policy, or the pictures cannot be written.
pub fn learning_rate(task: LearningRate) -> Result<LearningRateSummary> {
    panic::guarded(|| {
        Variants { lr: task.rates.clone(), ..Variants::default() }.check()?;
        let (settings, opened) = opened(task.network, task.options)?;
        let records = opened.train()?.len();
        let (batch, epochs) = (settings.batch_size, settings.epochs);
        let steps = records.div_ceil(batch.max(1));
        let total = steps.saturating_mul(epochs);
        let policy = settings.lr_policy.clone();
        let bases = if task.rates.is_empty() { vec![settings.lr] } else { task.rates };
        let (mut courses, mut lines) = (Vec::new(), Vec::new());
        for base in bases {
            let settings = RunSettings { lr: base, ..settings.clone() };
            settings.check()?;
            let schedule = settings.schedule()?;
            let last = schedule.rate(total.saturating_sub(1), total);
            let every = (total / POINTS).max(1);
            let rates = (0..total).step_by(every as usize).map(|t| schedule.rate(t, total)).collect();
            let course = Course { base, ends: [schedule.rate(0, total), last], rates };
            let name = format!("{policy}, base {}", significant(base, 4));
            lines.push(Line { name, note: course.ends_text(), points: points(&schedule, steps, total) });
            courses.push(course);
        }
        let run = format!(
            "{} records, batch size {batch}: {} iterations an epoch, {} in {}",
            grouped(records as i64),
            grouped(steps as i64),
            grouped(total as i64),
            counted(epochs, "epoch")
        );
        let chart = LineChart {
            title: format!("Learning rate: {policy}"),
            subtitle: run.clone(),
            measure: "learning rate".into(),
            log: LineChart::spans_decades(lines.iter().flat_map(|line| &line.points).map(|point| point.value)),
            lines,
            epochs: epochs as f64,
        };
        let svg = chart.svg();
        let made = match &task.out {
            Some(out) => write(out, &[("lr.svg", svg.as_bytes()), ("lr.png", &raster::png(&svg, 1.0)?)])?,
            None => Vec::new(),
        };
        Ok(LearningRateSummary { policy, run, courses, svg, made })
    })
}

/// The rate by epoch; a step is drawn upright: two points at one moment.
fn points(schedule: &Schedule, steps: u64, total: u64) -> Vec<Point> {
    let mut points = Vec::new();
    let mut before = f64::NAN;
    let (every, mut due) = ((total / POINTS).max(1), 0);
    let looks = (0..total).step_by((total / LOOKS).max(1) as usize);
    for t in looks.filter(|t| t + 1 != total).chain(total.checked_sub(1)) {
        let value = schedule.rate(t, total);
        let point = |value: f64| Point { epoch: t as f64 / steps as f64, value };
        let jumps = before.is_finite() && (value - before).abs() > 0.02 * before.abs();
        if jumps {
            points.push(point(before));
        }
        if jumps || t >= due || t + 1 == total {
            points.push(point(value));
        }
        if t >= due {
            due = t - t % every + every;
        }
        before = value;
    }
    points
}

/// What is asked about a run's augmentation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// The network file, for its crop.
    #[serde(default)]
    pub network: Option<Source>,
    /// The run.
    #[serde(default)]
    pub options: RunOptions,
    /// How many images are shown, 1 to [`MOST_IMAGES`].
    pub count: u64,
    /// The folder for `augmentation.png`; it is not written when none is named.
    #[serde(default)]
    pub out: Option<PathBuf>,
}

/// Train images beside what the first epochs make of them.
#[derive(Debug, Clone, Serialize)]
pub struct AugmentationSummary {
    /// The settings that change images, in words.
    pub settings: String,
    /// The picture, a PNG.
    #[serde(skip)]
    pub png: Vec<u8>,
    /// The files written.
    pub made: Vec<PathBuf>,
}

/// Draws the first `count` train images and what the loader makes of each in the first epochs. The images come out of the
/// loader itself; only the mean is left in, to be seen.
///
/// # Errors
/// When the dataset or the network file cannot be read, the augmentation does not fit the images, or the picture cannot be
/// written.
pub fn augmentation(task: Augmentation) -> Result<AugmentationSummary> {
    panic::guarded(|| {
        if !(1..=MOST_IMAGES).contains(&task.count) {
            return Err(Error::new(Kind::Usage, format!("{} train images do not fit one sheet", task.count))
                .with_help(format!("ask for 1 to {MOST_IMAGES}")));
        }
        let (settings, opened) = opened(task.network, task.options)?;
        let records = opened.train()?;
        let count = task.count.min(records.len());
        let mut columns = vec![pictures(&mut loader(&settings, &records, count, false)?, 1)?];
        let mut trained = loader(&settings, &records, count, true)?;
        for epoch in 1..=EPOCHS {
            columns.push(pictures(&mut trained, epoch)?);
        }
        let caption = |column: usize| match column {
            0 => "original".to_string(),
            epoch => format!("epoch {epoch}"),
        };
        let cells = (0..count as usize)
            .flat_map(|row| (0..columns.len()).map(move |column| (row, column)))
            .map(|(row, column)| Cell { picture: columns[column][row].clone(), caption: vec![caption(column)] })
            .collect();
        let settings = in_words(&settings);
        let sheet = ContactSheet {
            title: "Augmentation of the train images".into(),
            subtitle: format!("{settings}; the mean is not subtracted here"),
            cells,
            columns: columns.len(),
        };
        let png = sheet.png()?;
        let made = task.out.map_or(Ok(Vec::new()), |out| write(&out, &[("augmentation.png", &png)]))?;
        Ok(AugmentationSummary { settings, png, made })
    })
}

/// The first train image, and what the loader makes of it in the first `count` epochs, each as a PNG.
///
/// # Errors
/// As [`augmentation`].
pub fn augmented(options: &RunOptions, count: u64) -> Result<Vec<Vec<u8>>> {
    let (settings, opened) = opened(None, options.clone())?;
    let records = opened.train()?;
    let mut made = pictures(&mut loader(&settings, &records, 1, false)?, 1)?;
    let mut trained = loader(&settings, &records, 1, true)?;
    for epoch in 1..=count {
        made.extend(pictures(&mut trained, epoch)?);
    }
    made.iter().map(Picture::png).collect()
}

/// Settings and dataset; a network file has its say about batch size and crop.
fn opened(network: Option<Source>, options: RunOptions) -> Result<(RunSettings, OpenedDataset)> {
    let options = &options.with_absolute_paths()?;
    let before = network.as_ref().map(Settings::before).unwrap_or_default();
    let settings = RunSettings::of(options, &before);
    let Some(source) = network else {
        let opened = OpenedDataset::open(&settings, None)?;
        return Ok((settings, opened));
    };
    let device = prepare::device(&settings, 0)?;
    let prepared = prepare::prepare(source, options, device, OpenedDataset::open(&settings, None)?, Output::silent())?;
    Ok((prepared.settings, prepared.opened))
}

/// The first `count` records, whole, or cut and changed as in training.
fn loader(settings: &RunSettings, records: &Arc<Records>, count: u64, train: bool) -> Result<DataLoader> {
    let augment = if train { settings.augment() } else { Augment::default() };
    let cut = settings.cut().filter(|_| train);
    let preprocess = Preprocess::new(records.shape(), Subtract::None, None, cut, augment)?;
    let options = LoaderOptions {
        batch_size: count as usize,
        order: Order::Sequential,
        seed: settings.seed,
        train,
        memory_budget: 0,
        ..LoaderOptions::default()
    };
    DataLoader::new(Arc::clone(records), preprocess, options)
}

/// The first batch of an epoch as pictures.
fn pictures(loader: &mut DataLoader, epoch: u64) -> Result<Vec<Picture>> {
    loader.start(epoch, 0)?;
    let Some(batch) = loader.next()? else { return Ok(Vec::new()) };
    (0..batch.count as i64)
        .map(|i| {
            let image = batch.input.f_select(0, i)?.f_to_kind(tch::Kind::Float)?.f_contiguous()?;
            let values = Vec::<f32>::try_from(image.f_reshape([-1])?)?;
            Picture::image(&image.size(), &values, 0.0, 255.0)
                .ok_or_else(|| Error::new(Kind::Data, format!("records of {:?} are no pictures", image.size())))
        })
        .collect()
}

/// The settings that change images, in words.
fn in_words(settings: &RunSettings) -> String {
    let (augment, unchanged) = (settings.augment(), Augment::default());
    let mut words: Vec<String> = settings.cut().map(|side| format!("crop {side}")).into_iter().collect();
    let amounts = [
        ("rotation ±", augment.rotate, "°"),
        ("scale σ ", augment.scale, ""),
        ("noise σ ", augment.noise, ""),
        ("hue σ ", augment.hue, ""),
        ("saturation σ ", augment.saturation, ""),
        ("value σ ", augment.value, ""),
    ];
    if augment.flip != unchanged.flip {
        words.push(format!("{:?}", augment.flip).to_lowercase());
    }
    if augment.quarter_turn != unchanged.quarter_turn {
        words.push(format!("{:?}", augment.quarter_turn).to_lowercase());
    }
    let there = amounts.iter().filter(|(_, amount, _)| *amount > 0.0);
    words.extend(there.map(|(name, amount, unit)| format!("{name}{amount}{unit}")));
    if words.is_empty() { "nothing is changed: see the --aug options of run --help".into() } else { words.join(", ") }
}

fn write(out: &Path, files: &[(&str, &[u8])]) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(out).map_err(|source| Error::io("make the folder", out, &source))?;
    files
        .iter()
        .map(|(name, bytes)| {
            let path = out.join(name);
            job::replace(&path, bytes)?;
            Ok(path)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_preview_can_show_is_a_page_before_any_work() {
        for count in [0, MOST_IMAGES + 1] {
            let task = serde_json::from_value(serde_json::json!({"count": count})).unwrap();
            let page = augmentation(task).unwrap_err();
            assert_eq!((page.kind(), page.message().contains("do not fit one sheet")), (Kind::Usage, true));
        }
        let rates = |rates: &str| serde_json::from_str::<LearningRate>(&format!("{{\"rates\": {rates}}}")).unwrap();
        let page = learning_rate(rates("[0.1, 0.1]")).unwrap_err();
        assert!(page.message().contains("given twice"), "{page}");
        let folder = tempfile::tempdir().unwrap();
        let dataset = crate::data::sample::ensure(&folder.path().join("sample")).unwrap();
        let options = RunOptions { dataset: Some(dataset), ..RunOptions::default() };
        let page = learning_rate(LearningRate { options, ..rates("[0.1, -1.0]") }).unwrap_err();
        assert_eq!((page.kind(), page.message()), (Kind::Usage, "lr is -1"));
        assert!(serde_json::from_str::<LearningRate>("{\"rate\": []}").is_err());
        assert!(serde_json::from_str::<Augmentation>("{\"count\": 1, \"of\": 2}").is_err());
    }
}
