//! The loss chart of a job: training and validation loss, and the learning rate as a step line on a second axis.
//!
//! DIGITS draws the same on its job page (left axis from 0); marks, legend with values and the logarithmic axis
//! are ours.

use super::{
    axis::Scale,
    curves::{Curves, Point},
    frame::{Frame, GRID, INK, SOFT_INK, epoch_ticks},
    numbers::{measured, significant},
    svg::{Svg, number, polyline, text_width},
};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 540.0;
/// The plot's left, right, top and bottom edges.
const PLOT: Frame = Frame { left: 78.0, right: 872.0, top: 118.0, bottom: 476.0 };

// Each colour has a contrast of at least 4.5 : 1 on white and the three differ in lightness too.
const TRAIN: &str = "#2f6fb5";
const VALIDATION: &str = "#c03a0c";
const RATE: &str = "#5f6b3a";

/// What a loss chart says and shows.
#[derive(Debug, Clone, Default)]
pub struct LossChart {
    /// The job's or network's name.
    pub title: String,
    /// One line of facts: dataset, batch size, seed, device.
    pub subtitle: String,
    /// The points.
    pub curves: Curves,
    /// Epochs the run is meant to take, so that the axis stays while it goes on; 0 shows what there is.
    pub epochs: f64,
    /// A logarithmic loss axis instead of one from 0.
    pub log: bool,
}

/// The chart as an SVG document of 960 × 540 on white.
#[must_use]
pub fn loss(chart: &LossChart) -> String {
    let curves = &chart.curves;
    let losses = || finite(&curves.train).chain(finite(&curves.validation));
    let highest = losses().map(|p| p.value).fold(0.0, f64::max);
    let lowest = losses().map(|p| p.value).filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
    let last_epoch = losses().chain(finite(&curves.rate)).map(|p| p.epoch).fold(chart.epochs, f64::max);
    let scales = Scales {
        x: Scale::exact(0.0, last_epoch),
        loss: if chart.log && lowest.is_finite() { Scale::log(lowest, highest) } else { Scale::from_zero(highest) },
        rate: rate_scale(&curves.rate),
    };

    let title = if chart.title.is_empty() { "Loss" } else { &chart.title };
    let mut svg = Svg::new(WIDTH, HEIGHT, &format!("{title}: training and validation loss by epoch"));
    svg.rect(0.0, 0.0, WIDTH, HEIGHT, "fill=\"#ffffff\"");
    svg.text((24.0, 38.0), 20.0, &format!("fill=\"{INK}\""), title);
    svg.text((24.0, 60.0), 12.5, &format!("fill=\"{SOFT_INK}\""), &chart.subtitle);
    draw_grid(&mut svg, &scales, chart.log);
    draw_rate(&mut svg, &scales, &curves.rate);
    draw_train(&mut svg, &scales, &curves.train);
    draw_validation(&mut svg, &scales, curves);
    draw_legend(&mut svg, curves);
    if losses().next().is_none() {
        let style = format!("fill=\"{SOFT_INK}\" text-anchor=\"middle\"");
        svg.text((PLOT.x(0.5), PLOT.y(0.5)), 14.0, &style, "no losses yet");
    }
    svg.finish()
}

struct Scales {
    x: Scale,
    loss: Scale,
    rate: Option<Scale>,
}

impl Scales {
    fn loss_at(&self, p: Point) -> (f64, f64) {
        (PLOT.x(self.x.place(p.epoch)), PLOT.y(self.loss.place(p.value)))
    }
}

fn finite(points: &[Point]) -> impl Iterator<Item = Point> + '_ {
    points.iter().copied().filter(|p| p.value.is_finite() && p.epoch.is_finite())
}

