//! `Plot`: a picture of any numbers over any others, as scripts draw them: lines, points, bars, arrows, a map of values.

use super::{
    axis::Scale,
    frame::{Frame, INK, SOFT_INK, tick_text},
    lines::{color, stroke},
    svg::{Svg, polyline, text_width},
};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 560.0;
const TOP: f64 = 60.0;
const LEFT: f64 = 84.0;
const BOTTOM: f64 = 500.0;
/// Radius of a point.
const POINT: f64 = 3.0;

/// How a series is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Look {
    /// A line through the points.
    #[default]
    Line,
    /// A mark at each point.
    Points,
    /// Both.
    LinePoints,
    /// Steps from point to point.
    Steps,
    /// An upright line from 0 to each point.
    Impulses,
    /// A bar from 0 to each point.
    Bars,
    /// An arrow from each point.
    Arrows,
}

/// Numbers that belong together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Its name in the legend; without one it has no line there.
    pub name: String,
    /// Points `[x, y]`, of arrows `[x, y, dx, dy]`; those that are not finite break a line.
    pub points: Vec<[f64; 4]>,
    /// How they are drawn.
    pub look: Look,
}

/// Values at each place of a rectangle, row after row from the top.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    /// How many rows and columns.
    pub size: [usize; 2],
    /// `rows * columns` of them; what is not finite stays white.
    pub values: Vec<f64>,
    /// Colours, or grey levels from black for the lowest to white for the highest.
    pub is_coloured: bool,
}

/// What an axis shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// Its ends, where they are given.
    pub ends: [Option<f64>; 2],
    /// Equal ratios are equal distances.
    pub log: bool,
}

/// The picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From the bottom up.
    pub y: Axis,
    /// Whether lines run from the axes' numbers.
    pub has_grid: bool,
    /// What lies over the map, in the order of the legend.
    pub series: Vec<Series>,
    /// A map, which fills the axes.
    pub map: Option<Map>,
}

/// Where numbers lie in the picture.
struct Places {
    x: Scale,
    y: Scale,
    frame: Frame,
}

impl Places {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.frame.x(self.x.place(x)), self.frame.y(self.y.place(y)))
    }

    /// The height of 0, or of what is nearest to it.
    fn ground(&self) -> f64 {
        let zero = self.y.place(0.0);
        self.frame.y(if zero.is_finite() { zero.clamp(0.0, 1.0) } else { 0.0 })
    }
}

impl Plot {
    /// The picture as an SVG document of 800 pixels' width on white.
    #[must_use]
    pub fn svg(&self) -> String {
        let right = WIDTH - 24.0 - self.legend_width();
        let frame = Frame { left: LEFT, right, top: TOP, bottom: BOTTOM };
        let places = Places { x: self.x_scale(), y: self.y_scale(), frame };
        let mut svg = Svg::new(WIDTH, HEIGHT, if self.title.is_empty() { "A plot" } else { &self.title });
        svg.rect(0.0, 0.0, WIDTH, HEIGHT, "fill=\"#ffffff\"");
        svg.text((LEFT, 34.0), 17.0, &format!("fill=\"{INK}\""), &self.title);
        if let Some(map) = &self.map {
            paint(&mut svg, map, &places);
        }
        self.axes(&mut svg, &places);
        for (i, series) in self.series.iter().enumerate() {
            draw(&mut svg, series, i, &places);
        }
        let named = self.series.iter().enumerate().filter(|(_, series)| !series.name.is_empty());
        for (row, (i, series)) in named.enumerate() {
            let y = TOP + 14.0 + 22.0 * row as f64;
            if series.look != Look::Points {
                svg.line((right + 16.0, y - 4.0), (right + 38.0, y - 4.0), &stroke(i));
            }
            if matches!(series.look, Look::Points | Look::LinePoints) {
                svg.circle((right + 27.0, y - 4.0), POINT, &format!("fill=\"{}\"", color(i)));
            }
            svg.text((right + 44.0, y), 12.5, &format!("fill=\"{INK}\""), &series.name);
        }
        svg.finish()
    }

    fn legend_width(&self) -> f64 {
        let names = self.series.iter().filter(|series| !series.name.is_empty());
        let widest = names.map(|series| text_width(&series.name, 12.5)).fold(0.0, f64::max);
        if widest > 0.0 { (54.0 + widest).min(WIDTH / 2.0) } else { 0.0 }
    }

