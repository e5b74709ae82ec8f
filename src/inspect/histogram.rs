//! The histogram of a layer: an area with a smooth edge through the bin centres, three ticks below.
//!
//! Colours come from `currentColor`, so that the picture follows the page's light or dark theme.

use std::fmt::Write;

use super::{
    numbers::significant,
    statistics::Statistics,
    svg::{Svg, number},
};

const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 92.0;
const LEFT: f64 = 6.0;
const RIGHT: f64 = WIDTH - 6.0;
const TOP: f64 = 6.0;
const BASE: f64 = HEIGHT - 20.0;

/// The histogram as an SVG of 240 × 92; `name` says of what.
#[must_use]
pub fn svg(statistics: &Statistics, name: &str) -> String {
    let ticks = statistics.ticks();
    let spoken = format!(
        "Histogram of {name}: {} values from {} to {}, mean {}, standard deviation {}",
        statistics.counts.iter().sum::<u64>(),
        significant(statistics.min, 3),
        significant(statistics.max, 3),
        significant(statistics.mean, 3),
        significant(statistics.std, 3)
    );
    let mut svg = Svg::new(WIDTH, HEIGHT, &spoken);
    let highest = statistics.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bins = statistics.counts.len() as f64;
    let points: Vec<(f64, f64)> = statistics
        .counts
        .iter()
        .enumerate()
        .map(|(i, &count)| {
            let x = LEFT + (i as f64 + 0.5) / bins * (RIGHT - LEFT);
            (x, BASE - count as f64 / highest * (BASE - TOP))
        })
        .collect();
    let edge = monotone(&points);
    if let (Some(first), Some(last)) = (points.first(), points.last()) {
        let area = format!("{edge}L{} {} L{} {}Z", number(last.0), number(BASE), number(first.0), number(BASE));
        svg.path(&area, "fill=\"currentColor\" fill-opacity=\"0.22\"");
    }
    svg.path(&edge, "fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\"");
    svg.line((LEFT, BASE), (RIGHT, BASE), "stroke=\"currentColor\" stroke-opacity=\"0.5\"");
    for (at, anchor, tick) in
        [(LEFT, "start", ticks[0]), ((LEFT + RIGHT) / 2.0, "middle", ticks[1]), (RIGHT, "end", ticks[2])]
    {
        svg.line((at, BASE), (at, BASE + 4.0), "stroke=\"currentColor\" stroke-opacity=\"0.5\"");
        svg.text(
            (at, HEIGHT - 4.0),
            10.5,
            &format!("fill=\"currentColor\" text-anchor=\"{anchor}\""),
            &significant(tick, 3),
        );
    }
    svg.finish()
}

/// Path data of a cubic curve through points of rising x that never overshoots them (Fritsch and Carlson, 1980).
fn monotone(points: &[(f64, f64)]) -> String {
    let n = points.len();
    let Some(first) = points.first() else { return String::new() };
    let slope = |i: usize| (points[i + 1].1 - points[i].1) / (points[i + 1].0 - points[i].0);
    let tangent = |i: usize| {
        if i == 0 || i + 1 == n {
            return if n < 2 { 0.0 } else { slope(i.min(n - 2)) };
        }
        let (a, b) = (slope(i - 1), slope(i));
        // A harmonic mean where both sides rise or fall; level at every peak.
        if a * b <= 0.0 { 0.0 } else { 2.0 * a * b / (a + b) }
    };
    let mut data = format!("M{} {}", number(first.0), number(first.1));
    for i in 0..n - 1 {
        let ((x0, y0), (x1, y1)) = (points[i], points[i + 1]);
        let third = (x1 - x0) / 3.0;
        let (c0, c1) = (y0 + tangent(i) * third, y1 - tangent(i + 1) * third);
        let _ = write!(
            data,
            "C{} {} {} {} {} {}",
            number(x0 + third),
            number(c0),
            number(x1 - third),
            number(c1),
            number(x1),
            number(y1)
        );
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_goes_through_every_bin_and_never_below_the_base() {
        let values: Vec<f32> = (0..500).map(|i| ((i * 37 % 101) as f32 / 101.0).powi(3)).collect();
        let drawn = svg(&Statistics::of(&[500], &values), "nn.ReLU");
        let edge = drawn.lines().find(|line| line.contains("stroke-width=\"1.5\"")).unwrap();
        let data = edge.split('"').nth(1).unwrap();
        assert_eq!(data.matches('C').count(), 19);
        let ys: Vec<f64> = data
            .split(['M', 'C', ' '])
            .filter(|t| !t.is_empty())
            .map(|t| t.parse::<f64>().unwrap())
            .skip(1)
            .step_by(2)
            .collect();
        assert!(ys.iter().all(|y| (TOP - 0.01..=BASE + 0.01).contains(y)), "{ys:?}");
        assert!(ys.contains(&TOP), "the fullest bin reaches the top: {ys:?}");
    }

    #[test]
    fn ticks_have_three_digits() {
        let drawn = svg(&Statistics::of(&[3], &[-223.456, 0.0, 155.2]), "output");
        for text in [">-223<", ">-34.1<", ">155<"] {
            assert!(drawn.contains(text), "{text} in {drawn}");
        }
    }
}