/// Rates that fall by decades need a logarithmic axis, a constant or gently falling one an axis from 0.
fn rate_scale(rate: &[Point]) -> Option<Scale> {
    let positive = || finite(rate).map(|p| p.value).filter(|v| *v > 0.0);
    let highest = positive().fold(0.0, f64::max);
    let lowest = positive().fold(f64::INFINITY, f64::min);
    if highest == 0.0 {
        None
    } else if highest > 8.0 * lowest {
        Some(Scale::log(lowest, highest))
    } else {
        Some(Scale::from_zero(highest * 1.05))
    }
}

fn draw_grid(svg: &mut Svg, scales: &Scales, log: bool) {
    let label = format!("fill=\"{SOFT_INK}\"");
    PLOT.rows(svg, scales.loss, true, measured);
    let epochs = if let Scale::Linear { lo, hi } = scales.x { hi - lo } else { 0.0 };
    for tick in scales.x.ticks(epoch_ticks(epochs)) {
        let x = PLOT.x(scales.x.place(tick));
        svg.line((x, PLOT.top), (x, PLOT.bottom), &format!("stroke=\"{GRID}\""));
        svg.line((x, PLOT.bottom), (x, PLOT.bottom + 5.0), &format!("stroke=\"{SOFT_INK}\""));
        svg.text((x, PLOT.bottom + 21.0), 12.0, &format!("{label} text-anchor=\"middle\""), &significant(tick, 4));
    }
    if let Some(rate) = scales.rate {
        for tick in rate.ticks(5) {
            let y = PLOT.y(rate.place(tick));
            svg.line((PLOT.right, y), (PLOT.right + 5.0, y), &format!("stroke=\"{RATE}\""));
            svg.text((PLOT.right + 10.0, y + 4.2), 12.0, &format!("fill=\"{RATE}\""), &significant(tick, 3));
        }
        let (x, y) = (WIDTH - 16.0, PLOT.y(0.5));
        let style =
            format!("fill=\"{RATE}\" text-anchor=\"middle\" transform=\"rotate(90 {} {})\"", number(x), number(y));
        svg.text((x, y), 12.5, &style, "learning rate");
    }
    svg.line((PLOT.left, PLOT.bottom), (PLOT.right, PLOT.bottom), &format!("stroke=\"{SOFT_INK}\""));
    PLOT.beside(svg, if log { "loss (logarithmic)" } else { "loss" });
    let style = format!("fill=\"{INK}\" text-anchor=\"middle\"");
    svg.text((PLOT.x(0.5), HEIGHT - 20.0), 12.5, &style, "epoch");
}

fn draw_rate(svg: &mut Svg, scales: &Scales, rate: &[Point]) {
    let Some(scale) = scales.rate else { return };
    let mut steps = Vec::new();
    let mut before: Option<f64> = None;
    let mut end = PLOT.left;
    for p in finite(rate).filter(|p| p.value > 0.0) {
        let (x, y) = (PLOT.x(scales.x.place(p.epoch)), PLOT.y(scale.place(p.value)));
        match before {
            // The first rate was in force from the beginning.
            None => steps.push((PLOT.left, y)),
            Some(old) if old != y => steps.extend([(x, old), (x, y)]),
            Some(_) => {}
        }
        (before, end) = (Some(y), x);
    }
    steps.extend(before.map(|y| (end, y)));
    svg.path(
        &polyline(steps),
        &format!("fill=\"none\" stroke=\"{RATE}\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\""),
    );
}

