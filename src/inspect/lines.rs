//! A chart of several lines over epochs: the learning rates of a schedule, the losses of a sweep.

use super::{
    axis::Scale,
    curves::Point,
    frame::{Frame, INK, SOFT_INK, epoch_ticks, tick_text},
    numbers::significant,
    svg::{Svg, polyline, text_width},
};

const WIDTH: f64 = 960.0;
const TOP: f64 = 84.0;
const LEFT: f64 = 84.0;
const BOTTOM: f64 = 476.0;
const HEIGHT: f64 = 540.0;

/// The studio's, in its order: a CIEDE2000 of 15 or more between any two, in normal sight and in each kind of colour blindness, and
/// at least 3 : 1 on white. From the seventh line on their dashes tell them apart.
const COLORS: [&str; 6] = ["#1777cf", "#e77123", "#006652", "#c31c90", "#7e5607", "#242c32"];
const DASHES: [&str; 4] =
    ["", " stroke-dasharray=\"7 4\"", " stroke-dasharray=\"2 3\"", " stroke-dasharray=\"10 3 2 3\""];

/// One line of the chart.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// A few words below the name: its last value, its best.
    pub note: String,
    /// Its points; those that are not finite break it.
    pub points: Vec<Point>,
}

/// What the chart says and shows.
#[derive(Debug, Clone, Default)]
pub struct LineChart {
    /// What it is about.
    pub title: String,
    /// One line of facts.
    pub subtitle: String,
    /// What the vertical axis measures.
    pub measure: String,
    /// The lines, in the order of the legend.
    pub lines: Vec<Line>,
    /// Epochs on the axis; 0 shows what there is.
    pub epochs: f64,
    /// A logarithmic vertical axis instead of one from 0.
    pub log: bool,
}

impl LineChart {
    /// Whether values that fall over this range are better seen on a logarithmic axis: more than a factor of eight.
    #[must_use]
    pub fn spans_decades(values: impl Iterator<Item = f64>) -> bool {
        let (lo, hi) = values
            .filter(|v| v.is_finite() && *v > 0.0)
            .fold((f64::INFINITY, 0.0), |(lo, hi): (f64, f64), v| (lo.min(v), hi.max(v)));
        hi > 8.0 * lo
    }

    /// The chart as an SVG document of 960 pixels' width on white; it grows with a long legend.
    #[must_use]
    pub fn svg(&self) -> String {
        let values = || self.lines.iter().flat_map(|line| &line.points).filter(|p| p.value.is_finite());
        let highest = values().map(|p| p.value).fold(0.0, f64::max);
        let lowest = values().map(|p| p.value).filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        let last = values().map(|p| p.epoch).fold(self.epochs, f64::max);
        let x_scale = Scale::exact(0.0, last);
        let y_scale =
            if self.log && lowest.is_finite() { Scale::log(lowest, highest) } else { Scale::from_zero(highest) };
        let right = WIDTH - 24.0 - self.legend_width();
        let frame = Frame { left: LEFT, right, top: TOP, bottom: BOTTOM };
        let place = |p: &Point| (frame.x(x_scale.place(p.epoch)), frame.y(y_scale.place(p.value)));

        let height = HEIGHT.max(TOP + 24.0 + 40.0 * self.lines.len() as f64);
        let mut svg = Svg::new(WIDTH, height, &format!("{}: {} by epoch", self.title, self.measure));
        svg.rect(0.0, 0.0, WIDTH, height, "fill=\"#ffffff\"");
        svg.text((24.0, 36.0), 20.0, &format!("fill=\"{INK}\""), &self.title);
        svg.text((24.0, 58.0), 12.5, &format!("fill=\"{SOFT_INK}\""), &self.subtitle);
        frame.rows(&mut svg, y_scale, true, tick_text);
        frame.columns(&mut svg, x_scale, epoch_ticks(last), true, |tick| significant(tick, 4));
        svg.line((LEFT, BOTTOM), (right, BOTTOM), &format!("stroke=\"{SOFT_INK}\""));
        frame
            .beside(&mut svg, &if self.log { format!("{} (logarithmic)", self.measure) } else { self.measure.clone() });
        frame.below(&mut svg, "epoch");

        for (i, line) in self.lines.iter().enumerate() {
            let stroke = stroke(i);
            svg.path(
                &polyline(line.points.iter().map(place)),
                &format!("fill=\"none\" {stroke} stroke-linejoin=\"round\""),
            );
            let y = TOP + 12.0 + 40.0 * i as f64;
            svg.line((right + 20.0, y - 4.0), (right + 44.0, y - 4.0), &stroke);
            svg.text((right + 52.0, y), 12.5, &format!("fill=\"{INK}\""), &line.name);
            svg.text((right + 52.0, y + 16.0), 11.5, &format!("fill=\"{SOFT_INK}\""), &line.note);
        }
        if values().next().is_none() {
            let style = format!("fill=\"{SOFT_INK}\" text-anchor=\"middle\"");
            svg.text(((LEFT + right) / 2.0, (TOP + BOTTOM) / 2.0), 14.0, &style, "no points yet");
        }
        svg.finish()
    }

