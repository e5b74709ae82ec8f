//! Bars around a zero line: the values of a small vector, such as an autoencoder's code.

use super::{
    axis::Scale,
    numbers::significant,
    svg::{Svg, text_width},
};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 240.0;
const RIGHT: f64 = WIDTH - 8.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = HEIGHT - 26.0;

/// One bar a value, numbered from 1, as an SVG of 960 × 240. Text and lines follow `currentColor`; bars are blue
/// above zero and orange below, readable on light and on dark.
#[must_use]
pub fn svg(values: &[f32], name: &str) -> String {
    let finite = || values.iter().copied().filter(|v| v.is_finite()).map(f64::from);
    let (lo, hi) = finite().fold((0.0, 0.0), |(lo, hi): (f64, f64), v| (lo.min(v), hi.max(v)));
    let room = if hi > lo { (hi - lo) * 0.04 } else { 1.0 };
    let scale =
        Scale::exact(if lo < 0.0 { lo - room } else { 0.0 }, if hi > 0.0 || lo == 0.0 { hi + room } else { 0.0 });
    let y = |v: f64| BOTTOM - scale.place(v) * (BOTTOM - TOP);
    let ticks = scale.ticks(5);
    let left = ticks.iter().map(|t| text_width(&significant(*t, 3), 11.0)).fold(20.0, f64::max) + 12.0;

    let mut svg = Svg::new(WIDTH, HEIGHT, name);
    for tick in &ticks {
        let strength = if *tick == 0.0 { "0.6" } else { "0.15" };
        let style = format!("stroke=\"currentColor\" stroke-opacity=\"{strength}\"");
        svg.line((left, y(*tick)), (RIGHT, y(*tick)), &style);
        let style = "fill=\"currentColor\" text-anchor=\"end\"";
        svg.text((left - 6.0, y(*tick) + 3.8), 11.0, style, &significant(*tick, 3));
    }
    let step = (RIGHT - left) / values.len().max(1) as f64;
    let every = (values.len() / 25).max(1);
    let every = if every == 1 { 1 } else { every.next_multiple_of(5) };
    for (i, value) in values.iter().enumerate() {
        let x = left + i as f64 * step;
        if value.is_finite() && *value != 0.0 {
            let (a, b) = (y(f64::from(*value)), y(0.0));
            let color = if *value > 0.0 { "#3d85d0" } else { "#d9682b" };
            let gap = (step * 0.16).min(3.0);
            svg.rect(x + gap, a.min(b), step - 2.0 * gap, (a - b).abs(), &format!("fill=\"{color}\""));
        }
        if (i + 1) % every == 0 || i == 0 {
            let style = "fill=\"currentColor\" text-anchor=\"middle\"";
            svg.text((x + step / 2.0, HEIGHT - 8.0), 11.0, style, &(i + 1).to_string());
        }
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_but_zero_has_a_bar_on_its_side() {
        let drawn = svg(&[2.0, 0.0, -1.0, f32::NAN], "code");
        let bars: Vec<&str> = drawn.lines().filter(|line| line.starts_with("<rect")).collect();
        assert_eq!(bars.len(), 2);
        assert!(bars[0].contains("#3d85d0") && bars[1].contains("#d9682b"));
        let attribute = |bar: &str, name: &str| -> f64 {
            let from = bar.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
            bar[from..].split('"').next().unwrap().parse().unwrap()
        };
        let (up, down) = (attribute(bars[0], "height"), attribute(bars[1], "height"));
        assert!((up / down - 2.0).abs() < 0.01, "{up} is twice {down}");
        assert!((attribute(bars[0], "y") + up - attribute(bars[1], "y")).abs() < 0.02, "both end at the zero line");
    }

    #[test]
    fn flat_and_empty_vectors_are_drawn() {
        for values in [&[][..], &[0.0; 3], &[-4.0]] {
            assert!(!svg(values, "x").contains("NaN"));
        }
    }
}