/// At most two points for a pixel: more are gathered into one mean a pixel, with the range behind it as a band.
fn draw_train(svg: &mut Svg, scales: &Scales, train: &[Point]) {
    // Broader than the validation line, which is drawn over it: both stay visible where they run together.
    let stroke = format!("fill=\"none\" stroke=\"{TRAIN}\" stroke-width=\"3.2\" stroke-linejoin=\"round\"");
    let columns = (PLOT.right - PLOT.left) as usize;
    if train.len() <= 2 * columns {
        svg.path(&polyline(train.iter().map(|p| scales.loss_at(*p))), &stroke);
    } else {
        let mut gathered: Vec<Column> = Vec::new();
        for p in finite(train) {
            let pixel = PLOT.x(scales.x.place(p.epoch)) as i64;
            match gathered.last_mut().filter(|column| column.pixel == pixel) {
                Some(column) => column.add(p.value),
                None => gathered.push(Column { pixel, sum: p.value, count: 1, lo: p.value, hi: p.value }),
            }
        }
        let at = |column: &Column, value: f64| (column.pixel as f64 + 0.5, PLOT.y(scales.loss.place(value)));
        let there = gathered.iter().map(|column| at(column, column.hi));
        let back = gathered.iter().rev().map(|column| at(column, column.lo));
        svg.path(&(polyline(there.chain(back)) + "Z"), &format!("fill=\"{TRAIN}\" fill-opacity=\"0.18\""));
        svg.path(&polyline(gathered.iter().map(|column| at(column, column.sum / column.count as f64))), &stroke);
    }
    if let Some(last) = finite(train).last() {
        svg.circle(scales.loss_at(last), 3.5, &format!("fill=\"{TRAIN}\" stroke=\"#ffffff\" stroke-width=\"1.2\""));
    }
}

struct Column {
    pixel: i64,
    sum: f64,
    count: usize,
    lo: f64,
    hi: f64,
}

impl Column {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
        self.lo = self.lo.min(value);
        self.hi = self.hi.max(value);
    }
}

fn draw_validation(svg: &mut Svg, scales: &Scales, curves: &Curves) {
    let stroke = format!("fill=\"none\" stroke=\"{VALIDATION}\" stroke-width=\"1.4\" stroke-linejoin=\"round\"");
    svg.path(&polyline(curves.validation.iter().map(|p| scales.loss_at(*p))), &stroke);
    if curves.validation.len() <= 120 {
        for p in finite(&curves.validation) {
            svg.circle(scales.loss_at(p), 2.6, &format!("fill=\"{VALIDATION}\""));
        }
    }
    let Some(best) = curves.best() else { return };
    let (x, y) = scales.loss_at(best);
    svg.circle((x, y), 6.0, &format!("fill=\"none\" stroke=\"{VALIDATION}\" stroke-width=\"1.8\""));
    let words = format!("best {} at epoch {}", measured(best.value), significant(best.epoch, 4));
    // The curve comes down from the left: above the mark is free, except in the top of the plot.
    let above = y - 46.0 > PLOT.top;
    let (line_from, line_to, baseline) =
        if above { (y - 8.0, y - 30.0, y - 36.0) } else { (y + 8.0, y + 30.0, y + 44.0) };
    svg.line((x, line_from), (x, line_to), &format!("stroke=\"{VALIDATION}\""));
    let half = text_width(&words, 12.5) / 2.0 + 4.0;
    let center = x.clamp(PLOT.left + half, (PLOT.right - half).max(PLOT.left + half));
    svg.rect(center - half, baseline - 13.0, 2.0 * half, 18.0, "fill=\"#ffffff\" fill-opacity=\"0.85\" rx=\"3\"");
    svg.text((center, baseline), 12.5, &format!("fill=\"{VALIDATION}\" text-anchor=\"middle\""), &words);
}