    fn legend_width(&self) -> f64 {
        let widest = self.lines.iter().map(|line| text_width(&line.name, 12.5).max(text_width(&line.note, 11.5)));
        (60.0 + widest.fold(0.0, f64::max)).min(WIDTH / 2.0)
    }
}

/// The look of a line, counted from 0.
pub(super) fn stroke(line: usize) -> String {
    let dashes = DASHES[(line / COLORS.len()) % DASHES.len()];
    format!("stroke=\"{}\" stroke-width=\"2\"{dashes}", color(line))
}

/// The colour of a line, counted from 0.
pub(super) fn color(line: usize) -> &'static str {
    COLORS[line % COLORS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::{raster, svg::number};

    fn line(name: &str, values: &[f64]) -> Line {
        let points = values.iter().enumerate().map(|(i, &value)| Point { epoch: i as f64, value }).collect();
        Line { name: name.into(), note: "best".into(), points }
    }

    #[test]
    fn values_lie_where_the_axes_say() {
        let lines = vec![line("a<b", &[0.0, 5.0, 10.0]), line("b", &[10.0, f64::NAN, 0.0])];
        let chart = LineChart { title: "t".into(), lines, epochs: 2.0, ..LineChart::default() };
        let svg = chart.svg();
        let right = WIDTH - 24.0 - chart.legend_width();
        let middle = format!("L{} {}", number((LEFT + right) / 2.0), number((TOP + BOTTOM) / 2.0));
        assert!(svg.contains(&middle) && svg.contains("a&lt;b"), "{middle} in {svg}");
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn the_colours_are_those_of_the_studio() {
        let tokens = concat!(env!("CARGO_MANIFEST_DIR"), "/studio/src/styles/tokens.css");
        let tokens = std::fs::read_to_string(tokens).unwrap();
        for (i, color) in COLORS.iter().enumerate() {
            assert!(tokens.contains(&format!("--s{}: light-dark({color},", i + 1)), "{color}");
        }
    }

    #[test]
    fn twenty_lines_have_twenty_looks_and_fit() {
        let lines: Vec<Line> = (0..20).map(|i| line(&format!("run {i}"), &[1.0, f64::from(i)])).collect();
        let mut looks: Vec<String> = (0..20).map(stroke).collect();
        looks.sort();
        looks.dedup();
        assert_eq!(looks.len(), 20);
        let image =
            image::load_from_memory(&raster::png(&LineChart { lines, ..LineChart::default() }.svg(), 1.0).unwrap());
        assert!(image.unwrap().height() > 880);
    }

    #[test]
    fn an_empty_chart_says_so() {
        assert!(LineChart::default().svg().contains("no points yet"));
        assert!(LineChart::spans_decades([0.01, 0.001].into_iter()));
        assert!(!LineChart::spans_decades([0.01, 0.009].into_iter()));
    }
}
