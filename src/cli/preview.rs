//! What a run will do, looked at before it: `run --plot-lr` and `run --preview-augmentation N`.

use std::{path::Path, sync::Arc};

use super::{
    assemble::{self, Prepared},
    options::RunOptions,
    report,
    sweep::Variants,
};
use crate::{
    data::{Augment, DataLoader, LoaderOptions, Order, Preprocess, Records, Subtract},
    error::{Error, Kind, Result},
    frontend::Source,
    inspect::{
        contact_sheet::{Cell, ContactSheet},
        curves::Point,
        lines::{Line, LineChart},
        numbers::{grouped, significant},
        picture::Picture,
        raster,
        sparkline::sparkline,
    },
    job,
};

/// Points of a curve: more than the chart has pixels.
const POINTS: u64 = 2000;
/// Epochs shown of each image.
const EPOCHS: u64 = 6;

/// Draws the learning rate of every iteration into `lr.svg` and `lr.png` in `out`, and its course as a line of text.
/// Without a network file the batch size is that of the options, or 16.
pub(super) fn learning_rate(file: Option<&Path>, options: RunOptions, variants: &Variants, out: &Path) -> Result<()> {
    let options = options.with_defaults();
    let (records, batch) = match file {
        Some(file) => {
            let prepared = assemble::prepare(Source::read(file)?, options.clone())?;
            (prepared.records()?.len(), prepared.options.batch_size.unwrap_or(16))
        }
        None => {
            let (dataset, path) = assemble::open(&options)?;
            let records =
                dataset.train().ok_or_else(|| Error::new(Kind::Data, format!("{path} has no train records")))?;
            (records.len(), options.batch_size.unwrap_or(16))
        }
    };
    let steps = records.div_ceil(batch.max(1));
    let epochs = options.epochs.unwrap_or(30);
    let total = steps * epochs;
    let mut lines = Vec::new();
    let policy = options.lr_policy.clone().unwrap_or_default();
    for rate in variants.rates() {
        let schedule = RunOptions { lr: rate.or(options.lr), ..options.clone() }.schedule()?;
        let mut points = Vec::new();
        let mut before = f64::NAN;
        let every = (total / POINTS).max(1);
        for t in 0..total {
            let value = schedule.rate(t, total);
            let point = |value: f64| Point { epoch: t as f64 / steps as f64, value };
            // A step is drawn upright: two points at one moment.
            let jumps = before.is_finite() && (value - before).abs() > 0.02 * before.abs();
            if jumps {
                points.push(point(before));
            }
            if jumps || t % every == 0 || t + 1 == total {
                points.push(point(value));
            }
            before = value;
        }
        let ends = (schedule.rate(0, total), schedule.rate(total.saturating_sub(1), total));
        let note = format!("{} → {}", significant(ends.0, 4), significant(ends.1, 4));
        let each: Vec<f64> = (0..total).step_by(every as usize).map(|t| schedule.rate(t, total)).collect();
        let log = LineChart::spans_decades(each.iter().copied());
        report::line(&format!("lr {:<8} {}  {note}", significant(schedule.base, 4), sparkline(&each, 60, log)));
        lines.push(Line { name: format!("{policy}, base {}", significant(schedule.base, 4)), note, points });
    }
    let log = LineChart::spans_decades(lines.iter().flat_map(|line| &line.points).map(|point| point.value));
    let subtitle = format!(
        "{} records, batch size {batch}: {} iterations an epoch, {} in {epochs} epochs",
        grouped(records as i64),
        grouped(steps as i64),
        grouped(total as i64)
    );
    let title = format!("Learning rate: {policy}");
    let chart = LineChart { title, subtitle, measure: "learning rate".into(), lines, epochs: epochs as f64, log };
    report::line(&chart.subtitle);
    let svg = chart.svg();
    write(out, &[("lr.svg", svg.as_bytes()), ("lr.png", &raster::png(&svg, 1.0)?)])
}

/// Draws the first `count` train images and what the loader makes of each in the first epochs into
/// `augmentation.png` in `out`. The images come out of the loader itself; only the mean is left in, to be seen.
pub(super) fn augmentation(file: Option<&Path>, options: RunOptions, count: u64, out: &Path) -> Result<()> {
    let options = options.with_defaults();
    let (records, cut) = match file {
        Some(file) => {
            let Prepared { dataset, options, dataset_path, .. } =
                assemble::prepare(Source::read(file)?, options.clone())?;
            (train_records(dataset.train(), &dataset_path)?, options.cut())
        }
        None => {
            let (dataset, path) = assemble::open(&options)?;
            (train_records(dataset.train(), &path)?, options.cut())
        }
    };
    let count = count.min(records.len());
    let loader = |train: bool| -> Result<DataLoader> {
        let augment = if train { options.augment() } else { Augment::default() };
        let cut = cut.filter(|_| train);
        let preprocess = Preprocess::new(records.shape(), Subtract::None, None, cut, augment)?;
        let loader = LoaderOptions {
            batch_size: count as usize,
            order: Order::Sequential,
            seed: assemble::seed(&options),
            train,
            memory_budget: 0,
            ..LoaderOptions::default()
        };
        DataLoader::new(Arc::clone(&records), preprocess, loader)
    };
    let mut columns = vec![pictures(&mut loader(false)?, 1)?];
    let mut trained = loader(true)?;
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
    let settings = told(&options, cut);
    let sheet = ContactSheet {
        title: "Augmentation of the train images".into(),
        subtitle: format!("{settings}; the mean is not subtracted here"),
        cells,
        columns: columns.len(),
    };
    report::line(&settings);
    write(out, &[("augmentation.png", &sheet.png()?)])
}

fn train_records(records: Option<Arc<Records>>, path: &str) -> Result<Arc<Records>> {
    records.ok_or_else(|| Error::new(Kind::Data, format!("{path} has no train records")))
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
fn told(options: &RunOptions, cut: Option<i64>) -> String {
    let augment = options.augment();
    let mut words: Vec<String> = cut.map(|side| format!("crop {side}")).into_iter().collect();
    let amounts = [
        ("rotation ±", augment.rotate, "°"),
        ("scale σ ", augment.scale, ""),
        ("noise σ ", augment.noise, ""),
        ("hue σ ", augment.hue, ""),
        ("saturation σ ", augment.saturation, ""),
        ("value σ ", augment.value, ""),
    ];
    if let Some(flip) = options.aug_flip.filter(|flip| *flip != Augment::default().flip) {
        words.push(format!("{flip:?}").to_lowercase());
    }
    if let Some(turn) = options.aug_quad_rot.filter(|turn| *turn != Augment::default().quarter_turn) {
        words.push(format!("{turn:?}").to_lowercase());
    }
    let there = amounts.iter().filter(|(_, amount, _)| *amount > 0.0);
    words.extend(there.map(|(name, amount, unit)| format!("{name}{amount}{unit}")));
    if words.is_empty() { "nothing is changed: see the --aug options of run --help".into() } else { words.join(", ") }
}

fn write(out: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    std::fs::create_dir_all(out).map_err(|source| Error::io("make the folder", out, &source))?;
    for (name, bytes) in files {
        job::replace(&out.join(name), bytes)?;
    }
    let names: Vec<String> = files.iter().map(|(name, _)| out.join(name).display().to_string()).collect();
    report::line(&format!("made {}", names.join(", ")));
    Ok(())
}