fn draw_legend(svg: &mut Svg, curves: &Curves) {
    let last = |points: &[Point], digits: fn(f64) -> String| {
        points.last().map(|p| if p.value.is_finite() { digits(p.value) } else { "not a number".into() })
    };
    let entries = [
        (TRAIN, "", "training loss", last(&curves.train, measured)),
        (VALIDATION, "", "validation loss", last(&curves.validation, measured)),
        (RATE, " stroke-dasharray=\"6 4\"", "learning rate", last(&curves.rate, |v| significant(v, 3))),
    ];
    let mut x = PLOT.left;
    let y = PLOT.top - 18.0;
    for (color, dashes, name, value) in entries {
        let Some(value) = value else { continue };
        svg.line((x, y - 4.0), (x + 26.0, y - 4.0), &format!("stroke=\"{color}\" stroke-width=\"2.2\"{dashes}"));
        svg.text((x + 34.0, y), 12.5, &format!("fill=\"{INK}\""), name);
        let after = x + 34.0 + text_width(name, 12.5) + 10.0;
        svg.text((after, y), 12.5, &format!("fill=\"{color}\""), &format!("last {value}"));
        x = after + text_width(&format!("last {value}"), 12.5) + 34.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::raster;

    fn curve(points: &[(f64, f64)]) -> Vec<Point> {
        points.iter().map(|&(epoch, value)| Point { epoch, value }).collect()
    }

    fn small() -> LossChart {
        LossChart {
            title: "autoencoder <mnist>".into(),
            subtitle: "45,002 images · batch 64 · seed 1".into(),
            curves: Curves {
                train: curve(&[(0.5, 4000.0), (1.0, 2200.0), (2.0, 1000.0)]),
                validation: curve(&[(0.0, 4374.0), (1.0, 1971.0), (2.0, 1034.0)]),
                rate: curve(&[(0.5, 0.01), (1.0, 0.001), (2.0, 0.001)]),
                ..Curves::default()
            },
            epochs: 3.0,
            log: false,
        }
    }

    #[test]
    fn the_chart_is_the_golden_one() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/inspect/loss.svg");
        let drawn = loss(&small());
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(std::path::Path::new(golden).parent().unwrap()).unwrap();
            std::fs::write(golden, &drawn).unwrap();
        }
        assert_eq!(drawn, std::fs::read_to_string(golden).unwrap(), "BLESS=1 rewrites it; look at the picture first");
    }

    #[test]
    fn values_lie_where_the_axes_say() {
        let svg = loss(&small());
        // Loss 2200 of 0..4500 at epoch 1 of 3.
        let (x, y) = (78.0 + 794.0 / 3.0, 476.0 - 358.0 * 2200.0 / 4500.0);
        assert!(svg.contains(&format!("L{} {}", number(x), number(y))), "{svg}");
        // The step from 0.01 to 0.001 happens at epoch 1: two points with one x.
        let dashes = svg.lines().find(|line| line.starts_with("<path") && line.contains("dasharray")).unwrap();
        assert_eq!(dashes.matches(&format!("L{} ", number(x))).count(), 2, "{dashes}");
        assert!(svg.contains("best 1,034 at epoch 2") || svg.contains("best 1034 at epoch 2"));
        assert!(svg.contains("autoencoder &lt;mnist&gt;"));
    }

    #[test]
    fn the_picture_shows_all_three_colours() {
        let image = image::load_from_memory(&raster::png(&loss(&small()), 2.0).unwrap()).unwrap().into_rgb8();
        assert_eq!(image.dimensions(), (1920, 1080));
        for color in [[0x2f, 0x6f, 0xb5], [0xc0, 0x3a, 0x0c], [0x5f, 0x6b, 0x3a]] {
            let count = image.pixels().filter(|p| p.0 == color).count();
            assert!(count > 500, "{color:?} covers {count} pixels");
        }
    }

    #[test]
    fn empty_broken_and_huge_runs_are_drawn() {
        assert!(loss(&LossChart::default()).contains("no losses yet"));
        let mut chart = small();
        chart.curves.train.push(Point { epoch: 2.5, value: f64::NAN });
        assert!(loss(&chart).contains("not a number"));
        chart.curves.train =
            (0..20_000).map(|i| Point { epoch: f64::from(i) / 7000.0, value: 100.0 + f64::from(i % 7) }).collect();
        chart.log = true;
        let svg = loss(&chart);
        assert!(svg.contains("fill-opacity=\"0.18\"") && svg.len() < 100_000, "{} bytes", svg.len());
        assert!(!svg.contains("NaN"));
    }
}