    fn x_scale(&self) -> Scale {
        if let Some(map) = &self.map {
            return Scale::exact(0.5, map.size[1] as f64 + 0.5);
        }
        let wide = |series: &Series| if series.look == Look::Bars { bar_width(series) / 2.0 } else { 0.0 };
        let all = self.series.iter().flat_map(|series| {
            let wide = wide(series);
            series.points.iter().flat_map(move |[x, _, dx, _]| [x - wide, x + wide, x + dx])
        });
        scale(&self.x, all, false)
    }

    fn y_scale(&self) -> Scale {
        if let Some(map) = &self.map {
            // The first row is at the top.
            return Scale::Linear { lo: map.size[0] as f64 + 0.5, hi: 0.5 };
        }
        let grounded = self.series.iter().any(|series| matches!(series.look, Look::Bars | Look::Impulses));
        let all = self.series.iter().flat_map(|series| series.points.iter().flat_map(|[_, y, _, dy]| [*y, y + dy]));
        scale(&self.y, all, grounded)
    }

    fn axes(&self, svg: &mut Svg, places: &Places) {
        let frame = places.frame;
        frame.rows(svg, places.y, self.has_grid, tick_text);
        frame.columns(svg, places.x, 8, self.has_grid, tick_text);
        let edge = format!("stroke=\"{SOFT_INK}\"");
        svg.line((LEFT, BOTTOM), (frame.right, BOTTOM), &edge);
        svg.line((LEFT, TOP), (LEFT, BOTTOM), &edge);
        frame.below(svg, &self.x.label);
        frame.beside(svg, &self.y.label);
    }
}

/// An axis over all these numbers, from 0 where that is `grounded`.
fn scale(axis: &Axis, all: impl Iterator<Item = f64>, grounded: bool) -> Scale {
    let counts = |value: &f64| value.is_finite() && (!axis.log || *value > 0.0);
    let (mut lo, mut hi) =
        all.filter(counts).fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (v.min(lo), v.max(hi)));
    if grounded && !axis.log {
        (lo, hi) = (lo.min(0.0), hi.max(0.0));
    }
    let [from, to] = axis.ends;
    match (axis.log, from, to) {
        (true, _, _) => {
            let given = |end: Option<f64>, found: f64| end.filter(|end| *end > 0.0).unwrap_or(found);
            Scale::log(given(from, lo), given(to, hi))
        }
        (false, None, None) => Scale::around(lo, hi),
        (false, _, _) => {
            let Scale::Linear { lo, hi } = Scale::around(lo, hi) else { return Scale::exact(0.0, 1.0) };
            Scale::exact(from.unwrap_or(lo), to.unwrap_or(hi))
        }
    }
}

/// What lies between two bars, or one of them alone.
fn bar_width(series: &Series) -> f64 {
    let mut places: Vec<f64> = series.points.iter().map(|point| point[0]).filter(|x| x.is_finite()).collect();
    places.sort_by(f64::total_cmp);
    let gaps = places.windows(2).map(|two| two[1] - two[0]).filter(|gap| *gap > 0.0);
    gaps.reduce(f64::min).unwrap_or(1.0)
}

fn draw(svg: &mut Svg, series: &Series, index: usize, places: &Places) {
    let (stroke, fill) = (stroke(index), color(index));
    let seen: Vec<(f64, f64)> = series.points.iter().map(|[x, y, ..]| places.at(*x, *y)).collect();
    let is_seen = |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
    let path = |svg: &mut Svg, points: &mut dyn Iterator<Item = (f64, f64)>| {
        svg.path(&polyline(points), &format!("fill=\"none\" {stroke} stroke-linejoin=\"round\""));
    };
    if matches!(series.look, Look::Line | Look::LinePoints) {
        path(svg, &mut seen.iter().copied());
    }
    match series.look {
        Look::Line => {}
        Look::Points | Look::LinePoints => {
            for at in seen.iter().filter(|at| is_seen(at)) {
                svg.circle(*at, POINT, &format!("fill=\"{fill}\""));
            }
        }
        Look::Steps => {
            let mut corners =
                seen.windows(2).flat_map(|two| [two[0], (two[1].0, two[0].1)]).chain(seen.last().copied());
            path(svg, &mut corners);
        }
        Look::Impulses => {
            for (x, y) in seen.iter().copied().filter(is_seen) {
                svg.line((x, places.ground()), (x, y), &stroke);
            }
        }
        Look::Bars => {
            let wide = bar_width(series) * 0.9;
            for [x, y, ..] in &series.points {
                let ((left, top), (end, _)) = (places.at(x - wide / 2.0, *y), places.at(x + wide / 2.0, *y));
                if is_seen(&(left, top)) && is_seen(&(end, top)) {
                    let ground = places.ground();
                    let style = format!("fill=\"{fill}\" fill-opacity=\"0.75\"");
                    svg.rect(left, top.min(ground), end - left, (top - ground).abs(), &style);
                }
            }
        }
        Look::Arrows => {
            for ([x, y, dx, dy], from) in series.points.iter().zip(&seen) {
                let to = places.at(x + dx, y + dy);
                if is_seen(from) && is_seen(&to) {
                    svg.line(*from, to, &stroke);
                    svg.circle(to, POINT * 0.8, &format!("fill=\"{fill}\""));
                }
            }
        }
    }
}

