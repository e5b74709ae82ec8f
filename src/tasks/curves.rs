//! The curves of a job: loss, and a classifier's accuracy, painted into its directory from `metrics.jsonl`.

use std::path::Path;

use crate::{
    error::Result,
    input::{self, Form},
    inspect::{
        chart::{self, LossChart},
        curves::{Curves, Point},
        lines::{Line, LineChart},
        raster,
    },
    job::{JobDir, file},
};

/// Paints `loss.svg` and `loss.png`, and `accuracy.svg` and `accuracy.png` where there is one.
///
/// # Errors
/// When the metrics cannot be read, or a picture cannot be written.
pub(super) fn paint(job: &JobDir) -> Result<()> {
    let metrics = job.path().join(file::METRICS);
    let lines = input::read_text(&metrics, Form::Stream)?;
    let record = job.record();
    let title = record.network.name.clone();
    let subtitle = format!("{}, seed {}, job {}", from_here(&record.dataset.path), record.seed, record.id);
    let curves = Curves::from_metrics(&lines);
    let epochs = record.settings["epochs"].as_f64().unwrap_or(0.0);
    if let Some(chart) = accuracy(&curves, &title, &subtitle, epochs) {
        let svg = chart.svg();
        job.replace(file::ACCURACY_SVG, svg.as_bytes())?;
        job.replace(file::ACCURACY_PNG, &raster::png(&svg, 1.0)?)?;
    }
    let svg = chart::loss(&LossChart { title, subtitle, curves, epochs, log: false });
    job.replace(file::LOSS_SVG, svg.as_bytes())?;
    job.replace(file::LOSS_PNG, &raster::png(&svg, 1.0)?)
}

/// The accuracy in percent by epoch, of a classifier.
fn accuracy(curves: &Curves, title: &str, subtitle: &str, epochs: f64) -> Option<LineChart> {
    let line = |name: &str, points: &[Point]| {
        let percent: Vec<Point> = points.iter().map(|p| Point { epoch: p.epoch, value: 100.0 * p.value }).collect();
        let best = percent.iter().map(|p| p.value).fold(0.0, f64::max);
        percent.last().map(|last| Line {
            name: name.into(),
            note: format!("last {:.2} %, best {best:.2} %", last.value),
            points: percent.clone(),
        })
    };
    let lines: Vec<Line> =
        [line("accuracy", &curves.accuracy), line("top 5", &curves.accuracy_top5)].into_iter().flatten().collect();
    let (title, subtitle, measure) = (title.into(), subtitle.into(), "right answers in validation, %".into());
    (!lines.is_empty()).then_some(LineChart { title, subtitle, measure, lines, epochs, log: false })
}

/// The path as it is typed from the working directory, when it lies below.
fn from_here(path: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    Path::new(path).strip_prefix(here).map_or_else(|_| path.to_string(), |below| below.display().to_string())
}