/// A rectangle for each value; of many rows and columns only as many as can be told apart.
fn paint(svg: &mut Svg, map: &Map, places: &Places) {
    let [rows, columns] = map.size;
    let finite = || map.values.iter().copied().filter(|value| value.is_finite());
    let (lo, hi) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let every = (rows.max(columns) / MOST).max(1);
    for row in (0..rows).step_by(every) {
        for column in (0..columns).step_by(every) {
            let Some(value) = map.values.get(row * columns + column).filter(|value| value.is_finite()) else {
                continue;
            };
            let share = if hi > lo { (value - lo) / (hi - lo) } else { 0.5 };
            let [r, g, b] = if map.is_coloured { heat(share) } else { [share; 3] }.map(|part| (part * 255.0) as u8);
            let (left, top) = places.at(column as f64 + 0.5, row as f64 + 0.5);
            let (right, bottom) =
                places.at((column + every).min(columns) as f64 + 0.5, (row + every).min(rows) as f64 + 0.5);
            // Half a pixel over: no seams between them.
            svg.rect(left, top, right - left + 0.5, bottom - top + 0.5, &format!("fill=\"#{r:02x}{g:02x}{b:02x}\""));
        }
    }
}

/// Rows and columns that are painted one by one.
const MOST: usize = 256;

/// From dark blue over red to yellow: lightness rises all the way.
fn heat(share: f64) -> [f64; 3] {
    const STOPS: [[f64; 3]; 5] =
        [[0.05, 0.03, 0.30], [0.42, 0.05, 0.50], [0.79, 0.26, 0.38], [0.98, 0.58, 0.25], [0.97, 0.95, 0.60]];
    let place = share.clamp(0.0, 1.0) * 4.0;
    let at = (place as usize).min(3);
    let part = place - at as f64;
    std::array::from_fn(|i| STOPS[at][i] + part * (STOPS[at + 1][i] - STOPS[at][i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::svg::number;

    fn series(look: Look, points: &[[f64; 2]]) -> Series {
        let points = points.iter().map(|[x, y]| [*x, *y, 0.0, 0.0]).collect();
        Series { name: format!("{look:?} & co"), points, look }
    }

    #[test]
    fn numbers_lie_where_the_axes_say_below_0_too() {
        let line = series(Look::Line, &[[-2.0, -1.0], [0.0, 0.0], [2.0, 1.0], [3.0, f64::NAN]]);
        let mut plot = Plot { title: "t".into(), series: vec![line], ..Plot::default() };
        plot.x.ends = [Some(-2.0), Some(2.0)];
        let right = WIDTH - 24.0 - plot.legend_width();
        let svg = plot.svg();
        let middle = format!("L{} {}", number((LEFT + right) / 2.0), number((TOP + BOTTOM) / 2.0));
        assert!(svg.contains(&middle) && svg.contains("Line &amp; co") && !svg.contains("NaN"), "{middle} in {svg}");
    }

    #[test]
    fn every_look_and_a_map_can_be_drawn() {
        let points = [[1.0, 2.0], [2.0, -1.0], [3.0, f64::INFINITY]];
        for look in [Look::Line, Look::Points, Look::LinePoints, Look::Steps, Look::Impulses, Look::Bars, Look::Arrows]
        {
            let svg = Plot { series: vec![series(look, &points)], ..Plot::default() }.svg();
            assert!(svg.ends_with("</svg>\n") || svg.ends_with("</svg>"), "{look:?}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{look:?}: {svg}");
        }
        let map = Map { size: [2, 3], values: vec![0.0, 1.0, 2.0, 3.0, f64::NAN, 5.0], is_coloured: false };
        let svg = Plot { map: Some(map), ..Plot::default() }.svg();
        assert!(svg.contains("#000000") && svg.contains("#ffffff") && !svg.contains("NaN"), "{svg}");
        let empty = Plot { series: vec![Series::default()], ..Plot::default() }.svg();
        assert!(!empty.contains("NaN") && !empty.contains("inf"), "{empty}");
        let mut log = Plot { series: vec![series(Look::Line, &[[1.0, 0.01], [2.0, 100.0]])], ..Plot::default() };
        log.y.log = true;
        assert!(log.svg().contains(">100<"));
    }
}
